"""summarize_day and summarize_period: one answer over whatever is connected, against the imitated
services.
"""

import re
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import jsonschema
import pytest
from sqlmodel import col, select, update

from app import clock, database
from app.connectors.services import services_of
from app.mcp_server.tools import fan_out
from app.oauth_server.callers import find_caller
from app.oauth_server.models import Grant
from app.oauth_server.selections import Selection
from app.usage.models import CallRow
from app.vault.models import Connection
from app.workspaces.models import Workspace
from tests.hub.test_forms import connect as fill_in
from tests.hub.test_forms import press_connect
from tests.hub.test_xano import state_of
from tests.mcp_server.test_compact import CompactClient
from tests.support.consent import sandbox_process  # noqa: F401
from tests.support.signed_in import may_change

SLUGS = ("freshbooks", "xero", "quickbooks", "stripe", "flowpos")
TOOLS = {"summarize_day", "summarize_period"}
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def sandbox(sandbox_process):  # noqa: F811
    for slug in SLUGS:
        sandbox_process.lever(slug, "reset")
    return sandbox_process


@pytest.fixture
def environ(environ, sandbox):
    return environ | {"SANDBOX_URL": sandbox.url}


@pytest.fixture
def visitor(people, sign_in):
    return sign_in(people.alice)


@pytest.fixture
def connect_service(visitor, sandbox):
    """`connect_service("xero")` connects as alice; `connect_service("flowpos", auth_method="token",
    access_token=…)` by a form.
    """

    def _connect(slug, *, auth_method=None, company=None, **given):
        if auth_method is not None:
            press_connect(visitor, slug)
            visitor.submit(f"/integrations/{slug}/way", {"state": state_of(visitor), "way": auth_method})
            visitor.follow(
                visitor.submit(
                    f"/integrations/{slug}/keys", {"state": state_of(visitor), "way": auth_method, **given}
                )
            )
        elif slug == "stripe":
            fill_in(visitor, "stripe", **given)
        else:
            visitor.get("/integrations")
            leaving = visitor.submit(f"/integrations/{slug}", given)
            visitor.follow(visitor.get(sandbox.approve(leaving.headers["Location"], company)))
        with database.reading() as db:
            return db.exec(
                select(Connection)
                .where(Connection.slug == slug)
                .order_by(col(Connection.connected_at).desc())
            ).first()

    return _connect


@pytest.fixture
def flowpos(connect_service):
    """Corner Café alone."""
    return connect_service("flowpos", auth_method="key", api_key="fp_mcp_sandbox_corner")


@pytest.fixture
def everything(connect_service, flowpos):
    for slug in ("freshbooks", "xero", "quickbooks", "stripe"):
        connect_service(slug)


def summary(client, tool, **arguments):
    """The data and the message of a summary, checked against its schema."""
    envelope = client.call(tool, arguments)
    assert envelope["success"], envelope
    jsonschema.validate(envelope, client.tools()[tool]["outputSchema"])
    return envelope["data"], envelope["message"]


def figures(part):
    return {figure["name"]: figure for figure in part["figures"]}


def of(data, source):
    return [part for part in data["parts"] if part["source"] == source]


def rows():
    with database.reading() as db:
        return list(db.exec(select(CallRow).where(col(CallRow.tool).in_(TOOLS))).all())


def here(zone=BERLIN):
    return clock.now().astimezone(zone).date()


# --- FlowPOS alone, as its page has it ---


def test_flowpos_alone_gives_a_day_beside_the_same_weekday_before(alice, flowpos):
    day = here() - timedelta(days=1)
    data, message = summary(alice, "summarize_day", date=day.isoformat())
    (part,) = data["parts"]
    assert (
        data["warnings"] == [] and message == "1 part. FlowPOS account: Corner Café; business: Corner Café."
    )
    assert (part["source"], part["account"], part["business"], part["currency"]) == (
        "flowpos",
        "Corner Café",
        "Corner Café",
        "EUR",
    )
    assert (part["first_day"], part["last_day"]) == (day.isoformat(), day.isoformat())
    assert part["compared_first_day"] == part["compared_last_day"] == (day - timedelta(days=7)).isoformat()
    assert (part["timezone"], part["is_over"]) == ("Europe/Berlin", True)
    for when, suffix in ((day, ""), (day - timedelta(days=7), "_before")):
        own = alice.call("flowpos_get_sales_report", {"from": when.isoformat(), "to": when.isoformat()})[
            "data"
        ]["totals"]
        assert figures(part)["net_sales"]["amount" + suffix] == own["net"]
        assert figures(part)["orders"]["count" + suffix] == own["orders"]
    best = alice.call(
        "flowpos_get_top_products", {"from": day.isoformat(), "to": day.isoformat(), "limit": 5}
    )["data"]["items"]
    assert [row["name"] for row in part["top_products"]] == [row["name"] for row in best]
    assert part["latest_orders"] and "comparison" not in part
    shops = alice.call("flowpos_get_sales_by_location", {"from": day.isoformat(), "to": day.isoformat()})
    assert [(row["id"], row["amount"], row["count"]) for row in part["locations"]] == [
        (row["location_id"], row["net"], row["orders"]) for row in shops["data"]["items"]
    ]


