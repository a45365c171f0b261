"""Reads a call's arguments generously: many AI clients and their frameworks send another form of the right
value.

What has one meaning is taken, a member that changes nothing is ignored and named in the result, and what has
two meanings stays as it is, so that the tool refuses it. The table is in docs/ai-clients.md. Everything is
decided by a tool's JSON Schema, so it holds for every kind of tool:

- `read` changes the structure: JSON text, single values, null, the case of choices, members of frameworks. It
  never refuses; what it returns is what approvals, the audit trail and cursors see.
- `parse` checks with the tool, and converts single values (a number as text, a text that is all digits) only
  where the tool refuses what was given.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from app import strict_json
from app.connectors.argument_names import closest, letters_of
from app.connectors.schemas import branches_of, choices_of, kinds_of
from app.connectors.tool import Tool
from app.errors import InvalidArguments
from app.mcp_server.calls import single_values
from app.mcp_server.tools.spec import ListedTool

# What AI clients' frameworks put among the arguments: n8n's agents and chat trigger, LangGraph's state, the
# protocol's own metadata in the wrong place. By `letters_of`.
_OF_FRAMEWORKS = frozenset(
    ["toolcallid", "sessionid", "action", "chatinput", "threadid", "runid", "conversationid", "meta"]
)


@dataclass(frozen=True)
class Reading:
    """Arguments in the form of the tool's schema, and the members that were ignored."""

    arguments: dict[str, Any]
    ignored: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """A sentence for the result's message; "" if nothing was ignored."""
        if not self.ignored:
            return ""
        return f" Ignored, as this tool has no such argument: {', '.join(self.ignored)}."


def read(
    listed: ListedTool, given: Mapping[str, Any], argument_names: Callable[[], Collection[str]]
) -> Reading:
    """The arguments in the form of the tool's schema. `argument_names` are those of all tools: a member that
    another tool has may be meant for something, so it is not ignored.
    """
    schema = _with_ours(listed)
    declared = schema["properties"]
    ignored = tuple(
        name
        for name, value in given.items()
        if name not in declared
        and not _wraps(value, declared)
        and _may_ignore(name, schema, listed, argument_names)
    )
    arguments = _members(schema, {name: value for name, value in given.items() if name not in ignored})
    ours = declared.keys() - listed.tool.input_schema.get("properties", {}).keys()
    return Reading(
        {name: value for name, value in arguments.items() if not (name in ours and value == "")},
        tuple(name[:64] for name in ignored[:10]),
    )


def parse(tool: Tool, given: Mapping[str, Any]) -> dict[str, Any]:
    """Checked arguments for `Tool.call`. Raises InvalidArguments with one sentence per problem."""
    schema = tool.input_schema
    if paths := single_values.switches_as_numbers(schema, given):
        problems = [f"{path}: true and false are no numbers" for path in paths[:10]]
        raise InvalidArguments(
            f"The arguments are invalid: {'; '.join(problems)}.", details={"problems": problems}
        )
    try:
        return tool.parse(given)
    except InvalidArguments as refused:
        try:
            return tool.parse(single_values.convert(schema, given, drop_empty=tool.reads_only))
        except InvalidArguments:
            raise refused from None


def _with_ours(listed: ListedTool) -> dict[str, Any]:
    """The schema of a tool's arguments, with those the hub adds."""
    schema = listed.tool.input_schema
    properties = dict(schema.get("properties", {}))
    if listed.tool.pages_by:
        properties["cursor"] = {"type": "string"}
    if listed.connector is not None:
        properties["account"] = {"type": "string"}
        if (business := listed.connector.business) is not None and listed.tool.one_business:
            properties[business.name] = {"type": ["string", "integer"]}
    return {**schema, "type": "object", "properties": properties}


def _may_ignore(
    name: str,
    schema: Mapping[str, Any],
    listed: ListedTool,
    argument_names: Callable[[], Collection[str]],
) -> bool:
    """Whether leaving out a member the tool does not have cannot change what is done."""
    letters = letters_of(name)
    if letters in {letters_of(declared) for declared in schema["properties"]}:
        return False
    if letters in _OF_FRAMEWORKS:
        return True
    if not listed.tool.reads_only or schema.get("additionalProperties") is not False:
        return False
    return closest(name, schema["properties"]) is None and letters not in {
        letters_of(known) for known in argument_names()
    }


