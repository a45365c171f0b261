"""What is special about ServiceFusion: pages that never end, dates that are none, records that cannot be
taken back.
"""

import json
import threading
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from app.connectors import endpoints
from app.connectors.servicefusion import CONNECTOR
from app.connectors.servicefusion.errors import read_error
from app.errors import InvalidArguments, ObjectNotFound, ProviderRateLimited, ReconnectNeeded
from app.outbound import Response
from app.vault import form_exchange
from app.vault.token_endpoint import TokenRefused
from tests.support.signed_in import SignedIn


def sent(there):
    """The query of the last request."""
    return dict(parse_qsl(there.levers.log()["requests"][-1]["query"]))


def customer(there, name):
    return there.call("list_customers", name=name)["items"][0]["id"]


def test_it_has_the_thirteen_tools_and_no_others():
    assert len(CONNECTOR.tools) == 13
    assert {tool.verb for tool in CONNECTOR.tools if not tool.reads_only} == {
        "create_customer",
        "create_job",
        "create_estimate",
    }


@pytest.mark.parametrize("family", ["customers", "jobs", "estimates"])
def test_whose_currency_the_amounts_are_in_is_said_once_per_family(reed, family):
    (row, *_) = reed.call(f"list_{family}")["items"]
    assert {"account_balance", "total"} & row.keys() and "currency" not in row
    listing = " ".join(CONNECTOR.find_tool(f"servicefusion_list_{family}").description.split())
    assert "in the company's currency, which ServiceFusion does not name" in listing


# --- signing in ---


def test_the_account_is_the_person_behind_the_credentials(reed, fusion_url):
    assert (reed.account.key, reed.account.name) == ("5501", "dana@reedhvac.example")
    harbour = SignedIn(CONNECTOR, fusion_url, client_id="harbour", client_secret="harbour")
    assert harbour.account.key == "7702"
    with pytest.raises(ObjectNotFound):
        harbour.call("get_customer", customer_id=customer(reed, "Maple Dental"))


def test_its_token_is_minted_anew_without_the_refresh_token(reed):
    reed.levers("expire")
    assert reed.call("list_technicians")["items"]
    log = reed.levers.log()
    assert (log["mints"], log["refreshes"]) == (2, 0)


@pytest.mark.parametrize("wrapped", [False, True])
def test_credentials_it_does_not_know_are_refused(reed, wrapped):
    reed.levers("wrap_errors", wrapped=wrapped)
    with pytest.raises(TokenRefused, match="does not accept this client id and secret"):
        form_exchange.obtain(
            CONNECTOR, reed.where, CONNECTOR.forms[0], {"client_id": "sandbox", "client_secret": "wrong"}
        )
    with pytest.raises(ReconnectNeeded):
        reed.levers("roll_keys")
        reed.levers("expire")
        reed.call("list_technicians")


def test_the_operator_s_own_app_is_another_way(settings):
    real = replace(
        settings, services={"SERVICEFUSION_CLIENT_ID": "app", "SERVICEFUSION_CLIENT_SECRET": "secret"}
    )
    assert endpoints.resolve(CONNECTOR, real).auth_methods == ("client_credentials", "oauth")
    without = endpoints.resolve(CONNECTOR, replace(settings, sandbox_url=None))
    assert (
        without.auth_methods == ("client_credentials",)
        and without.base_url == "https://api.servicefusion.com"
    )
    named = endpoints.resolve(
        CONNECTOR, replace(settings, services={"SERVICEFUSION_BASE_URL": "https://api.servicefusion.com"})
    )
    assert (named.sandbox, named.auth_methods) == (False, ("client_credentials",))
    assert list(named.request_urls.values()) == ["https://api.servicefusion.com/oauth/access_token"]


# --- reading ---


def test_pages_end_though_the_service_repeats_the_last_one(reed):
    seen, page = [], 1
    while page:
        found = reed.call("list_jobs", per_page=10, page=page)
        seen += [job["id"] for job in found["items"]]
        page = found["next"]
    assert len(seen) == len(set(seen)) == found["total"] == 34
    assert reed.call("list_jobs", per_page=10, page=9)["items"] == []


def test_a_sort_and_the_hyphen_are_always_sent(reed):
    reed.call("list_jobs", status=["Scheduled", "Started"])
    assert sent(reed)["sort"] == "-start_date,-id" and sent(reed)["per-page"] == "25"
    assert sent(reed)["filters[status]"] == "Scheduled,Started"