def test_flowpos_alone_gives_a_period_beside_the_one_before(alice, flowpos):
    data, _ = summary(alice, "summarize_period", preset="7d")
    (part,) = data["parts"]
    today = here()
    assert (part["first_day"], part["last_day"]) == (str(today - timedelta(days=6)), str(today))
    assert (part["compared_first_day"], part["compared_last_day"]) == (
        str(today - timedelta(days=13)),
        str(today - timedelta(days=8)),
    )
    assert part["is_over"] is False and part["comparison"].startswith("Without today")
    assert {row["name"] for row in part["locations"]} == {"Main street", "Station"}
    assert "latest_orders" not in part
    net = figures(part)["net_sales"]
    for first, last, member in (
        (today - timedelta(days=6), today - timedelta(days=1), "amount_compared"),
        (today - timedelta(days=13), today - timedelta(days=8), "amount_before"),
    ):
        own = alice.call("flowpos_get_sales_report", {"from": str(first), "to": str(last)})["data"]["totals"]
        assert net[member] == own["net"]
    before = Decimal(net["amount_before"])
    change = (Decimal(net["amount_compared"]) - before) * 100 / before
    assert net["change_percent"] == round(float(change), 1)


@pytest.fixture
def at_noon():
    """`at_noon(zone)` sets the clock to midday there."""

    def _set(zone):
        now = clock.now()
        noon = now.astimezone(zone).replace(hour=12, minute=0, second=0, microsecond=0)
        clock.shift(noon.astimezone(UTC) - now)  # on the day of a change of the clocks too

    return _set


def test_flowpos_at_noon_is_compared_with_the_mornings_orders(alice, flowpos, at_noon):
    at_noon(BERLIN)
    week_ago = here() - timedelta(days=7)
    (part,) = summary(alice, "summarize_day")[0]["parts"]
    days = {"from": str(week_ago), "to": str(week_ago), "limit": 100}
    orders = alice.call("flowpos_list_orders", days)["data"]["items"]
    morning = [
        order
        for order in orders
        if order["status"] in {"paid", "refunded"}
        and datetime.fromisoformat(order["created_at"]).astimezone(BERLIN).hour < 12
    ]
    assert 0 < len(morning) < len(orders)
    mine = figures(part)
    assert mine["orders"]["count_before"] == len(morning)
    assert Decimal(mine["gross_sales"]["amount_before"]) == sum(Decimal(o["total"]) for o in morning)
    assert "amount_before" not in mine["net_sales"] and "change_percent" not in mine["net_sales"]
    assert part["comparison"].startswith("Until 12:00") and "gross sales and orders" in part["comparison"]


def test_stripe_at_noon_is_compared_with_the_mornings_payments(alice, connect_service, at_noon):
    zone = ZoneInfo("America/New_York")
    at_noon(zone)
    connect_service("stripe")
    (part,) = summary(alice, "summarize_period", preset="7d")[0]["parts"]
    today = here(zone)
    around = {
        "created_after": str(today - timedelta(days=14)),
        "created_before": str(today - timedelta(days=5)),
        "status": "succeeded",
        "limit": 100,
    }
    payments = alice.call("stripe_list_payments", around)["data"]["items"]
    start = datetime.combine(today - timedelta(days=13), datetime.min.time(), zone)
    end = datetime.combine(today - timedelta(days=7), datetime.min.time().replace(hour=12), zone)
    mine = [p for p in payments if start <= datetime.fromisoformat(p["created"]) < end]
    received = figures(part)["payments_received"]
    assert received["count_before"] == len(mine) > 0
    assert Decimal(received["amount_before"]) == sum(Decimal(p["amount"]) for p in mine)
    assert part["comparison"].startswith("Until 12:00 on the last day of both")


