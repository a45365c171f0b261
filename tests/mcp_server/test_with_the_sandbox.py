"""From the chat to a real service and back: the link, the consent page, the same call again, every reading
tool.
"""

import re

import pytest

from app.connectors.services import services_of
from tests.mcp_server.test_connect_prompt import link_in
from tests.support.consent import connections_of, sandbox_process  # noqa: F401

SERVICES = {
    "freshbooks": "freshbooks_list_clients",
    "xero": "xero_list_invoices",
    "quickbooks": "quickbooks_list_customers",
    "gmail": "gmail_search_messages",
    "google_sheets": "google_sheets_list_spreadsheets",
}


@pytest.fixture
def sandbox(sandbox_process):  # noqa: F811
    for slug in SERVICES:
        sandbox_process.lever(slug, "reset")
    return sandbox_process


@pytest.fixture
def environ(environ, sandbox):
    return environ | {"SANDBOX_URL": sandbox.url}


def follow_the_link(visitor, sandbox, link_id: str) -> None:
    visitor.get(f"/integrations/connect/{link_id}")
    leaving = visitor.submit(f"/integrations/connect/{link_id}")
    assert leaving.status_code == 303, leaving.text
    back = visitor.get(sandbox.approve(leaving.headers["Location"]))
    assert back.status_code == 303, back.text


@pytest.mark.parametrize(("slug", "tool"), SERVICES.items())
def test_the_way_back_leads_to_the_same_call_working(alice, people, sign_in, sandbox, slug, tool):
    envelope = alice.call(tool)
    assert envelope["error"]["code"] == "NOT_CONNECTED"
    follow_the_link(sign_in(people.alice), sandbox, link_in(envelope["error"]["message"]))
    worked = alice.call(tool)
    if not worked["success"]:  # several businesses: take the first it names
        first = worked["error"]["details"]["businesses"][0]["id"]
        name = worked["error"]["message"].split(":")[0]
        worked = alice.call(tool, {name: int(first) if first.isdigit() and name == "business_id" else first})
    assert worked["data"]["items"]
    assert re.search(rf"{hub_name(slug)} account: \S", worked["message"])


@pytest.mark.parametrize("slug", SERVICES)
def test_a_dead_sign_in_is_mended_by_the_link(alice, people, sign_in, sandbox, slug):
    visitor = sign_in(people.alice)
    follow_the_link(
        visitor, sandbox, link_in(alice.call("hub_connect_service", {"service": slug})["data"]["connect_url"])
    )
    (before,) = connections_of(visitor, slug)
    sandbox.lever(slug, "revoke")  # Xero's access token lives on, and reaches nothing
    envelope = alice.call(SERVICES[slug], read_arguments(alice, slug))
    assert envelope["error"]["code"] == "RECONNECT_NEEDED", envelope
    assert connections_of(visitor, slug)[0]["state"] == "reconnect_needed"
    follow_the_link(visitor, sandbox, link_in(envelope["error"]["message"]))
    (after,) = connections_of(visitor, slug)
    assert (after["id"], after["state"]) == (before["id"], "connected")
    assert alice.call(SERVICES[slug], read_arguments(alice, slug))["success"]


def read_arguments(alice, slug: str) -> dict:
    services = alice.call("hub_list_connections")["data"]["services"]
    businesses = next(s for s in services if s["service"] == slug)["connections"][0]["businesses"]
    argument = {"freshbooks": "business_id", "xero": "organisation_id"}.get(slug)
    return {argument: businesses[0]["id"]} if argument and businesses else {}


def hub_name(slug: str) -> str:
    return services_of(None).get(slug).name