def test_days_of_a_request_are_sent_as_moments(reed):
    """RFC 3339 with an offset; only start and end dates are days (reference, tra.estimate-filtrable)."""
    first, last = "2026-11-01", "2026-11-30"
    reed.call("list_estimates", requested_from=first, requested_to=last, start_date_from=first)
    assert sent(reed)["filters[requested_date][gte]"] == "2026-11-01T00:00:00+00:00"
    assert sent(reed)["filters[requested_date][lte]"] == "2026-11-30T23:59:59+00:00"
    assert sent(reed)["filters[start_date][gte]"] == "2026-11-01"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-11-01T08:30:00.123456-08:00", "2026-11-01T16:30:00+00:00"),
        ("2026-11-01T08:30:00Z", "2026-11-01T08:30:00+00:00"),
        ("2026-11-01T08:30:00", "2026-11-01T08:30:00+00:00"),
        ("2026-11-01", "2026-11-01T00:00:00+00:00"),
    ],
)
def test_a_moment_is_sent_with_an_offset_and_without_fractions(reed, given, expected):
    reed.call("list_jobs", updated_since=given)
    assert sent(reed)["filters[updated_date][gte]"] == expected


def test_a_moment_outside_the_calendar_is_refused(reed):
    with pytest.raises(InvalidArguments, match="outside the calendar"):
        reed.call("list_jobs", updated_since="0001-01-01T00:00:00+14:00")


def test_days_in_the_wrong_order_are_refused(reed):
    for verb, name in (("list_estimates", "requested"), ("list_jobs", "start_date")):
        with pytest.raises(InvalidArguments, match="Swap"):
            reed.call(verb, {f"{name}_from": "2026-02-01", f"{name}_to": "2026-01-01"})


def test_a_list_says_who_is_on_which_job(reed):
    assert all(job["techs_assigned"][0]["last_name"] for job in reed.call("list_jobs")["items"])
    assert reed.call("list_estimates")["items"][0]["techs_assigned"] == []


def test_a_status_nobody_uses_is_refused_with_those_in_use(reed):
    with pytest.raises(InvalidArguments, match="does not use that status") as refused:
        reed.call("list_estimates", status=["open"])
    assert refused.value.details["unknown"] == ["open"]
    assert "Estimate Provided" in refused.value.details["statuses"]
    assert reed.call("list_estimates", status=["estimate provided", "Estimate Won"])["total"] == 6
    assert reed.call("list_jobs", status=["Cancelled"])["items"] == []  # used, and nothing has it


def test_a_date_that_is_none_is_null(reed):
    open_job = reed.call("list_jobs", status=["Scheduled"])["items"][0]
    assert open_job["closed_at"] is None
    equipment = reed.call("list_customer_equipment", customer_id=customer(reed, "Maple Dental North"))[
        "items"
    ][0]
    assert equipment["warranty_date"] is None and equipment["install_date"] == "2022-05-01"


def test_one_machine_is_found_at_its_own_customer_only(reed):
    at, elsewhere = customer(reed, "Maple Dental North"), customer(reed, "Juniper")
    machine = reed.call("list_customer_equipment", customer_id=at)["items"][0]["id"]
    assert reed.call("list_customer_equipment", customer_id=at, equipment_id=machine)["total"] == 1
    with pytest.raises(ObjectNotFound):
        reed.call("list_customer_equipment", customer_id=elsewhere, equipment_id=machine)


def test_the_history_is_of_one_customer_though_names_are_alike(reed):
    maple = next(
        c for c in reed.call("list_customers", name="Maple")["items"] if c["customer_name"] == "Maple Dental"
    )["id"]
    jobs = reed.call("get_customer_job_history", customer_id=maple, per_page=50)["items"]
    assert jobs and {job["customer_id"] for job in jobs} == {maple}
    alike = reed.call("list_jobs", customer_name="Maple Dental", per_page=50)["items"]
    assert len({job["customer_id"] for job in alike}) == 2


def test_a_customer_comes_with_people_and_places(reed):
    found = reed.call("get_customer", customer_id=customer(reed, "Cobalt"))
    assert found["contacts"][0]["phones"][0]["phone"] == "555-0100" and found["contacts"][0]["emails"]
    assert found["locations"][0]["city"] == "Austin"


# --- limits ---


def test_the_limit_says_when_to_come_back():
    for reset, seconds in (("20", 20), ("", 60), ("99999999999", 60), ("1", 1)):
        error = read_error(Response(429, {"X-Rate-Limit-Reset": reset}, b"{}"))
        assert isinstance(error, ProviderRateLimited) and error.retry_after_seconds == seconds


def test_a_full_minute_is_refused_in_words(reed):
    reed.levers("limit", per_minute=2)
    reed.call("list_technicians")
    reed.call("list_technicians")
    with pytest.raises(ProviderRateLimited, match="limits the calls per minute"):
        reed.call("list_technicians")
    reed.levers("limit", per_minute=None)


def test_calls_at_once_share_nothing(reed):
    names, found = ("Maple", "Cobalt", "Juniper", "Oak"), {}

    def look(name):
        found[name] = SignedIn.call(reed, "list_customers", name=name)["items"]

    threads = [threading.Thread(target=look, args=(name,)) for name in names]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert all(name in row["customer_name"] for name in names for row in found[name])


def test_a_422_that_is_no_list_is_still_a_sentence():
    error = read_error(Response(422, {}, json.dumps({"odd": 1}).encode()))
    assert isinstance(error, InvalidArguments) and error.details["fields"] == []
    assert "without a reason" in error.message
