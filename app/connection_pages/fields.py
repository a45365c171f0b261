"""The fields of a tool's form: one per argument of its schema, with its value, hint and problem."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.approvals.argument_text import label_of
from app.connection_pages.form_values import Kind, Raw, fill, kind_of, node_of, properties_of, rows_in
from app.connectors.schemas import choices_of
from app.connectors.tool import Tool

_WRITTEN = re.compile(r"(^|_)(body|message|notes?|memo|terms|description|text|html|comments?)$")
_LONG = 900  # characters that a text may have from which it gets several lines
_MOST_VISIBLE = 6  # fields; with more, those that may be left empty are folded

_WITH_DEFAULT = frozenset({"switch", "choice"})
_MISSING = "Fill this in."
_SENTENCES = (
    (re.compile(r"Field required"), _MISSING),
    (re.compile(r"Input should be a valid (integer|number).*"), r"Enter a number."),
    (re.compile(r"Input should be a valid date.*|Datetimes provided to dates.*"), "Enter a date."),
    (re.compile(r"Input should be greater than or equal to (.+)"), r"Enter \1 or more."),
    (re.compile(r"Input should be less than or equal to (.+)"), r"Enter \1 or less."),
    (re.compile(r"String should have at least (\d+) characters?"), r"Enter at least \1 characters."),
    (re.compile(r"String should have at most (\d+) characters?"), r"Enter at most \1 characters."),
    (re.compile(r"String should match pattern.*"), "This isn't in the expected format."),
    (re.compile(r"List should have at least (\d+) items?.*"), r"Enter at least \1."),
    (re.compile(r"List should have at most (\d+) items?.*"), r"Enter at most \1."),
    (re.compile(r"Input should be (?!a )(.+)"), r"Choose \1."),
)


@dataclass(frozen=True)
class FormField:
    """One field. `name` is the path to its value; `values` are what it holds, as text."""

    name: str
    label: str
    kind: Kind
    hint: str = ""
    required: bool = False
    values: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    is_long: bool = False
    example: str = ""
    problem: str = ""
    members: tuple["FormField", ...] = ()  # of a group
    rows: tuple[tuple["FormField", ...], ...] = ()
    is_changed: bool = False  # of a switch or choice: it is not at its default

    @property
    def value(self) -> str:
        """What a field with one value holds."""
        return self.values[0] if self.values else ""

    @property
    def key(self) -> str:
        """Its id on the page."""
        return "f-" + re.sub(r"[^\w-]", "-", self.name)

    @property
    def is_touched(self) -> bool:
        """Whether it holds something, or something is wrong with it."""
        inner = [*self.members, *(each for row in self.rows for each in row)]
        if self.kind in {"rows", "group"}:
            return bool(self.problem) or any(each.is_touched for each in inner)
        holds = self.is_changed if self.kind in _WITH_DEFAULT else bool(self.value)
        return bool(self.problem) or holds


@dataclass(frozen=True)
class ToolForm:
    """A tool's fields: those always in view, and those folded."""

    visible: tuple[FormField, ...]
    folded: tuple[FormField, ...]
    problems: tuple[str, ...]  # that belong to no field

    @property
    def is_open(self) -> bool:
        """Whether the folded fields are open at first."""
        return any(each.is_touched for each in self.folded)

    @property
    def has_problems(self) -> bool:
        """Whether anything is wrong with it."""
        return bool(self.problems) or any(_has_problem(each) for each in (*self.visible, *self.folded))


def form_of(
    tool: Tool, raw: Raw, without: Sequence[str], problems: Mapping[str, str], general: Sequence[str] = ()
) -> ToolForm:
    """The form of a tool that holds what was sent. `problems` are by path, as `by_path` sorts them."""
    required = set(tool.input_schema.get("required", ()))
    left = dict(problems)
    fields = [
        _field(name, schema, name, name in required, raw, left, 0)
        for name, schema in properties_of(tool.input_schema).items()
        if name not in without
    ]
    lost = [f"{label_of(path)}: {sentence}" for path, sentence in left.items()]
    if len(fields) <= _MOST_VISIBLE:
        visible, folded = fields, []
    else:
        visible = [each for each in fields if each.required]
        folded = [each for each in fields if not each.required]
    return ToolForm(tuple(visible), tuple(folded), (*general, *lost))


