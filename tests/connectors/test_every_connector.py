"""What holds for every connector, checked for all in the registry against their imitated services over HTTP.

A new connector brings `samples/<slug>.py` with `SAMPLES`: for each tool's verb a function that takes the
signed-in connection (`tests/support/signed_in.py`) and returns arguments with which the tool works.
`COMPANY` there chooses a demo company other than the first.
"""

import importlib
import re
from zoneinfo import ZoneInfo

import jsonschema
import pytest
from jsonschema.validators import Draft202012Validator

from app.connectors.credential_forms import OAUTH
from app.connectors.services import services_of
from app.connectors.summary import Summarizing
from app.connectors.summary_days import DateRange, OneDay
from app.errors import InvalidArguments, ReconnectNeeded
from tests.support.processes import run_sandbox
from tests.support.signed_in import SignedIn, is_wanted, may_change
from tests.support.waiting import AT_MOST_SECONDS

TOOLS = [(connector, tool) for connector in services_of(None) for tool in connector.tools]
every_tool = pytest.mark.parametrize(
    ("connector", "tool"), TOOLS, ids=[f"{c.slug}_{t.verb}" for c, t in TOOLS]
)
every_connector = pytest.mark.parametrize(
    "connector", list(services_of(None)), ids=lambda connector: connector.slug
)


FORMS = [(connector, form) for connector in services_of(None) for form in connector.forms]
every_form = pytest.mark.parametrize(
    ("connector", "form"), FORMS, ids=[f"{c.slug}_{f.key}" for c, f in FORMS]
)
WAYS = [
    (c, auth_method)
    for c in services_of(None)
    for auth_method in (*(form.key for form in c.forms), *([OAUTH] if c.auth else []))
]
# Connected by the first way in that each offers.
RENEWED = [c for c in services_of(None) if not c.forms or c.forms[0].renewals]
REPLACED = [c for c in services_of(None) if c.forms and (c.forms[0].stores or not c.forms[0].renewals)]


def sample_file(connector):
    try:
        return importlib.import_module(f"tests.connectors.samples.{connector.slug}")
    except ModuleNotFoundError:
        pytest.fail(
            f"Write tests/connectors/samples/{connector.slug}.py with SAMPLES: arguments with which each "
            "tool works."
        )


def samples_of(connector):
    return sample_file(connector).SAMPLES


_signed_in = {}


@pytest.fixture(scope="module")
def own_sandbox():
    """Imitated services where nobody else signs in: at some, a person's second consent ends the first."""
    with run_sandbox() as url:
        yield url


@pytest.fixture
def here(connector, own_sandbox):
    """A connection to a demo company of the service, made once."""
    if connector.slug not in _signed_in:
        _signed_in[connector.slug] = SignedIn(
            connector, own_sandbox, company=getattr(sample_file(connector), "COMPANY", None)
        )
    return _signed_in[connector.slug]


def easy_read(connector, here):
    """A tool that only reads, and arguments with which it works."""
    tool = next(tool for tool in connector.tools if tool.reads_only)
    return tool, samples_of(connector)[tool.verb](here)


def data_of(tool, data):
    """The data as the caller shows it: the next page behind an opaque cursor."""
    if not tool.pages_by:
        return data
    return {
        **{k: v for k, v in data.items() if k != "next"},
        "next_cursor": None if data["next"] is None else str(data["next"]),
    }


# --- declarations ---


@every_connector
def test_it_says_how_to_sign_in_and_what_it_is(connector):
    assert re.fullmatch(r"[a-z][a-z_]*", connector.slug)
    assert connector.name and connector.summary and connector.tools
    assert connector.auth or connector.forms, "there is no way in"
    consent = (
        (connector.auth.authorize_url, connector.auth.token_url, connector.auth.revoke_url)
        if connector.auth
        else ()
    )
    urls = [request.url for form in connector.forms for request in (*form.requests, *form.renewals)]
    for url in (connector.base_url, *consent, *urls):
        assert url is None or url.startswith("https://"), url


@every_form
def test_a_form_says_what_to_fill_in(connector, form):
    assert form.title and form.noun and form.fields and form.key != OAUTH
    assert all(entry.label and entry.demo for entry in form.fields if entry.required), (
        "the sandbox takes demo values: name them"
    )
    assert form.token in {entry.name for entry in form.fields} or any(
        form.token in request.takes for request in form.requests
    )
    assert set(form.stores) <= {entry.name for entry in form.fields}
    assert not [b.name for b in form.fields if b.kind == "password" and b.name in form.stores], (
        "a password is never kept"
    )
    for entry in form.fields:
        assert not entry.pattern or (re.fullmatch(entry.pattern, entry.demo) and entry.pattern_says), (
            entry.name
        )


@every_connector
def test_its_tools_have_names_of_their_own(connector):
    verbs = [tool.verb for tool in connector.tools]
    assert len(verbs) == len(set(verbs))
    assert {tool.reads_only for tool in connector.tools} == {True, False}, (
        "reads and writes are separate tools"
    )


@every_tool
def test_a_tool_introduces_itself(connector, tool):
    name = tool.name_in(connector.slug)
    assert re.fullmatch(r"[a-z0-9_]{1,64}", name)
    assert tool.title and not tool.title.endswith(".")
    assert len(tool.description) > 60, "say when to use it, and when not"
    assert not (tool.reads_only and tool.destructive)
    others = set(re.findall(rf"{connector.slug}_[a-z_]+", tool.description))
    known = {t.name_in(connector.slug) for t in connector.tools}
    assert others <= known, f"the description names tools that do not exist: {others - known}"


