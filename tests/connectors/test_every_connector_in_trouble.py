"""What holds for every tool of every connector when something is wrong: bad arguments, unknown records, dead
tokens, missing rights, limits, outages, nonsense, slowness; and that long lists are walked to their end.

Driven by the registry and the samples of `test_every_connector.py`, against the imitated services over HTTP.
"""

import json
import re
import time

import pytest

from app.connectors.api import Api
from app.connectors.credential_forms import OAUTH
from app.errors import (
    InvalidArguments,
    ObjectNotFound,
    OutcomeUnknown,
    PermissionDenied,
    ProviderRateLimited,
    ProviderTimeout,
    ProviderUnavailable,
    ReconnectNeeded,
    ToolError,
)
from tests.connectors.test_every_connector import (
    TOOLS,
    easy_read,
    every_connector,
    every_tool,
    sample_file,
    samples_of,
)
from tests.support.processes import run_sandbox
from tests.support.signed_in import SignedIn, may_change
from tests.support.waiting import PROMPTLY_SECONDS

_LIMITS = ("limit", "page_size", "per_page", "max_results")
_signed_in = {}


@pytest.fixture(scope="module")
def own_sandbox():
    """Imitated services for these tests alone: they break things."""
    with run_sandbox() as url:
        yield url


@pytest.fixture
def here(connector, own_sandbox):
    """A connection that can be renewed, where the service has such; without faults."""
    if connector.slug not in _signed_in:
        auth_method = OAUTH if connector.auth else None
        _signed_in[connector.slug] = SignedIn(
            connector,
            own_sandbox,
            auth_method=auth_method,
            company=getattr(sample_file(connector), "COMPANY", None),
        )
    there = _signed_in[connector.slug]
    yield there
    there.levers("clear")


@pytest.fixture
def hurry(monkeypatch):
    """No pause between tries."""
    monkeypatch.setattr(Api, "_pause", lambda self, attempt, seconds=0.0: None)


def failure_of(here, tool, arguments):
    with pytest.raises(ToolError) as caught:
        here.call(tool.verb, arguments)
    assert caught.value.message.endswith("."), caught.value.message
    return caught.value


# --- arguments ---


@every_tool
def test_a_wrong_argument_is_refused_by_name(connector, tool):
    for name, schema in tool.input_schema["properties"].items():
        if "type" not in schema or "object" in schema["type"]:
            continue  # it takes anything, or objects of the caller's own
        with pytest.raises(InvalidArguments, match=re.escape(name)):
            tool.parse({name: {"what": [{"is": "this"}]}})
    for name in tool.input_schema.get("required", ()):
        with pytest.raises(InvalidArguments, match=re.escape(name)):
            tool.parse({})


WITH_IDS = [
    (c, t) for c, t in TOOLS if any(name.endswith("_id") for name in t.input_schema.get("required", ()))
]


@pytest.mark.parametrize(("connector", "tool"), WITH_IDS, ids=[f"{c.slug}_{t.verb}" for c, t in WITH_IDS])
def test_a_record_nobody_has_is_not_found(connector, tool, here):
    arguments = samples_of(connector)[tool.verb](here)
    name = [name for name in tool.input_schema["required"] if name.endswith("_id")][-1]
    unknown = {**arguments, name: _unknown(arguments[name])}
    try:
        data = here.call(tool.verb, unknown)
    except ToolError as error:
        assert isinstance(error, ObjectNotFound | InvalidArguments), error
    else:
        assert tool.reads_only and data["items"] == [], "it found what is not there"


def _unknown(value):
    """An id of the same shape that is nobody's."""
    if isinstance(value, int) or value.isdigit():
        return type(value)(987_654_321)
    return re.sub(r"\d", "9", value) if re.search(r"\d", value) else value + "x"


# --- the sign-in ---


@every_tool
def test_a_dead_token_is_renewed_and_the_call_goes_on(connector, tool, here):
    assert here.can_renew
    arguments, before = samples_of(connector)[tool.verb](here), here.refreshes
    here.levers("expire")
    here.call(tool.verb, arguments)
    assert here.refreshes == before + 1


