"""The page of a connection and "Try it" in a real Chromium, against the whole product and its sandbox."""

import pytest

from tests.hub.conftest import open_tab  # noqa: F401
from tests.hub.test_in_a_browser import WATCH_SHIFTS, connect, take_shift

pytestmark = [pytest.mark.needs_chromium, pytest.mark.xdist_group("hub-browser")]


def open_connection(page):
    """From the card's line of tools."""
    page.locator("#group-connected a[href^='/integrations/freshbooks/']").first.click()
    page.get_by_role("heading", name="Tools", exact=True).wait_for()


def try_it(page, title):
    page.get_by_role("link", name=f"Try it {title}").click()
    page.get_by_role("heading", name=title, level=1).wait_for()


def test_a_tool_is_tried_in_three_clicks_after_connecting(open_tab):  # noqa: F811
    page = open_tab()
    connect(page)
    page.evaluate("window.notReloaded = true")
    open_connection(page)
    try_it(page, "List invoices")
    page.evaluate(WATCH_SHIFTS)
    page.get_by_role("button", name="Run", exact=True).click()
    page.locator("#result table").wait_for()
    assert take_shift(page) < 0.01
    assert page.evaluate("document.activeElement.id") == "run"


def test_a_switch_is_turned_by_the_keyboard_says_saved_and_keeps_the_focus(open_tab):  # noqa: F811
    page = open_tab()
    connect(page)
    open_connection(page)
    page.evaluate(WATCH_SHIFTS)
    switch = page.get_by_role("switch", name="List invoices", exact=True)
    assert switch.get_attribute("aria-checked") == "true"
    box = switch.bounding_box()
    assert box["width"] >= 24 and box["height"] >= 24
    switch.focus()
    page.keyboard.press("Space")
    page.locator("#toasts").get_by_text("Saved", exact=True).wait_for()
    assert switch.get_attribute("aria-checked") == "false"
    assert page.evaluate("document.activeElement.id") == "switch-freshbooks_list_invoices"
    assert take_shift(page) < 0.01
    page.reload()
    assert switch.get_attribute("aria-checked") == "false"


def test_an_id_goes_from_a_row_into_another_tool(open_tab):  # noqa: F811
    page = open_tab()
    connect(page)
    open_connection(page)
    try_it(page, "List invoices")
    page.get_by_role("button", name="Run", exact=True).click()
    page.locator("#result .use-in summary").first.click()
    page.locator("#result .use-in[open]").get_by_role("link", name="Get an invoice").click()
    page.get_by_role("heading", name="Get an invoice", level=1).wait_for()
    assert page.get_by_label("Invoice ID").input_value()
    page.get_by_role("button", name="Run", exact=True).click()
    page.locator("#result").get_by_text("Brightwater", exact=False).or_(
        page.locator("#result dl")
    ).first.wait_for()


def test_it_works_without_scripts(open_tab):  # noqa: F811
    page = open_tab(java_script_enabled=False)
    connect(page)
    open_connection(page)
    switch = page.get_by_role("switch", name="List invoices", exact=True)
    switch.click()
    page.get_by_text("Saved", exact=True).wait_for()
    assert switch.get_attribute("aria-checked") == "false"
    try_it(page, "List clients")
    page.get_by_role("button", name="Run", exact=True).click()
    page.locator("#result table").wait_for()
    assert page.url.endswith("#result")


@pytest.mark.parametrize("width", [320, 360, 1280])
def test_nothing_scrolls_sideways(open_tab, width):  # noqa: F811
    page = open_tab(viewport={"width": width, "height": 800})
    connect(page)
    open_connection(page)
    wide = "document.documentElement.scrollWidth"
    assert page.evaluate(wide) <= width
    try_it(page, "List invoices")
    page.get_by_role("button", name="Run", exact=True).click()
    page.locator("#result table").wait_for()
    assert page.evaluate(wide) <= width
