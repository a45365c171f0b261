"""Levers for what FlowPOS does not document: the tools it lists, the names of arguments, the answers.

- `documented_only` `{}`: only the tools whose names FlowPOS documents are listed.
- `unlist` `{"tools": […]}`: these are not.
- `rename` `{"names": {"locationId": "storeId"}}`: what arguments are called.
- `require` `{"tool": …, "argument": …}`: a tool needs one more argument.
- `answer` `{"tool": …, "result": {…}}`: the result of a tool, whatever is asked.
- `add` `{"tool": {"name": …, …}, "scope": "pos:write"}`: one more tool with that definition, for tokens with
  that scope (all without one). It answers with what it was given and its business.

They hold until `reset`.
"""

from collections.abc import Collection, Mapping
from typing import Any

from app.sandbox.current import Here
from app.sandbox.services.flowpos.wire import Given
from app.sandbox.store import Record

_KIND = "catalogue"
_ADDED = "added "


def documented_only(at: Here, _given: dict[str, Any]) -> None:
    """List no tool whose name FlowPOS does not document."""
    _put(at, "documented_only", {})


def unlist(at: Here, given: dict[str, Any]) -> None:
    """List these tools no longer."""
    _put(at, "unlist", {"tools": list(given["tools"])})


def rename(at: Here, given: dict[str, Any]) -> None:
    """Call arguments differently, in every tool."""
    _put(at, "rename", {"names": dict(given["names"])})


def require(at: Here, given: dict[str, Any]) -> None:
    """Let a tool need another argument."""
    _put(at, f"require {given['tool']}", {"argument": given["argument"]})


def answer(at: Here, given: dict[str, Any]) -> None:
    """Replace what a tool answers."""
    _put(at, f"answer {given['tool']}", {"result": given["result"]})


def add(at: Here, given: dict[str, Any]) -> None:
    """List one more tool, or that tool with another definition."""
    _put(at, f"{_ADDED}{given['tool']['name']}", {"tool": given["tool"], "scope": given.get("scope")})


LEVERS = {
    "documented_only": documented_only,
    "unlist": unlist,
    "rename": rename,
    "require": require,
    "answer": answer,
    "add": add,
}


def is_listed(at: Here, name: str, *, inferred: bool) -> bool:
    """Whether the levers leave a tool in the list."""
    return (
        not (inferred and _find(at, "documented_only") is not None)
        and name not in (_find(at, "unlist") or {"tools": ()})["tools"]
    )


def schema_of(at: Here, tool: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a tool as the levers have them."""
    names = _names(at)
    properties = {names.get(name, name): value for name, value in schema["properties"].items()}
    required = [names.get(name, name) for name in schema["required"]]
    if (more := _find(at, f"require {tool}")) is not None:
        properties[more["argument"]] = {"type": "string"}
        required.append(more["argument"])
    return {**schema, "properties": properties, "required": required}


def own_names(at: Here, schema: Mapping[str, Any], given: Given) -> dict[str, Any]:
    """The arguments under the tool's own names. What it does not know it ignores."""
    names = _names(at)
    known = {names.get(name, name): name for name in schema["properties"]}
    return {known[name]: value for name, value in given.items() if name in known}


def answer_of(at: Here, tool: str) -> dict[str, Any] | None:
    """The result that a lever set for the tool, or None."""
    found = _find(at, f"answer {tool}")
    return found["result"] if found else None


def added(at: Here, scopes: Collection[str]) -> dict[str, Record]:
    """The tools that were added and are listed for these scopes: their definitions by name."""
    found = [record for id_, record in at.grants.book.items(_KIND) if id_.startswith(_ADDED)]
    mine = [each["tool"] for each in found if each["scope"] in {None, *scopes}]
    return {tool["name"]: tool for tool in mine if is_listed(at, tool["name"], inferred=True)}


def _names(at: Here) -> dict[str, str]:
    found = _find(at, "rename")
    return dict(found["names"]) if found else {}


def _find(at: Here, id_: str) -> Record | None:
    return at.grants.book.find(_KIND, id_)


def _put(at: Here, id_: str, record: Record) -> None:
    at.grants.book.put(_KIND, id_, record)