@every_connector
def test_a_missing_right_is_said_and_burns_no_token(connector, own_sandbox, sandbox):
    auth_method = OAUTH if connector.auth else None
    there = SignedIn(
        connector, sandbox, auth_method=auth_method, company=getattr(sample_file(connector), "COMPANY", None)
    )
    tool = next(
        (t for t in connector.tools if t.reads_only and t.needs_scopes), easy_read(connector, there)[0]
    )
    arguments = samples_of(connector)[tool.verb](there)
    there.levers("unscope", scopes=list(SCOPES_OF.get(connector.slug, connector.auth.write_scopes)))
    try:
        there.call(tool.verb, arguments)
    except (PermissionDenied, ReconnectNeeded) as error:
        assert there.refreshes == 0 and "econnect" in error.message
    else:
        assert connector.slug in WITHOUT_SCOPES
    finally:
        there.levers("reset")


SCOPES_OF = {
    "flowpos": ("pos:read", "reports:read", "psa:read", "pos:intents"),
    "stripe": ("accounts_kyc_basic_read",),
}
WITHOUT_SCOPES = {"servicefusion", "xano"}


# --- the service ---


@every_tool
def test_over_the_limit_it_says_when_to_come_back(connector, tool, here, hurry):
    arguments = samples_of(connector)[tool.verb](here)
    here.levers("rate_limit", retry_after=30, times=99)
    error = failure_of(here, tool, arguments)
    assert isinstance(error, ProviderRateLimited) and error.retryable


@every_tool
@pytest.mark.parametrize(("status", "body"), [(500, "json"), (503, "html"), (200, "html")])
def test_an_outage_or_nonsense_is_named_and_no_write_is_called_failed(
    connector, tool, here, hurry, status, body
):
    arguments = samples_of(connector)[tool.verb](here)
    here.levers("clear")
    here.levers("fail", status=status, body=body, times=99)
    error = failure_of(here, tool, arguments)
    requests = here.levers.log()["requests"]
    wrote = bool(requests) and may_change(connector, requests[-1])
    assert isinstance(
        error, OutcomeUnknown if wrote and not tool.idempotent else OutcomeUnknown | ProviderUnavailable
    ), error
    assert not (tool.reads_only and wrote)
    assert wrote or not isinstance(error, OutcomeUnknown)


@every_connector
@pytest.mark.parametrize("reads", [True, False], ids=["read", "write"])
def test_a_slow_service_is_not_waited_for_without_end(connector, here, reads):
    tool = next(tool for tool in connector.tools if tool.reads_only is reads)
    arguments = samples_of(connector)[tool.verb](here)
    here.levers("hang", times=9)
    api = here.api(here.business if tool.one_business else None)
    api.deadline = started = time.monotonic()
    api.deadline += 0.4
    with pytest.raises((ProviderTimeout, OutcomeUnknown)) as caught:
        tool.call(api, tool.parse(arguments))
    assert time.monotonic() - started < PROMPTLY_SECONDS
    assert reads is False or isinstance(caught.value, ProviderTimeout)


# --- long lists ---

PAGED = [(c, t) for c, t in TOOLS if t.pages_by]


@pytest.mark.parametrize(("connector", "tool"), PAGED, ids=[f"{c.slug}_{t.verb}" for c, t in PAGED])
def test_a_list_is_walked_page_by_page_without_meeting_a_record_twice(connector, tool, here):
    arguments = {k: v for k, v in samples_of(connector)[tool.verb](here).items() if k != tool.pages_by}
    limit = next((name for name in _LIMITS if name in tool.input_schema["properties"]), None)
    if limit:
        arguments[limit] = 2
    seen, following = [], None
    for _ in range(4):
        page = here.call(
            tool.verb, arguments if following is None else {**arguments, tool.pages_by: following}
        )
        assert limit is None or len(page["items"]) <= 2
        seen += [json.dumps(item, sort_keys=True) for item in page["items"]]
        following = page["next"]
        if following is None:
            break
    assert len(seen) == len(set(seen)) and seen
