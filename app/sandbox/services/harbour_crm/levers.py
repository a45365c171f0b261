"""The levers of Harbour CRM: changed definitions and spoiled results, read at each request."""

from collections.abc import Mapping
from typing import Any

from app.sandbox.current import Here

_CHANGED, _SPOILED = "changed tool", "spoiled result"


def change_tool(at: Here, given: dict[str, Any]) -> None:
    """Change how a tool is listed, or add one. Raises KeyError without `tool`. An empty object undoes all."""
    book = at.grants.book
    if not given:
        for name, _ in book.items(_CHANGED):
            book.remove(_CHANGED, name)
        return
    original = given.get("like", given["tool"])
    patch = {**given.get("patch", {})}
    if "like" in given:
        patch.setdefault("name", given["tool"])
    book.put(_CHANGED, given["tool"], {"original": original, "patch": patch, "added": "like" in given})


def spoil(at: Here, given: dict[str, Any]) -> None:
    """Spoil the next result. Raises ValueError for an unknown `how`."""
    if given["how"] not in {"lie", "flood"}:
        raise ValueError("how is lie or flood")
    at.grants.book.put(_SPOILED, "next", {"characters": 5_000_000, **given})


def next_spoiled(at: Here) -> Mapping[str, Any] | None:
    """How the result at hand is spoiled; the lever is used up."""
    found = at.grants.book.find(_SPOILED, "next")
    if found:
        at.grants.book.remove(_SPOILED, "next")
    return found


def changes(at: Here) -> list[Mapping[str, Any]]:
    """The changes in effect: `original`, `patch`, and whether a tool is `added`."""
    return list(at.grants.book.all(_CHANGED))


def original_of(at: Here, name: str) -> str | None:
    """The tool that runs under a listed name; None if a lever renamed the tool of that name."""
    in_effect = changes(at)
    for change in in_effect:
        if change["patch"].get("name") == name:
            return str(change["original"])
    gone = {c["original"] for c in in_effect if not c["added"] and c["patch"].get("name", name) != name}
    return None if name in gone else name


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386 2. Processing Merge Patch Documents."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged
