"""What holds for the preview of every tool that writes, against the imitated services over HTTP.

The samples are those of `test_every_connector.py`.
"""

import re
from datetime import date, timedelta

import pytest

from app import clock
from app.connectors.preview import defaults_of
from app.connectors.services import services_of
from app.errors import InvalidArguments, ProviderRateLimited, ToolError
from app.mcp_server.calls.approved_write import canonical_arguments
from tests.connectors.test_every_connector import sample_file, samples_of
from tests.support.processes import run_sandbox
from tests.support.signed_in import SignedIn, may_change

WRITES = [
    (connector, tool) for connector in services_of(None) for tool in connector.tools if not tool.reads_only
]
SAMPLES = [
    (connector, tool, name)
    for connector, tool in WRITES
    for name in samples_of(connector)
    if name.partition("#")[0] == tool.verb
]
every_sample = pytest.mark.parametrize(
    ("connector", "tool", "sample"), SAMPLES, ids=[f"{c.slug}_{name}" for c, _, name in SAMPLES]
)

# Money moves, or a document that asks for money goes out or ends, although no argument is an amount.
MOVES_MONEY = {
    *("freshbooks_send_invoice", "xero_email_invoice", "quickbooks_send_invoice", "stripe_send_invoice"),
    *("quickbooks_void_invoice", "stripe_create_refund", "stripe_create_payment_link"),
}
# What the headline names is unique in the service, so it stands for the id.
NUMBERED = {
    *("freshbooks_send_invoice", "freshbooks_record_payment", "stripe_send_invoice"),
    *("xero_email_invoice", "xero_record_payment"),
}
# Amounts in a currency that the service does not name.
WITHOUT_CURRENCY = {"flowpos"}
# Two words for one thing.
ALIKE = [{"string", "text"}]
# Reads that are sent as POST, since the service has no other.
POSTED_READS = ("/search", "/query")
# Ids that the imitated service stores without looking; nothing official says that the real one does.
UNCHECKED_BY_SERVICE = {"tableref_id"}
# Samples that leave out the one id that their tool takes, or hold it in a list.
NAMES_NO_ID = {
    *("freshbooks_create_invoice", "freshbooks_log_time", "freshbooks_send_saturday_invoices"),
    *("gmail_create_draft#2", "gmail_send_message", "stripe_create_payment_link", "stripe_create_refund#2"),
}
_AMOUNT_ARGUMENT = re.compile(r"(^|_)(amount|price|unit_cost|total)(_|$)")
_AMOUNT = re.compile(r"\d[\d,]*(\.\d+)? [A-Z]{3}\b")
_ID = re.compile(r"(^|_)(ids?|customer|payment_intent|subscription|invoice|price|contact)$")
_seen: dict[str, tuple[str, object]] = {}
_signed_in: dict[str, SignedIn] = {}


@pytest.fixture(scope="module")
def own_sandbox():
    """Imitated services where nobody else counts requests."""
    with run_sandbox() as url:
        yield url


@pytest.fixture
def here(connector, own_sandbox):
    """A connection to a demo company of the service, made once."""
    if connector.slug not in _signed_in:
        company = getattr(sample_file(connector), "COMPANY", None)
        _signed_in[connector.slug] = SignedIn(connector, own_sandbox, company=company)
    return _signed_in[connector.slug]


@pytest.fixture
def arguments(connector, tool, sample, here):
    """Arguments with which the tool works."""
    return samples_of(connector)[sample](here)


def preview_of(here, tool, arguments):
    """The preview, after the pause that a service asks for."""
    try:
        return here.preview(tool.verb, arguments)
    except ProviderRateLimited:
        here.levers("advance", seconds=61)
        return here.preview(tool.verb, arguments)


def headline(here, tool, arguments):
    """The headline as it is sealed with a request."""
    preview = preview_of(here, tool, arguments)
    return preview.full_headline(as_stored(tool, arguments), defaults_of(tool.input_schema))


def ids_in(arguments, name=""):
    """Every value of an argument that is an id, at any depth."""
    if isinstance(arguments, dict):
        return [found for key, value in arguments.items() for found in ids_in(value, key)]
    if isinstance(arguments, list):
        return [found for value in arguments for found in ids_in(value, name)]
    is_id = _ID.search(name) and isinstance(arguments, str | int) and not isinstance(arguments, bool)
    return [str(arguments)] if is_id else []


def argument_names(schema):
    """The names of all arguments, at any depth."""
    for name, part in schema.get("properties", {}).items():
        yield name
        yield from argument_names(part)
        yield from argument_names(part.get("items", {}))


def moves_money(connector, tool):
    return tool.name_in(connector.slug) in MOVES_MONEY or any(
        _AMOUNT_ARGUMENT.search(name) for name in argument_names(tool.input_schema)
    )


@pytest.mark.parametrize(("connector", "tool"), WRITES, ids=[f"{c.slug}_{t.verb}" for c, t in WRITES])
def test_every_tool_that_writes_has_a_preview(connector, tool):
    assert tool.previewer is not None, (
        f"Give {tool.name_in(connector.slug)} a preview (app/connectors/preview.py): nobody approves a title."
    )


@every_sample
def test_it_says_the_same_half_an_hour_later_while_nothing_changes(tool, arguments, here):
    """Approving compares the two: what differed by itself could never be approved."""
    before = preview_of(here, tool, arguments)
    clock.shift(timedelta(minutes=30))
    assert preview_of(here, tool, arguments) == before


