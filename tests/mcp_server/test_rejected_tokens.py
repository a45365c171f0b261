"""A service that answers 401 for ever: the AI client and the hub say the same, and it mends itself."""

from datetime import timedelta

import pytest

from app import clock
from tests.mcp_server.test_connect_prompt import link_in
from tests.mcp_server.test_with_the_sandbox import (  # noqa: F401
    SERVICES,
    environ,
    follow_the_link,
    hub_name,
    read_arguments,
    sandbox,
)
from tests.support.consent import connections_of, sandbox_process  # noqa: F401


@pytest.fixture(autouse=True)
def own_clock():
    yield
    clock.reset()


@pytest.mark.parametrize("slug", SERVICES)
def test_hub_and_ai_client_agree_while_it_lasts_and_after(alice, people, sign_in, sandbox, slug):  # noqa: F811
    visitor = sign_in(people.alice)
    follow_the_link(
        visitor, sandbox, link_in(alice.call("hub_connect_service", {"service": slug})["data"]["connect_url"])
    )
    arguments = read_arguments(alice, slug)
    sandbox.lever(slug, "fail", method="GET", status=401, times=999)
    refused = alice.call(SERVICES[slug], arguments)
    (card,) = connections_of(visitor, slug)
    assert (refused["error"]["code"], card["state"]) == ("RECONNECT_NEEDED", "reconnect_needed")
    assert card["last_error"] in refused["error"]["message"]
    assert hub_name(slug) in card["last_error"] and "not even one it has just issued" in card["last_error"]
    requests = len(sandbox.log(slug)["requests"])
    for _ in range(3):
        again = alice.call(SERVICES[slug], arguments)
        assert again["error"]["code"] == "RECONNECT_NEEDED"
        assert card["last_error"] in again["error"]["message"]
    assert len(sandbox.log(slug)["requests"]) == requests, "no call asks the service meanwhile"
    sandbox.lever(slug, "clear")
    clock.shift(timedelta(minutes=2))
    assert alice.call(SERVICES[slug], arguments)["success"]
    (card,) = connections_of(visitor, slug)
    assert (card["state"], card["last_error"]) == ("connected", None)


def test_the_button_on_the_card_finds_out_at_once(alice, people, sign_in, sandbox):  # noqa: F811
    visitor = sign_in(people.alice)
    follow_the_link(
        visitor,
        sandbox,
        link_in(alice.call("hub_connect_service", {"service": "quickbooks"})["data"]["connect_url"]),
    )
    sandbox.lever("quickbooks", "fail", method="GET", status=401, times=999)
    alice.call("quickbooks_list_customers")
    visitor.get("/integrations")
    assert "Reconnect needed" in visitor.page and "Test connection" in visitor.page
    assert (
        "The test of QuickBooks failed"
        in visitor.follow(visitor.submit("/integrations/quickbooks/test")).text
    )
    sandbox.lever("quickbooks", "clear")
    visitor.follow(visitor.submit("/integrations/quickbooks/test"))
    assert "QuickBooks works: connected as" in visitor.page and "Reconnect needed" not in visitor.page
    assert alice.call("quickbooks_list_customers")["success"]