def by_path(problems: Sequence[str]) -> dict[str, str]:
    """Problems as a tool names them ("line_items.0.qty: Field required"), by path, in words for a form."""
    found: dict[str, str] = {}
    for problem in problems:
        path, _, sentence = problem.partition(": ")
        found.setdefault(path, _in_form_words(sentence or problem))
    return found


def _in_form_words(sentence: str) -> str:
    for pattern, words in _SENTENCES:
        if match := pattern.fullmatch(sentence):
            return match.expand(words)
    return sentence if sentence.endswith((".", "?", "!")) else f"{sentence}."


def _field(
    name: str,
    schema: Mapping[str, Any],
    path: str,
    required: bool,
    raw: Raw,
    problems: dict[str, str],
    depth: int,
) -> FormField:
    kind, node = kind_of(schema, depth), node_of(schema)
    about = str(schema.get("description") or node.get("description") or "")
    found = FormField(
        path,
        label_of(name),
        kind,
        _hint(about, node, kind),
        required,
        tuple(raw.get(path, ())),
        tuple(str(choice) for choice in choices_of(_elements(node) if kind == "choices" else node)),
        _is_long(name, node) if kind == "text" else kind in {"lines", "table", "json"},
        _example(node, kind),
        is_changed=kind in _WITH_DEFAULT and _is_changed(name, schema, raw.get(path, ())),
    )
    if kind == "group":
        found = replace(found, members=_fields_of(node, path, raw, problems, depth))
    if kind == "rows":
        rows = range(rows_in(raw, path))
        found = replace(
            found,
            rows=tuple(_fields_of(_elements(node), f"{path}.{row}", raw, problems, depth) for row in rows),
        )
    problem = _take(problems, path, whole=kind not in {"rows", "group"})
    if problem == _MISSING and kind == "rows":
        problem = "Add at least one line."
    return replace(found, problem=problem)


def _fields_of(
    schema: Mapping[str, Any], path: str, raw: Raw, problems: dict[str, str], depth: int
) -> tuple[FormField, ...]:
    required = node_of(schema).get("required", ())
    return tuple(
        _field(name, part, f"{path}.{name}", name in required, raw, problems, depth + 1)
        for name, part in properties_of(schema).items()
    )


def _take(problems: dict[str, str], path: str, *, whole: bool) -> str:
    """The problem of a field, and of what is inside of it if it is one field on the page."""
    mine = [known for known in problems if known == path or (whole and known.startswith(f"{path}."))]
    sentences = [problems.pop(known) for known in mine]
    return sentences[0] if sentences else ""


def _has_problem(field: FormField) -> bool:
    inner = [*field.members, *(each for row in field.rows for each in row)]
    return bool(field.problem) or any(_has_problem(each) for each in inner)


def _is_changed(name: str, schema: Mapping[str, Any], values: Sequence[str]) -> bool:
    """Whether a form would display another value if nobody had chosen one."""
    return [value for value in values if value] != fill({"properties": {name: schema}}, {}).get(name, [])


def _elements(node: Mapping[str, Any]) -> Mapping[str, Any]:
    return node_of(node.get("items") or {})


def _is_long(name: str, node: Mapping[str, Any]) -> bool:
    longest = node.get("maxLength")
    if longest is None:
        return not node.get("pattern") and not node.get("format") and _WRITTEN.search(name) is not None
    return bool(longest >= _LONG)


def _hint(about: str, node: Mapping[str, Any], kind: Kind) -> str:
    how = {
        "lines": "One per line.",
        "table": "Paste rows from a spreadsheet, or write them as JSON.",
        "json": "As JSON.",
        "literal": "A number, true, false or text.",
    }.get(kind, "")
    return " ".join(filter(None, (about, how)))


def _example(node: Mapping[str, Any], kind: Kind) -> str:
    default = node.get("default")
    if default not in (None, "") and kind not in {"switch", "choice"}:
        return str(default)
    if node.get("format") == "date-time":
        return "2026-11-18T15:05:00Z"
    return {"json": "{ }" if "properties" in node or node.get("type") == "object" else "", "table": ""}.get(
        kind, ""
    )