def test_days_without_hours_are_not_compared_while_they_last(alice, connect_service, at_noon):
    at_noon(BERLIN)
    connect_service("xero")
    connect_service("quickbooks")
    connect_service("freshbooks")
    data, _ = summary(alice, "summarize_day")
    for part in data["parts"]:
        for figure in part["figures"]:
            assert not {"amount_before", "change_percent"} & set(figure), part["source"]
        assert part["comparison"].startswith("Not compared: today is not over"), part["source"]
        assert "compared_first_day" not in part


def test_what_is_overdue_is_as_of_today_inside_a_past_month_too(alice, connect_service):
    connect_service("quickbooks")
    data, _ = summary(alice, "summarize_period", preset="last_month")
    today = clock.now().astimezone(ZoneInfo(data["parts"][0]["timezone"])).date()
    assert {figures(part)["overdue"]["as_of"] for part in data["parts"]} == {str(today)}
    assert "as_of" not in figures(data["parts"][0])["invoices_issued"]


def test_a_month_is_compared_with_the_month_before(alice, flowpos):
    (part,) = summary(alice, "summarize_period", preset="last_month")[0]["parts"]
    last = here().replace(day=1) - timedelta(days=1)
    before = last.replace(day=1) - timedelta(days=1)
    assert (part["first_day"], part["last_day"]) == (str(last.replace(day=1)), str(last))
    compared = (part["compared_first_day"], part["compared_last_day"])
    assert compared == (str(before.replace(day=1)), str(before))


def test_services_without_locations_have_no_such_member(alice, connect_service):
    connect_service("stripe")
    (part,) = summary(alice, "summarize_period", preset="30d")[0]["parts"]
    assert not {"locations", "top_products", "latest_orders"} & set(part)


def test_a_day_without_sales_is_a_day_of_zeros(alice, flowpos):
    (part,) = summary(alice, "summarize_day", date="2020-02-29")[0]["parts"]
    assert figures(part)["net_sales"] == {
        "name": "net_sales",
        "amount": "0.00",
        "amount_before": "0.00",
    }


def test_a_report_that_fails_is_missing_and_named(alice, flowpos, sandbox):
    sandbox.lever("flowpos", "fail", rpc="get_top_products", status=500, times=9)
    data, message = summary(alice, "summarize_day")
    assert "top_products" not in data["parts"][0] and figures(data["parts"][0])["net_sales"]
    (warning,) = data["warnings"]
    assert warning["code"] == "PROVIDER_UNAVAILABLE" and warning["message"].startswith(
        "No top products: FlowPOS is having trouble"
    )
    assert "1 warning: something is missing." in message


def test_sales_that_could_not_be_read_are_no_zeros(alice, flowpos, sandbox):
    sandbox.lever("flowpos", "fail", rpc="get_sales_report", status=500, times=18)
    yesterday = str(here() - timedelta(days=1))
    (part,) = summary(alice, "summarize_day", date=yesterday)[0]["parts"]
    assert part["figures"] == [] and part["top_products"]


# --- every service ---


def test_every_service_adds_its_part(alice, everything, sandbox):
    for slug in SLUGS:
        sandbox.lever(slug, "clear")
    data, message = summary(alice, "summarize_period", preset="30d")
    assert data["warnings"] == []
    assert [part["source"] for part in data["parts"]] == sorted(
        (p["source"] for p in data["parts"]), key=SLUGS.index
    )
    assert {part["source"] for part in data["parts"]} == set(SLUGS)
    for name in (
        "FreshBooks account: ",
        "Xero account: Demo Company (AU); organisation: ",
        "QuickBooks account: ",
        "Stripe account: Byrd Ltd",
    ):
        assert name in message
    for part in data["parts"]:
        assert re.fullmatch("[A-Z]{3}", part["currency"]) and part["account"]
    assert set(figures(of(data, "stripe")[0])) == {"payments_received"}
    for slug in ("xero", "quickbooks", "freshbooks"):
        assert set(figures(of(data, slug)[0])) == {"invoices_issued", "payments_received", "overdue"}, slug
    for slug in SLUGS:
        requests = sandbox.log(slug)["requests"]
        assert not [line for line in requests if may_change(services_of(None).get(slug), line)], slug