def _wraps(value: Any, declared: Mapping[str, Any]) -> bool:
    """Whether the arguments are inside of this member, such as `{"input": {…}}`."""
    return isinstance(value, Mapping) and not declared.keys().isdisjoint(value)


# --- structure ---


def _read(schema: Mapping[str, Any], value: Any) -> Any:
    """A value in the structure of its schema, or as it is."""
    kinds = kinds_of(schema)
    if isinstance(value, str):
        if "string" in kinds:
            found = _from_json(value) if choices_of(schema) else None
            return _choice(schema, value) if not isinstance(found, list) else _read(schema, found)
        if kinds == {"array"}:
            return _list_from_text(schema, value)
        if kinds == {"object"} and isinstance(found := _from_json(value), dict):
            return _members(schema, found)
        return value
    if kinds == {"array"} and isinstance(schema.get("items"), Mapping):
        if isinstance(value, list):
            return _elements(schema["items"], value)
        return _elements(schema["items"], [value]) if _may_stand_alone(schema["items"], value) else value
    if kinds == {"object"} and isinstance(value, dict):
        return _members(schema, value)
    if isinstance(value, list) and len(value) == 1 and choices_of(schema):
        return _read(schema, value[0])  # one choice, sent as a list of one
    return value


def _members(schema: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """An object with its declared members read. Null for an optional one that takes no null leaves it out."""
    declared, required = schema.get("properties") or {}, schema.get("required") or ()
    read = {}
    for name, part in value.items():
        about = declared.get(name)
        if not isinstance(about, Mapping):
            read[name] = part
        elif part is not None or name in required or _takes_null(about):
            read[name] = _read(about, part)
    return read


def _elements(schema: Mapping[str, Any], values: list[Any]) -> list[Any]:
    """The elements of a list, read. In a list of lists no single value stands for a list: whether it is a row
    or a cell, nobody knows.
    """
    kinds = kinds_of(schema)
    if not kinds & {"array", "object"} and not choices_of(schema):
        return values
    if kinds == {"array"}:
        lists = [_json_list(value) if isinstance(value, str) else value for value in values]
        return [_read(schema, value) if isinstance(value, list) else value for value in lists]
    return [_read(schema, value) for value in values]


def _list_from_text(schema: Mapping[str, Any], text: str) -> Any:
    """A list from its JSON text, or from the text of its only element; else the text as it is."""
    elements = schema.get("items")
    elements = elements if isinstance(elements, Mapping) else {}
    found = _from_json(text)
    if isinstance(found, list):
        return _elements(elements, found)
    if isinstance(found, dict):
        return _elements(elements, [found]) if kinds_of(elements) == {"object"} else text
    choices = choices_of(elements)
    parts = [part.strip() for part in text.split(",")]
    if choices and len(read := [_choice(elements, part) for part in parts]) > 1:
        return read if all(part in choices for part in read) else text
    return _elements(elements, [text]) if _may_stand_alone(elements, text) else text


def _may_stand_alone(elements: Mapping[str, Any], value: Any) -> bool:
    """Whether a value can only be the one element of a list. Text with a comma may be several, text that
    begins like JSON may be a broken list.
    """
    kinds = kinds_of(elements)
    if value is None or "array" in kinds:
        return False
    if isinstance(value, dict):
        return kinds == {"object"}
    if isinstance(value, str):
        return "object" not in kinds and bool(value) and "," not in value and value.lstrip()[:1] not in "[{"
    return "object" not in kinds


def _json_list(text: str) -> Any:
    found = _from_json(text)
    return found if isinstance(found, list) else text


def _choice(schema: Mapping[str, Any], text: str) -> str:
    """The one choice that differs only in case and outer spaces; else the text."""
    choices = [choice for choice in choices_of(schema) if isinstance(choice, str)]
    if not choices or text in choices:
        return text
    found = [choice for choice in choices if choice.casefold() == text.strip().casefold()]
    return found[0] if len(found) == 1 else text


def _from_json(text: str) -> Any:
    """The list or object that JSON text holds, or None. A member that appears twice has two meanings."""
    if text.strip()[:1] not in {"[", "{"}:
        return None
    try:
        return strict_json.parse(text.encode())
    except ValueError:
        return None


def _takes_null(schema: Mapping[str, Any]) -> bool:
    stated = schema.get("type")
    return (
        stated == "null"
        or (isinstance(stated, list) and "null" in stated)
        or any(_takes_null(branch) for branch in branches_of(schema))
    )