@every_sample
def test_it_names_what_the_call_does_and_changes_nothing(connector, tool, sample, arguments, here):
    before = len(here.levers.log()["requests"])
    preview = preview_of(here, tool, arguments)
    sent = [
        f"{line['method']} {line['path']}"
        for line in here.levers.log()["requests"][before:]
        if may_change(connector, line) and not line["path"].endswith(POSTED_READS)
    ]
    assert sent == [], "a preview only reads"
    assert (
        preview.headline[0].isupper() and not preview.headline.endswith(".") and "\n" not in preview.headline
    )
    assert preview.button and len(preview.button) <= 60
    unquoted = re.sub("“[^”]*”", "", preview.headline)  # a name may hold the number that is the id
    bare = [
        id_
        for id_ in ids_in(arguments)
        if len(id_) > 1  # a single digit may be a count
        and re.search(rf"(?<![\w.,-]){re.escape(id_)}(?![\w.,-])", unquoted)
    ]
    assert bare == [], f"name it instead: {preview.headline}"
    if moves_money(connector, tool) and connector.slug not in WITHOUT_CURRENCY:
        assert _AMOUNT.search(preview.headline), f"say how much: {preview.headline}"
    covered = {name for name in preview.covers if _ID.search(name)}
    assert not covered or tool.name_in(connector.slug) in NUMBERED, f"two things may have one name: {covered}"
    looked_up = {fact.value for fact in preview.facts}
    assert not looked_up & set(ids_in(arguments)), "a fact is looked up, an id is what was sent"


@every_sample
def test_no_other_call_has_its_headline(connector, tool, sample, arguments, here):
    own, stored = headline(here, tool, arguments), as_stored(tool, arguments)
    assert _seen.setdefault(f"{connector.slug} {own}", (tool.verb, stored)) == (tool.verb, stored)
    varied = 0
    for name, part in tool.input_schema["properties"].items():
        for value in variations(arguments.get(name, part.get("default")), part):
            if has_own_headline(here, tool, arguments, {**arguments, name: value}):
                varied += 1
                break
    others = ids_of_others(connector, sample, here) if not varied else ()
    for name, value in others:
        varied += name in arguments and has_own_headline(here, tool, arguments, {**arguments, name: value})
    assert varied, "add a sample that does it to something else"


def has_own_headline(here, tool, arguments, other):
    """True if the other call can be requested and has a headline of its own; fails if it has the same one."""
    own = headline(here, tool, arguments)
    try:
        if as_stored(tool, other) == as_stored(tool, arguments):
            return False
        theirs = headline(here, tool, other)
    except ToolError:
        return False  # nobody is asked for it
    assert theirs != own, f"{other} and {arguments} both read: {own}"
    return True


def ids_of_others(connector, sample, here):
    """Arguments that are ids, of the service's other samples, and of this one made again."""
    for name, make in {sample: None, **samples_of(connector)}.items():
        for argument, value in (make or samples_of(connector)[name])(here).items():
            if ids_in(value, argument):
                yield argument, value


def as_stored(tool, arguments):
    return canonical_arguments(tool, tool.parse(arguments), arguments)


def variations(value, part):
    """Other values for an argument, the likeliest to be taken first."""
    if part.get("enum"):
        alike = next((group for group in ALIKE if value in group), ())
        return [choice for choice in part["enum"] if choice not in (value, None, *alike)]
    kinds = part.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if isinstance(value, bool) or ("boolean" in kinds and value is None):
        return [not value]
    if isinstance(value, dict):
        return [{**value, key: f"{inner}x"} for key, inner in value.items() if isinstance(inner, str)]
    if isinstance(value, list):
        longer = [*value, *value]
        changed = (
            [[*value[:-1], other] for other in variations(value[-1], part.get("items", {}))] if value else []
        )
        return [*changed, longer, value[1:]]
    if isinstance(value, int | float) or (value is None and {"integer", "number"} & set(kinds)):
        return [(value or 1) + 1, (value or 2) - 1]
    if value is None and "array" in kinds:
        return [["Zebra"], ["zebra@acme.example"], ["STARRED"]]
    text = value or "Zebra"
    dates = (
        [date(2026, 12, 24).isoformat(), "12.00"] if re.fullmatch(r"[\d.-]+", text) or value is None else []
    )
    return [*dates, f"{text}x", f"x{text}", "zebra@acme.example", "EUR"]


@every_sample
def test_what_points_nowhere_is_refused_before_anybody_is_asked(connector, tool, sample, arguments, here):
    checked = 0
    for name, value in arguments.items():
        if not ids_in(value, name) or isinstance(value, list | dict):
            continue
        other = {**arguments, name: unknown(value)}
        try:
            tool.parse(other)
        except InvalidArguments:
            continue
        with pytest.raises(ToolError) as refused:
            preview_of(here, tool, other)
        assert not refused.value.retryable, refused.value.message
        if name in UNCHECKED_BY_SERVICE:
            continue
        with pytest.raises(ToolError) as of_the_call:
            here.call(tool.verb, other)
        # The preview may know better what is wrong.
        assert refused.value.code in {of_the_call.value.code, "NOT_FOUND"}, (refused.value, of_the_call.value)
        checked += 1
    takes_id = any(_ID.search(name) for name in tool.input_schema["properties"])
    assert bool(checked) is (takes_id and f"{connector.slug}_{sample}" not in NAMES_NO_ID)


def unknown(id_):
    """An id of the same form that nothing has."""
    if isinstance(id_, int):
        return 987_654_321
    return re.sub(r"\d", "9", id_) if re.search(r"\d", id_) else id_[::-1]