def test_currencies_are_never_added_up(alice, connect_service):
    connect_service("freshbooks")
    data, _ = summary(alice, "summarize_period", preset="this_month")
    parts = {part["currency"]: figures(part) for part in data["parts"]}
    assert set(parts) >= {"USD", "EUR", "CAD"} and len(parts) == len(data["parts"])
    first = data["parts"][0]
    period = {
        "start_date": first["first_day"],
        "end_date": first["last_day"],
        "business_id": int(first["business_id"]),
    }
    report = alice.call("freshbooks_get_revenue_report", period)["data"]["currencies"]
    assert len(report) >= 3
    for row in report:
        mine = parts[row["currency"]]
        assert (mine["invoices_issued"]["amount"], mine["invoices_issued"]["count"]) == (
            row["invoiced"],
            row["invoices"],
        )
        assert Decimal(mine["payments_received"]["amount"]) == Decimal(row["collected"])


def test_invoices_are_those_of_the_services_own_lists(alice, connect_service):
    connect_service("xero")
    connect_service("quickbooks")
    data, _ = summary(alice, "summarize_period", preset="30d")
    (quickbooks, *_others), xero = of(data, "quickbooks"), of(data, "xero")
    late = alice.call("quickbooks_list_invoices", {"status": "overdue", "limit": 200})["data"]["items"]
    mine = [row for row in late if row["currency"] == quickbooks["currency"]]
    assert figures(quickbooks)["overdue"]["count"] == len(mine) > 0
    assert Decimal(figures(quickbooks)["overdue"]["amount"]) == sum(Decimal(row["balance"]) for row in mine)
    days = {
        "date_from": xero[0]["first_day"],
        "date_to": xero[0]["last_day"],
        "type": "ACCREC",
        "status": ["AUTHORISED", "PAID"],
    }
    issued = alice.call("xero_list_invoices", {**days, "page_size": 100})["data"]["items"]
    assert xero[0]["currency"] == "AUD"
    for part in xero:
        own = [row for row in issued if row["currency"] == part["currency"]]
        assert figures(part)["invoices_issued"]["count"] == len(own)
        assert Decimal(figures(part)["invoices_issued"]["amount"]) == sum(
            Decimal(str(row["total"])) for row in own
        )


def test_several_accounts_and_businesses_are_parts_of_their_own(alice, connect_service):
    connect_service("stripe", api_key="rk_test_sandbox_byrd")
    connect_service("stripe", api_key="rk_test_sandbox_harbour", new="1")
    connect_service("flowpos", auth_method="token", access_token="sandbox-flowpos-mara")
    data, message = summary(alice, "summarize_period", preset="30d")
    assert [(p["account"], p["currency"]) for p in of(data, "stripe")] == [
        ("Byrd Ltd (test mode)", "USD"),
        ("Harbour Kiosk KK (test mode)", "JPY"),
    ]
    assert "." not in figures(of(data, "stripe")[1])["payments_received"]["amount"]
    assert [(p["business"], p["currency"]) for p in of(data, "flowpos")] == [
        ("Corner Café", "EUR"),
        ("Harbour Kiosk", "NZD"),
    ]
    alice.call("set_active_business", {"business_id": "b1a0-0002"})
    data, message = summary(alice, "summarize_period", preset="30d", service="flowpos")
    assert [p["business"] for p in data["parts"]] == ["Harbour Kiosk"]
    assert message == "1 part. FlowPOS account: Corner Café; business: Harbour Kiosk (the active one)."


# --- whose day it is ---


@pytest.fixture
def auckland_is_a_day_ahead():
    """Half past one in the afternoon, UTC."""
    utc = clock.now()
    clock.shift(utc.replace(hour=13, minute=30) - utc)


def test_today_is_each_business_own_day(auckland_is_a_day_ahead, alice, connect_service):
    connect_service("flowpos", auth_method="token", access_token="sandbox-flowpos-mara")
    data, _ = summary(alice, "summarize_day")
    days = {part["timezone"]: part["first_day"] for part in data["parts"]}
    auckland = str(here(ZoneInfo("Pacific/Auckland")))
    assert days == {"Europe/Berlin": str(here()), "Pacific/Auckland": auckland} and auckland != str(here())


