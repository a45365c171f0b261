"""An odd member of a service's answer never makes a read unreadable or the outcome of a write unknown.

Every answer that a tool reads is replayed with each of its members null, missing, empty or of another type.
Only the members in `REQUIRED` of `tests/connectors/samples/<slug>.py` may make a difference: ids, and the
thing asked for (and what they are inside of); to a preview also those in `PREVIEWS_REQUIRE`. Even then the
caller gets an error of ours.
"""

import copy
import json

import pytest
from jsonschema.validators import Draft202012Validator

from app.connectors.services import services_of
from app.errors import ToolError
from app.outbound import Response
from tests.oracles.recording import PREVIEW, answering, record, samples_of, targets_of

TARGETS = [(connector, name) for connector in services_of(None) for name in targets_of(connector)]
every_target = pytest.mark.parametrize(
    ("connector", "name"), TARGETS, ids=[f"{c.slug}-{n}" for c, n in TARGETS]
)
MISSING = object()


def members(body, place=(), seen=None):
    """The place of each member, once per kind: of a list's elements the first that has it counts."""
    seen = {} if seen is None else seen
    children = (
        body.items() if isinstance(body, dict) else enumerate(body[:3]) if isinstance(body, list) else ()
    )
    for key, value in children:
        here = (*place, key)
        seen.setdefault(written(here), (here, value))
        members(value, here, seen)
    return seen


def written(place):
    """A place as REQUIRED names it: `Invoices[].Contact.Name`."""
    return "".join("[]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")


def odd_forms(value):
    """Other values than the documented one, each with a name."""
    yield "null", None
    yield "missing", MISSING
    if isinstance(value, bool) or value is None:
        yield "text", "odd"
    elif isinstance(value, str):
        yield "object", {"odd": 1}
        yield "empty", ""
        yield "number", 7
    elif isinstance(value, int | float):
        yield "text", "odd"
        yield "object", {"odd": 1}
        yield "empty", ""
    elif isinstance(value, list):
        yield "empty", []
        yield "object", {"odd": 1}
        yield "text", "odd"
    else:
        yield "empty", {}
        yield "list", []
        yield "text", "odd"


def changed(body, place, form):
    """The answer with another form of one member; what is not on the path to it stays shared."""
    key, *rest = place
    parent = copy.copy(body)
    if rest:
        parent[key] = changed(parent[key], rest, form)
    elif form is MISSING:
        del parent[key]
    else:
        parent[key] = form
    return parent


def problem_of(target, fitting):
    """What the caller would see that nobody wants to see, or None.

    `fitting` collects the data that fit the schema: most odd members change nothing, and checking takes long.
    """
    try:
        data = target.run()
    except ToolError as error:
        return f"{error.code}: {error.message}"
    except Exception as error:
        return f"CRASH {type(error).__name__}: {error}"
    if target.tool is None:
        return None
    if target.tool.pages_by:
        following = data["next"]
        data = {**{k: v for k, v in data.items() if k != "next"}, "next_cursor": following and str(following)}
    if repr(data) in fitting:
        return None
    error = next(Draft202012Validator(target.tool.data_schema).iter_errors(data), None)
    if error:
        return f"SCHEMA {error.json_path}: {error.message[:100]}"
    fitting.add(repr(data))
    return None


def is_required(member, required):
    """Whether the member is listed, or a listed one is inside it."""
    return any(one == member or one.startswith((f"{member}.", f"{member}[]")) for one in required)


def shortened(body):
    """The answer with at most three elements in each list, which replays in less time."""
    if isinstance(body, dict):
        return {key: shortened(value) for key, value in body.items()}
    return [shortened(element) for element in body[:3]] if isinstance(body, list) else body


def body_to_change(recording, number, fitting):
    """The recorded answer, shortened where that makes no difference to the target."""
    body = recording.requests[number].body
    shorter = shortened(body)
    with answering(recording, number, json.dumps(shorter).encode()):
        return body if problem_of(recording.target, fitting) else shorter


@every_target
def test_an_odd_member_changes_nothing_else(connector, name, connection_to):
    recording = record(connector, connection_to(connector), name)
    required = getattr(samples_of(connector), "REQUIRED", frozenset())
    if name.startswith(PREVIEW):
        required |= getattr(samples_of(connector), "PREVIEWS_REQUIRE", frozenset())
    found, fitting = [], set()
    for number, request in recording.answers:
        body = body_to_change(recording, number, fitting)
        for member, (place, value) in members(body).items():
            for kind, form in odd_forms(value):
                with answering(recording, number, json.dumps(changed(body, place, form)).encode()):
                    problem = problem_of(recording.target, fitting)
                if problem and (not is_required(member, required) or problem.startswith(("CRASH", "SCHEMA"))):
                    found.append(f"{request.method} {request.path}: {member} {kind}: {problem}")
    assert not found, f"{len(found)} odd answers:\n" + "\n".join(found[:40])


@every_target
def test_an_answer_of_another_shape_is_an_error_and_no_success_of_a_write(connector, name, connection_to):
    recording = record(connector, connection_to(connector), name)
    may_be_empty = getattr(samples_of(connector), "EMPTY_ANSWERS", frozenset())
    found, fitting = [], set()
    for number, request in recording.answers:
        for body in (b"", b"null", b"[]", b"{}", b'"odd"', b"7", b"<html></html>", b"[" * 3000):
            with answering(recording, number, body):
                problem = problem_of(recording.target, fitting)
            is_write = recording.may_change(request)
            if problem and problem.startswith(("CRASH", "SCHEMA")):
                found.append(f"{request.method} {request.path} answered {body[:20]!r}: {problem}")
            elif not problem and is_write and recording.target.name not in may_be_empty:
                found.append(f"{request.method} {request.path} answered {body[:20]!r}: called a success")
    assert not found, "\n".join(found)


ERROR_MEMBERS = [
    "error", "errors", "message", "code", "Message", "ErrorNumber", "Elements", "Fault", "fault", "Errors",
    "response", "Detail", "detail", "details", "title", "Type", "warnings", "error_description", "errno",
]  # fmt: skip
ERROR_VALUES = (
    None,
    5,
    "odd",
    [],
    {},
    [None],
    ["odd"],
    [[]],
    [{}],
    {"errors": [None]},
    {"Error": [5]},
    {"code": {}, "message": [], "type": None, "errors": "odd"},
    [{"message": {}, "code": []}],
)
ERROR_BODIES = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b'"odd"',
    b"<html><body>502</body></html>",
    b"[" * 3000,
    *(json.dumps({name: value}).encode() for name in ERROR_MEMBERS for value in ERROR_VALUES),
]


@pytest.mark.parametrize("connector", list(services_of(None)), ids=lambda connector: connector.slug)
def test_an_odd_refusal_is_always_an_error_of_ours(connector):
    read = connector.read_error or (lambda response: None)
    found = []
    for status in (200, 400, 401, 403, 404, 409, 422, 429, 500, 503):
        for body in ERROR_BODIES:
            try:
                read(Response(status, {"Content-Type": "application/json", "Retry-After": "odd"}, body))
            except Exception as error:
                found.append(f"{status} {body!r}: {type(error).__name__}: {error}")
    assert not found, "\n".join(found[:20])
