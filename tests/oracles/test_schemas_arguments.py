"""Every generous form of a tool's sample arguments is read as the strict form: one case per tool."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from app.connectors import schemas
from app.connectors.services import services_of
from app.mcp_server.calls import arguments
from app.mcp_server.toolbox import Toolbox
from tests.oracles.recording import samples_of

TOOLBOX = Toolbox()
CASES = [
    pytest.param(connector, name, id=f"{connector.slug}_{name}")
    for connector in services_of(None)
    if connector.slug != "acme"
    for name in samples_of(connector).SAMPLES
]
LISTED = [
    listed
    for tool in TOOLBOX.everything("wsp_any")
    if (listed := TOOLBOX.find("wsp_any", tool["name"])) and not listed.name.startswith("acme_")
]
FRAMEWORK = {"toolCallId": "call_1", "sessionId": "s", "action": "sendMessage", "chatInput": "hello"}

Given = dict[str, Any]


def changed(
    given: Given, schema: Mapping[str, Any], change: Callable[[Mapping[str, Any], Any], Any]
) -> Given:
    """The arguments with each declared one changed."""
    return {name: change(schema["properties"].get(name, {}), value) for name, value in given.items()}


def only(schema: Mapping[str, Any], kind: str) -> bool:
    return schemas.kinds_of(schema) == {kind}


def as_json_text(schema: Mapping[str, Any], value: Any) -> Any:
    return json.dumps(value) if only(schema, "array") or only(schema, "object") else value


def elements_as_json_text(schema: Mapping[str, Any], value: Any) -> Any:
    if not only(schema, "array"):
        return value
    return [as_json_text(schema["items"], element) for element in value]


def single(schema: Mapping[str, Any], value: Any) -> Any:
    """The only element of a list of single values or objects alone."""
    if not only(schema, "array") or len(value) != 1 or "array" in schemas.kinds_of(schema["items"]):
        return value
    return value if isinstance(value[0], str) and "," in value[0] else value[0]


def as_text(schema: Mapping[str, Any], value: Any) -> Any:
    """Numbers and booleans as text."""
    if isinstance(value, bool):
        return str(value).lower() if only(schema, "boolean") else value
    return (
        str(value) if isinstance(value, int | float) and "string" not in schemas.kinds_of(schema) else value
    )


def as_float(schema: Mapping[str, Any], value: Any) -> Any:
    whole = isinstance(value, int) and not isinstance(value, bool) and only(schema, "integer")
    return float(value) if whole else value


def as_number(schema: Mapping[str, Any], value: Any) -> Any:
    """A text of digits as the number it is."""
    is_number = only(schema, "string") and isinstance(value, str) and value.isascii() and value.isdigit()
    return int(value) if is_number and str(int(value)) == value else value


def in_another_case(schema: Mapping[str, Any], value: Any) -> Any:
    if only(schema, "array"):
        return [in_another_case(schema["items"], element) for element in value]
    return value.swapcase() if isinstance(value, str) and schemas.choices_of(schema) else value


def forms(given: Given, tool: Any) -> Iterator[tuple[str, Given]]:
    """Each form by its name."""
    schema = tool.input_schema
    absent = [
        name
        for name in schema["properties"]
        if name not in given and name not in schema.get("required", ()) and name != tool.pages_by
    ]
    for change in (
        as_json_text,
        elements_as_json_text,
        single,
        as_text,
        as_float,
        as_number,
        in_another_case,
    ):
        yield change.__name__, changed(given, schema, change)
    yield "null for what is left out", {**given, **dict.fromkeys(absent)}
    yield "a framework's members", {**given, **FRAMEWORK}
    if tool.reads_only:
        no_text = [name for name in absent if "string" not in schemas.kinds_of(schema["properties"][name])]
        yield "empty text for what is left out", {**given, **dict.fromkeys(no_text, "")}
        yield "a member no tool has", {**given, "xyzzy": 1}


@pytest.mark.parametrize(("connector", "name"), CASES)
def test_every_form_is_read_as_the_strict_one(connector, name, connection_to):
    here = connection_to(connector)
    given = samples_of(connector).SAMPLES[name](here)
    listed = TOOLBOX.find("wsp_any", here.tool(name.partition("#")[0]).name_in(connector.slug))
    assert listed
    strict = listed.tool.parse(given)
    for form, sent in forms(given, listed.tool):
        reading = arguments.read(listed, sent, lambda: TOOLBOX.argument_names("wsp_any"))
        assert arguments.parse(listed.tool, reading.arguments) == strict, f"{form}: {sent}"


@pytest.mark.parametrize("listed", LISTED, ids=lambda listed: listed.name)
def test_a_member_that_may_mean_something_is_never_ignored(listed):
    declared = listed.wire["inputSchema"]["properties"]
    misspelt = {name.replace("_", "") for name in declared if "_" in name}
    camel = {"".join(part.title() for part in name.split("_")) for name in declared}
    unknown = set() if listed.tool.reads_only else {"xyzzy"}
    for member in (misspelt | camel | unknown) - declared.keys():
        reading = arguments.read(listed, {member: "1"}, frozenset)
        assert member in reading.arguments, f"{member} was ignored"