def test_the_workspaces_time_zone_counts_where_the_service_names_none(
    auckland_is_a_day_ahead, alice, people, connect_service
):
    connect_service("quickbooks")
    connect_service("xero")
    with database.transaction() as db:
        db.execute(
            update(Workspace)
            .where(col(Workspace.id) == people.northwind.id)
            .values(timezone="Pacific/Auckland")
        )
    data, _ = summary(alice, "summarize_day")
    assert of(data, "quickbooks")[0]["timezone"] == "Pacific/Auckland"
    assert of(data, "quickbooks")[0]["first_day"] == str(here(ZoneInfo("Pacific/Auckland")))
    assert of(data, "xero")[0]["timezone"] == "Australia/Sydney"


def test_freshbooks_day_is_the_business_own_where_it_names_a_time_zone(alice, people, connect_service):
    with database.transaction() as db:
        db.execute(update(Workspace).values(timezone="Pacific/Auckland"))
    connect_service("freshbooks")
    zones = {part["timezone"] for part in summary(alice, "summarize_day")[0]["parts"]}
    assert "US/Pacific" in zones and zones <= {"US/Pacific", "America/Halifax", "Pacific/Auckland"}


def test_stripes_day_is_the_accounts_own(alice, connect_service):
    connect_service("stripe")
    zone = ZoneInfo("America/New_York")
    day = here(zone) - timedelta(days=3)
    (part,) = summary(alice, "summarize_day", date=str(day))[0]["parts"]
    around = {
        "created_after": str(day - timedelta(days=1)),
        "created_before": str(day + timedelta(days=3)),
        "limit": 100,
    }
    payments = alice.call("stripe_list_payments", {**around, "status": "succeeded"})["data"]["items"]
    mine = [p for p in payments if datetime.fromisoformat(p["created"]).astimezone(zone).date() == day]
    assert part["timezone"] == "America/New_York"
    assert figures(part)["payments_received"]["count"] == len(mine)
    assert Decimal(figures(part)["payments_received"]["amount"]) == sum(Decimal(p["amount"]) for p in mine)


# --- when something is wrong ---


def test_one_failing_service_gives_a_partial_summary(alice, everything, sandbox):
    sandbox.lever("xero", "fail", status=503, body="html", times=99)
    data, message = summary(alice, "summarize_day")
    assert {part["source"] for part in data["parts"]} == set(SLUGS) - {"xero"}
    (warning,) = data["warnings"]
    assert (warning["source"], warning["account"], warning["code"]) == (
        "xero",
        "Demo Company (AU)",
        "PROVIDER_UNAVAILABLE",
    )
    assert "try again" in warning["message"] and "Xero" not in message
    (row,) = rows()
    assert (row.outcome, row.slug, row.upstream_status) == ("ok", "", 503)


def test_a_slow_service_does_not_hold_the_others_up(alice, connect_service, flowpos, sandbox, monkeypatch):
    connect_service("stripe")
    connect_service("xero")
    sandbox.lever("xero", "hang", times=9)
    held, late = [], [0.0]

    def wait(*args, **options):
        done, waiting = really_wait(*args, **options)
        held.append(database.current().engine.pool.checkedout())
        if len(waiting) == 1:  # the others have answered, so its time is up
            late[0] = fan_out._SECONDS + fan_out._PATIENCE_SECONDS
        return done, waiting

    really_wait = fan_out.wait
    monkeypatch.setattr(fan_out, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + late[0]))
    monkeypatch.setattr(fan_out, "wait", wait)
    try:
        data, _ = summary(alice, "summarize_day")
    finally:
        sandbox.lever("xero", "clear")
    assert {part["source"] for part in data["parts"]} == {"flowpos", "stripe"}
    assert [(w["source"], w["code"]) for w in data["warnings"]] == [("xero", "TIMEOUT")]
    (row,) = rows()
    assert row.total_ms < 30_000  # the service hangs for minutes
    assert held and min(held) == 0, "a database connection was held while the services were asked"


def test_a_broken_connection_is_a_warning_that_says_where_to_mend_it(alice, connect_service, flowpos):
    broken = connect_service("stripe")
    with database.transaction() as db:
        db.execute(
            update(Connection)
            .where(col(Connection.id) == broken.id)
            .values(state="reconnect_needed", last_error="Gone.")
        )
    data, _ = summary(alice, "summarize_day")
    (warning,) = data["warnings"]
    assert (warning["source"], warning["code"]) == ("stripe", "RECONNECT_NEEDED")
    assert warning["message"] == "Gone. Reconnect Stripe at http://localhost:8000/integrations."


