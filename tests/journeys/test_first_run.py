"""What a new user does first: an account, services, permissions, and things going wrong."""

import re

import pytest

from tests.support.browser import seconds_between_polls
from tests.support.waiting import until

pytestmark = [pytest.mark.needs_chromium, pytest.mark.xdist_group("journeys")]
WITH_AND_WITHOUT_JAVASCRIPT = pytest.mark.parametrize(
    "javascript", [True, False], ids=["with-javascript", "without-javascript"]
)


@WITH_AND_WITHOUT_JAVASCRIPT
def test_a_new_user_connects_services_and_says_what_may_be_done_with_them(arrive, javascript, sandbox_levers):
    anna = arrive(javascript=javascript)
    anna.create_account()
    assert anna.is_at("/integrations")
    assert anna.page.get_by_text("Coming soon").count() == 0
    for service in ("FreshBooks", "Gmail"):
        anna.connect(service)
    anna.connect("Xero", company="Demo Company (AU)")
    anna.sees("Xero connected: Demo Company (AU)")
    for slug in ("freshbooks", "gmail", "xero"):
        assert "Last synced: Just now" in anna.card(slug).inner_text()
        assert "Sandbox" in anna.card(slug).inner_text()
        assert anna.connection(slug)["permission"] == "read"
    anna.permit("Xero", "Read and write")
    assert anna.connection("xero")["permission"] == "write"

    before = sandbox_levers("freshbooks").log()["revocations"]
    anna.button("Disconnect FreshBooks").click()
    anna.button("Connect FreshBooks").wait_for()
    anna.sees("FreshBooks disconnected")
    assert anna.status()["freshbooks"]["state"] == "not_connected"
    until(lambda: sandbox_levers("freshbooks").log()["revocations"] == before + 1)
    assert anna.connection("gmail")["state"] == "connected"


@WITH_AND_WITHOUT_JAVASCRIPT
def test_a_sign_in_ended_at_the_service_is_said_plainly_and_mended_in_place(
    arrive, javascript, sandbox_levers
):
    anna = arrive(javascript=javascript)
    anna.create_account()
    anna.connect("FreshBooks", company="Harbour Plumbing")
    anna.permit("FreshBooks", "Off")
    was = anna.connection("freshbooks")
    sandbox_levers("freshbooks")("revoke", company="harbour")
    anna.page.get_by_label("More about FreshBooks").click()
    anna.button("Test connection").click()
    anna.button("Reconnect FreshBooks").wait_for()
    anna.sees("Reconnect needed")
    broken = anna.connection("freshbooks")
    assert broken["state"] == "reconnect_needed"
    assert re.search(r"Reconnect|sign in again|ended", broken["last_error"])
    card, [reason, _, advice] = anna.card("freshbooks").inner_text(), broken["last_error"].partition(" on ")
    assert reason in card and advice.partition(" UTC. ")[2] in card, "with the time in her own zone between"
    anna.connect("FreshBooks", company="Harbour Plumbing", again=True)
    now = anna.connection("freshbooks")
    assert (now["id"], now["state"], now["permission"]) == (was["id"], "connected", "off")


def test_a_refusal_at_the_service_ends_on_the_hub_with_the_reason(arrive):
    anna = arrive()
    anna.create_account()
    anna.button("Connect Gmail").click()
    anna.page.get_by_role("button", name="Deny").click()
    anna.sees("You didn't allow access at Gmail. Nothing was connected.")
    assert anna.is_at("/integrations")
    anna.connect("Gmail")


def test_a_change_in_another_tab_shows_within_five_seconds(arrive):
    anna = arrive()
    anna.create_account()
    first, second = anna.page, anna.context.new_page()
    first.evaluate("window.stillTheSamePage = true")
    anna.page = second
    anna.go("/integrations")
    anna.connect("FreshBooks")
    first.bring_to_front()
    assert seconds_between_polls(first) < 5
    first.get_by_role("button", name="Disconnect FreshBooks").wait_for()
    assert first.evaluate("window.stillTheSamePage")


def test_coming_back_by_password_and_by_mailed_code(arrive):
    anna = arrive()
    anna.create_account()
    anna.connect("FreshBooks")
    anna.sign_out()
    anna.go("/integrations?connected=freshbooks")
    assert anna.is_at("/login")
    anna.sign_in()
    assert anna.is_at("/integrations")
    anna.sign_out()
    anna.go("/login")
    anna.page.get_by_label("Email").fill(anna.email)
    anna.button("Email me a code").click()
    anna.type_mailed_code()
    anna.button("Disconnect FreshBooks").wait_for()