@every_tool
def test_a_tool_describes_its_arguments(connector, tool):
    schema = tool.input_schema
    Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    vague = [
        n
        for n, s in schema["properties"].items()
        if "description" not in s and not re.fullmatch(r"(first|last)_name|email|organization|name", n)
    ]
    assert not vague, f"describe {vague}"
    unbounded = [
        n for n, s in schema["properties"].items() if "array" in s.get("type", ()) and "maxItems" not in s
    ]
    assert not unbounded, f"say how many of {unbounded} there may be at most"


@every_tool
def test_a_tool_promises_the_shape_of_its_data(connector, tool):
    schema = tool.data_schema
    Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object" and schema["properties"]


@every_tool
def test_a_tool_takes_no_argument_it_does_not_know(connector, tool):
    with pytest.raises(InvalidArguments):
        tool.parse({"surprise": 1})


# --- calls ---


@every_connector
def test_it_names_the_account(connector, here):
    assert here.account.key and here.account.name
    if connector.business:
        assert here.account.businesses and all(connector.business.type(b.id) for b in here.account.businesses)


@every_tool
def test_a_tool_works_and_keeps_its_promise(connector, tool, here):
    samples = samples_of(connector)
    assert tool.verb in samples, f"add {tool.verb} to tests/connectors/samples/{connector.slug}.py"
    arguments = samples[tool.verb](here)
    jsonschema.validate(arguments, tool.input_schema)
    before = len(here.levers.log()["requests"])
    data = here.call(tool.verb, arguments)
    jsonschema.validate(data_of(tool, data), tool.data_schema)
    requests = here.levers.log()["requests"][before:]
    assert requests, "it asked the service nothing"
    if tool.reads_only:
        changes = [line for line in requests if may_change(connector, line)]
        assert changes == [], f"it says it only reads, but sent {changes}"


@pytest.mark.parametrize("connector", [c for c in services_of(None) if c.summarize], ids=lambda c: c.slug)
@pytest.mark.parametrize("wanted", [OneDay(), DateRange(preset="30d")], ids=["day", "period"])
def test_its_part_of_a_summary_is_read_and_nothing_else(connector, wanted, here):
    before = len(here.levers.log()["requests"])
    summary = Summarizing(here.api(here.business), wanted, ZoneInfo("UTC"))
    parts = connector.summarize(summary)
    assert parts and not summary.problems and len({part.currency for part in parts}) == len(parts)
    assert all(part.figures for part in parts)
    requests = here.levers.log()["requests"][before:]
    assert not any(may_change(connector, line) for line in requests)
    assert 0 < sum(map(is_wanted, requests)) <= 8


@pytest.mark.parametrize(
    ("connector", "auth_method"), WAYS, ids=[f"{c.slug}_{auth_method}" for c, auth_method in WAYS]
)
def test_every_way_in_leads_in(connector, auth_method, sandbox):
    there = SignedIn(
        connector, sandbox, auth_method=auth_method, company=getattr(sample_file(connector), "COMPANY", None)
    )
    assert there.account.key and there.account.name
    tool, arguments = easy_read(connector, there)
    there.call(tool.verb, arguments)
    _signed_in.pop(connector.slug, None)  # a second consent ends the first one at FreshBooks


@pytest.mark.parametrize("connector", RENEWED, ids=lambda connector: connector.slug)
def test_an_expired_token_is_renewed_once_and_the_call_works(connector, here):
    assert here.can_renew
    tool, arguments = easy_read(connector, here)
    before, log = here.refreshes, here.levers.log()
    here.levers("expire")
    here.call(tool.verb, arguments)
    assert here.refreshes == before + 1
    if here.form is None:
        assert here.levers.log()["refreshes"] == log["refreshes"] + 1


@pytest.mark.parametrize("connector", REPLACED, ids=lambda connector: connector.slug)
def test_a_key_that_was_replaced_needs_its_person(connector, here):
    assert here.form
    tool, arguments = easy_read(connector, here)
    here.levers("roll_keys")
    here.levers("expire")
    try:
        with pytest.raises(ReconnectNeeded):
            here.call(tool.verb, arguments)
    finally:
        here.levers("unroll_keys")
    _signed_in.pop(connector.slug)


@every_connector
def test_a_read_is_tried_again_when_the_service_is_briefly_away(connector, here):
    tool, arguments = easy_read(connector, here)
    here.levers("fail", status=503, body="html", times=1)
    here.call(tool.verb, arguments)


@pytest.mark.parametrize(
    "connector", [c for c in services_of(None) if c.auth.revoke_url], ids=lambda c: c.slug
)
def test_it_revokes_what_it_got(connector, sandbox):
    """Last, on a sign-in of its own: afterwards its tokens are dead."""
    import requests

    signed_in = SignedIn(connector, sandbox)
    token = signed_in.tokens["refresh_token" if connector.auth.revokes == "refresh" else "access_token"]
    form, auth = {"token": token}, None
    if connector.auth.client_auth == "basic":
        auth = ("sandbox", "sandbox")
    else:
        form |= {"client_id": "sandbox", "client_secret": "sandbox"}
    body = {"json": form} if connector.auth.revokes_by_json else {"data": form}
    answer = requests.post(
        signed_in.at(connector.auth.revoke_url), **body, auth=auth, timeout=AT_MOST_SECONDS
    )
    assert answer.status_code == 200
    assert signed_in.refresh().status_code == 400
    _signed_in.pop(connector.slug, None)