def test_a_sign_in_that_ends_meanwhile_is_a_warning_too(alice, connect_service, flowpos, sandbox):
    connect_service("stripe")
    sandbox.lever("stripe", "roll_keys")
    data, _ = summary(alice, "summarize_day")
    assert [(w["source"], w["code"]) for w in data["warnings"]] == [("stripe", "RECONNECT_NEEDED")]
    sandbox.lever("stripe", "unroll_keys")


def test_the_only_service_being_broken_gives_the_way_back(alice, connect_service, sandbox):
    connect_service("stripe")
    sandbox.lever("stripe", "roll_keys")
    for _ in range(2):  # noticed by the call, then known before it
        code, message = alice.refusal("summarize_day")
        assert code == "RECONNECT_NEEDED" and "/integrations/connect/lnk_" in message
    sandbox.lever("stripe", "unroll_keys")


def test_when_nothing_could_be_read_it_says_why_for_each(alice, connect_service, flowpos, sandbox):
    connect_service("stripe")
    for slug in ("flowpos", "stripe"):
        sandbox.lever(slug, "fail", status=503, times=99)
    error = alice.call("summarize_day")["error"]
    assert error["code"] == "PROVIDER_UNAVAILABLE" and error["details"]["retryable"]
    assert {warning["source"] for warning in error["details"]["warnings"]} == {"stripe", "flowpos"}
    assert [row.outcome for row in rows()] == ["PROVIDER_UNAVAILABLE"]


def test_when_all_sign_ins_are_over_it_says_where_to_mend_them(alice, connect_service, flowpos):
    connect_service("stripe")
    with database.transaction() as db:
        db.execute(update(Connection).values(state="reconnect_needed", last_error="Gone."))
    error = alice.call("summarize_day")["error"]
    assert error["code"] == "RECONNECT_NEEDED" and len(error["details"]["warnings"]) == 2
    assert all("/integrations" in warning["message"] for warning in error["details"]["warnings"])


def test_a_connection_that_reaches_no_business_is_a_warning(alice, connect_service, flowpos):
    connect_service("stripe")
    with database.transaction() as db:
        db.execute(update(Connection).where(col(Connection.id) == flowpos.id).values(businesses=[]))
    data, _ = summary(alice, "summarize_day")
    assert [(w["source"], w["code"]) for w in data["warnings"]] == [("flowpos", "RECONNECT_NEEDED")]


# --- who may ---


def test_it_is_listed_only_while_something_can_be_summarized(alice, client_of, people, visitor, flowpos):
    assert set(alice.tools()) >= TOOLS
    assert not TOOLS & set(client_of(people.charlie).tools())
    code, message = client_of(people.charlie).refusal("summarize_day")
    assert (
        code == "NOT_CONNECTED" and "FlowPOS" in message and "http://localhost:8000/integrations" in message
    )
    visitor.submit("/integrations/flowpos/permission", {"level": "off"})
    assert not TOOLS & set(alice.tools())
    code, message = alice.refusal("summarize_day")
    assert code == "PERMISSION_DENIED" and "switched off" in message
    visitor.submit("/integrations/flowpos/permission", {"level": "read"})
    assert summary(alice, "summarize_day")[0]["parts"]


def test_a_connection_that_is_switched_off_is_left_out(alice, visitor, connect_service, flowpos):
    connect_service("stripe")
    visitor.submit("/integrations/stripe/permission", {"level": "off"})
    data, _ = summary(alice, "summarize_day")
    assert {part["source"] for part in data["parts"]} == {"flowpos"} and data["warnings"] == []


def test_flowpos_must_have_granted_its_intents(alice, connect_service):
    connect_service("flowpos", auth_method="token", access_token="sandbox-flowpos-reader")
    assert not TOOLS & set(alice.tools())
    refused = alice.call("summarize_day")["error"]
    assert refused["code"] == "PERMISSION_DENIED" and refused["details"]["needs_any_of"] == ["pos:intents"]


