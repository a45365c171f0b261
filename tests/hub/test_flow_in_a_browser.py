"""The step of an AI client's authorization in a real Chromium: on a phone, and by keyboard."""

import re
from urllib.parse import urlencode

import pytest

from tests.hub.test_in_a_browser import button, connect
from tests.support.browser import stop_clock

pytestmark = [pytest.mark.needs_chromium, pytest.mark.xdist_group("hub-browser")]

PHONE = {"viewport": {"width": 360, "height": 640}}
BACK = "http://localhost:9/callback"


def question_of(page, product):
    """The authorization request of a newly registered client."""
    client = {"client_name": "Claude", "redirect_uris": [BACK], "token_endpoint_auth_method": "none"}
    registered = page.request.post(f"{product.url}/oauth/register", data=client).json()
    return {
        "response_type": "code",
        "client_id": registered["client_id"],
        "redirect_uri": BACK,
        "state": "s",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
        "resource": f"{product.url}/mcp",
    }


@pytest.fixture
def open_flow(open_tab, product):
    """`open_flow(**options)`: the hub in the flow of a new AI client, Claude, for a new person."""

    def _open(**options):
        page = open_tab(**options)
        question = question_of(page, product)
        page.goto(f"{product.url}/oauth/authorize?{urlencode(question)}")
        button(page, "Allow").click()
        page.wait_for_url(re.compile("flow="))
        return page

    return _open


def is_on_screen(page, locator):
    box = locator.bounding_box()
    return box is not None and box["y"] >= 0 and box["y"] + box["height"] <= page.viewport_size["height"]


def tabs_to(page, words, most=12):
    for count in range(1, most + 1):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").strip() == words:
            return count
    raise AssertionError(f"{words} is more than {most} Tabs away")


@pytest.mark.parametrize("javascript", [True, False])
def test_continue_is_near_after_coming_back(open_flow, javascript):
    page = open_flow(java_script_enabled=javascript)
    connect(page)
    if javascript:
        page.locator("#finish:focus").wait_for()
        assert tabs_to(page, "Continue to Claude") <= 3
    assert page.locator("#finish[autofocus]").count() == 1


def test_on_a_phone_continue_is_on_the_first_screen_and_what_is_connected_comes_first(open_flow):
    page = open_flow(**PHONE)
    assert is_on_screen(page, button(page, "Continue to Claude"))
    assert button(page, "Connect Xero").is_visible(), "nothing is connected: everything is offered"
    connect(page)
    for name in ("Continue to Claude", "Disconnect FreshBooks"):
        assert is_on_screen(page, button(page, name)), name
    assert not button(page, "Connect Xero").is_visible()
    page.get_by_role("link", name=re.compile("^Show more services")).click()
    button(page, "Connect Xero").wait_for()
    assert is_on_screen(page, button(page, "Continue to Claude"))


def test_more_services_need_no_scripts_and_no_press_on_a_large_screen(open_flow):
    page = open_flow(**PHONE, java_script_enabled=False)
    connect(page)
    page.get_by_role("link", name=re.compile("^Show more services")).click()
    button(page, "Connect Xero").wait_for()
    page.set_viewport_size({"width": 1280, "height": 800})
    page.reload()
    assert button(page, "Connect Xero").is_visible()
    assert not page.get_by_role("link", name=re.compile("^Show more services")).is_visible()


HIDDEN_BY_THE_FOOT = """() => {
  const element = document.activeElement;
  if (element === document.body || element.closest("#finish")) return "";
  const foot = document.querySelector("#finish").getBoundingClientRect();
  const name = element.getAttribute("aria-label") || element.textContent.trim();
  return element.getBoundingClientRect().bottom > foot.top + 1 ? name : "";
}"""


def test_the_foot_hides_no_control_that_has_the_focus(open_flow):
    page = open_flow(**PHONE)
    seen = set()
    for _ in range(45):
        page.keyboard.press("Tab")
        assert page.evaluate(HIDDEN_BY_THE_FOOT) == ""
        seen.add(page.evaluate("document.activeElement.getAttribute('aria-label')"))
    assert {"Connect FreshBooks", "Connect FlowPOS"} <= seen


def test_nothing_in_a_flow_is_wider_than_a_small_phone(open_flow):
    page = open_flow(viewport={"width": 320, "height": 600})
    connect(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.get_by_label("FreshBooks: Read only").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.fixture
def ask_consent(open_tab, product):
    """`ask_consent(**options)`: the consent page of a new AI client, Claude, for a new person."""

    def _ask(**options):
        page = open_tab(**options)
        page.goto(f"{product.url}/oauth/authorize?{urlencode(question_of(page, product))}")
        return page

    return _ask


def test_a_service_connected_from_the_consent_page_leads_straight_back(ask_consent):
    page = ask_consent()
    button(page, "Allow and connect Xero").click()
    stop_clock(page)
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("Returning to Claude…").wait_for()
    with page.expect_response(re.compile("/integrations/complete$")) as returned:
        page.clock.run_for(1200)
    assert re.match(r"http://localhost:9/callback\?.*code=", returned.value.headers["location"])


def test_without_scripts_continue_is_pressed_after_connecting_from_the_consent_page(ask_consent):
    page = ask_consent(java_script_enabled=False)
    button(page, "Allow and connect Xero").click()
    page.get_by_role("button", name="Approve").click()
    button(page, "Continue to Claude").wait_for()


def test_a_denial_leads_to_the_hub_and_nowhere_else(ask_consent):
    page = ask_consent()
    button(page, "Allow and connect Xero").click()
    page.get_by_role("button", name="Deny").click()
    page.get_by_text("You didn't allow access at Xero").wait_for()
    assert page.locator("form[data-goes-on]").count() == 0
    button(page, "Continue to Claude").wait_for()
