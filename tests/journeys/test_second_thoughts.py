"""Back, reload, twice, too late, in another tab: a friendly page, one result, and never an error of ours."""

import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.support.browser import Loopback
from tests.support.by_hand import ByHand
from tests.support.waiting import AT_MOST_SECONDS

pytestmark = [pytest.mark.needs_chromium, pytest.mark.xdist_group("journeys")]


@pytest.fixture
def client(product):
    """An AI client that only sends its person away and listens for the way back."""
    made = ByHand(product.url, Loopback())
    yield made
    made.loopback.close()


def test_cancel_tells_the_client_and_nothing_else(arrive, client):
    anna = arrive()
    anna.create_account()
    anna.page.goto(client.authorize_url())
    anna.button("Cancel").click()
    came = client.loopback.arrived.get(timeout=AT_MOST_SECONDS)
    assert came["error"] == "access_denied" and came["state"] == client.state and came["iss"] == anna.url
    anna.page.goto(client.authorize_url())
    anna.button("Allow").click()
    anna.page.wait_for_url(re.compile("flow="))
    anna.button("Cancel").click()
    assert client.loopback.arrived.get(timeout=AT_MOST_SECONDS)["error"] == "access_denied"


def test_a_flow_ends_once_however_often_it_is_continued(arrive, client):
    anna = arrive()
    anna.create_account()
    anna.page.goto(client.authorize_url())
    anna.button("Allow").click()
    anna.page.wait_for_url(re.compile("flow="))
    hub, other = anna.page.url, anna.context.new_page()
    other.goto(hub)
    anna.button("Skip for now").click()
    came = client.loopback.arrived.get(timeout=AT_MOST_SECONDS)
    assert set(came) == {"code", "state", "iss"}
    anna.page.wait_for_url(lambda url: url.startswith(client.loopback.url))
    other.get_by_role("button", name=re.compile("^Continue to ")).click()
    other.get_by_text("expired or was already finished").wait_for()
    anna.page.go_back()
    anna.page.reload()
    anna.sees("expired or was already finished")
    assert client.loopback.arrived.empty()
    anna.page.goto(client.authorize_url())
    anna.page.wait_for_url(re.compile("flow="))  # allowed once, so not asked again
    assert anna.page.url != hub


def test_a_flow_opens_for_nobody_else(arrive, client):
    anna, boris = arrive(), arrive("boris")
    anna.create_account()
    boris.create_account()
    anna.page.goto(client.authorize_url())
    anna.button("Allow").click()
    anna.page.wait_for_url(re.compile("flow="))
    boris.page.goto(anna.page.url)
    boris.sees("expired or was already finished")
    anna.button("Skip for now").click()
    assert "code" in client.loopback.arrived.get(timeout=AT_MOST_SECONDS)


def test_coming_back_from_a_service_twice_connects_once(arrive):
    anna = arrive()
    anna.create_account()
    callbacks = []
    anna.context.on(
        "request", lambda request: callbacks.append(request.url) if "/callback?" in request.url else None
    )
    anna.connect("FreshBooks")
    before = anna.connection("freshbooks")
    anna.page.goto(callbacks[0])
    assert anna.is_at("/integrations")
    assert anna.connection("freshbooks") == before
    forged = {
        **{name: values[0] for name, values in parse_qs(urlsplit(callbacks[0]).query).items()},
        "state": "x" * 43,
    }
    anna.go(f"/integrations/freshbooks/callback?{urlencode(forged)}")
    anna.sees("Nothing was changed.")
    assert anna.connection("freshbooks") == before


def test_disconnecting_in_two_tabs_is_no_mistake(arrive):
    anna = arrive(javascript=False)
    anna.create_account()
    anna.connect("FreshBooks")
    stale = anna.context.new_page()
    stale.goto(anna.url + "/integrations")
    anna.button("Disconnect FreshBooks").click()
    anna.button("Connect FreshBooks").wait_for()
    stale.get_by_role("button", name="Disconnect FreshBooks").click()
    stale.get_by_text("FreshBooks was already disconnected.").wait_for()


def test_signing_out_in_another_tab_loses_no_authorization(arrive, client):
    anna = arrive()
    anna.create_account()
    other = anna.context.new_page()
    other.goto(client.authorize_url())
    anna.sign_out()
    anna.page = other
    anna.button("Allow").click()
    anna.sees("Go back, reload the page and try again.")
    anna.page.go_back()
    anna.page.reload()
    assert anna.is_at("/login")
    anna.sign_in()
    anna.button("Allow").click()
    anna.page.wait_for_url(re.compile("flow="))