def test_a_token_for_flowpos_intents_sees_flowpos_alone(client_of, people, connect_service, flowpos):
    connect_service("stripe")
    narrow = client_of(people.alice, "pos:intents")
    assert set(narrow.tools()) >= TOOLS
    assert {part["source"] for part in summary(narrow, "summarize_day")[0]["parts"]} == {"flowpos"}
    assert not TOOLS & set(client_of(people.alice, "pos:read").tools())


def test_a_call_is_one_row_and_counts_before_anything_is_asked(
    early, alice, people, connect_service, flowpos, sandbox
):
    connect_service("stripe")
    with database.transaction() as db:
        db.execute(update(Workspace).where(col(Workspace.id) == people.northwind.id).values(per_minute=1))
    assert alice.call("summarize_day")["success"]
    sandbox.lever("flowpos", "clear")
    assert alice.ask("tools/call", name="summarize_day", arguments={}).status_code == 429
    assert sandbox.log("flowpos")["requests"] == []
    first, second = rows()
    assert (first.outcome, first.slug, first.connection_id, second.outcome) == (
        "ok",
        "",
        None,
        "RATE_LIMITED",
    )
    assert first.upstream_endpoint.split()[0] in {"GET", "POST"} and first.upstream_status == 200
    assert 0 < first.upstream_ms <= first.total_ms
    with database.reading() as db:
        assert all(connection.last_used_at for connection in db.exec(select(Connection)).all())


def test_compact_mode_finds_and_calls_it(app, token_for, people, flowpos):
    compact = CompactClient(app, token_for(people.alice))
    assert not TOOLS & set(compact.tools())
    for wanted in ("how was today", "summary of last month"):
        assert TOOLS & {
            found["name"] for found in compact.call("find_tools", {"query": wanted})["data"]["tools"]
        }, wanted
    described = compact.call("describe_tool", {"name": "summarize_period"})["data"]
    assert described["can_be_called"] and described["call_with"] == "call_read_tool"
    called = compact.call("call_read_tool", {"name": "summarize_day", "arguments": {"service": "flowpos"}})
    assert called["data"]["parts"][0]["business"] == "Corner Café"
    assert [(row.tool, row.slug) for row in rows()] == [("summarize_day", "flowpos")]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("summarize_day", {"date": "1999-12-31"}),
        ("summarize_day", {"date": "2999-01-01"}),
        ("summarize_day", {"date": "0001-01-01"}),
        ("summarize_day", {"date": "yesterday"}),
        ("summarize_day", {"service": "gmail"}),
        ("summarize_period", {}),
        ("summarize_period", {"from": "2026-01-01"}),
        ("summarize_period", {"from": "2026-01-02", "to": "2026-01-01"}),
        ("summarize_period", {"from": "2024-01-01", "to": "2025-01-01"}),
        ("summarize_period", {"from": "2026-01-01", "to": "2026-01-02", "preset": "7d"}),
        ("summarize_period", {"preset": "1y"}),
    ],
)
def test_days_that_make_no_sense_are_refused(alice, flowpos, sandbox, tool, arguments):
    sandbox.lever("flowpos", "clear")
    assert alice.refusal(tool, arguments)[0] == "INVALID_ARGUMENTS"
    assert sandbox.log("flowpos")["requests"] == []


def test_a_leap_year_is_not_too_long(alice, flowpos):
    (part,) = summary(alice, "summarize_period", **{"from": "2024-01-01", "to": "2024-12-31"})[0]["parts"]
    assert (part["compared_first_day"], part["compared_last_day"]) == ("2023-01-01", "2023-12-31")


def test_a_date_in_the_calendar_of_today_is_a_date(alice, flowpos):
    assert summary(alice, "summarize_day", date=clock.now().date().isoformat())[0]["parts"]


def test_only_selected_connections_are_read(alice, everything):
    with database.transaction() as db:
        xero = db.exec(select(Connection).where(col(Connection.slug) == "xero")).one()
        chosen = Selection(frozenset({xero.id})).as_json()
        grant_id = find_caller(alice.token).grant_id
        db.execute(update(Grant).where(col(Grant.id) == grant_id).values(selection=chosen))
    data, message = summary(alice, "summarize_period", preset="30d")
    assert {part["source"] for part in data["parts"]} == {"xero"} and data["warnings"] == []
    assert "Stripe" not in message
    code, sentence = alice.refusal("summarize_period", {"preset": "30d", "service": "stripe"})
    assert code == "PERMISSION_DENIED" and f"/ai-clients/{grant_id}" in sentence
