"""Partial answers: `fields=files(id,owners(emailAddress)),nextPageToken`, `sheets.properties.title`.

https://developers.google.com/workspace/drive/api/guides/fields-parameter
"""

from typing import Any

Tree = dict[str, "Tree"]


def masked(record: dict[str, Any], fields: str | None) -> dict[str, Any]:
    """The fields of the mask; all of them without one. Raises ValueError for an invalid mask."""
    if not fields or fields == "*":
        return record
    tree, rest = _tree(fields.replace(" ", ""))
    if rest:
        raise ValueError(fields)
    answer: dict[str, Any] = _keep(record, tree)
    return answer


def _tree(text: str) -> tuple[Tree, str]:
    """The fields up to the end or closing bracket, and the rest of the text."""
    tree: Tree = {}
    while text:
        end = next((i for i, c in enumerate(text) if c in ",()./"), len(text))
        name, text = text[:end], text[end:]
        if not name:
            raise ValueError(text)
        branch = tree.setdefault(name, {})
        while text[:1] in {".", "/"}:
            end = next((i for i, c in enumerate(text[1:], 1) if c in ",()./"), len(text))
            branch, text = branch.setdefault(text[1:end], {}), text[end:]
        if text[:1] == "(":
            inner, text = _tree(text[1:])
            branch.update(inner)
            if text[:1] != ")":
                raise ValueError(text)
            text = text[1:]
        if text[:1] != ",":
            return tree, text
        text = text[1:]
    return tree, text


def _keep(value: Any, tree: Tree) -> Any:
    if isinstance(value, list):
        return [_keep(each, tree) for each in value]
    if not tree or not isinstance(value, dict):
        return value
    return {name: _keep(value[name], branch) for name, branch in tree.items() if name in value}
