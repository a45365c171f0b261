"""The hub in a real Chromium, against the whole product and its sandbox as users run them."""

import re
from pathlib import Path

import pytest

from tests.support import waiting
from tests.support.browser import choose_level, poll_now, seconds_between_polls, stop_clock
from tests.support.databases import ROOT

pytestmark = [pytest.mark.needs_chromium, pytest.mark.xdist_group("hub-browser")]


WATCH_SHIFTS = """
window.shift = 0;
const watcher = new PerformanceObserver((list) => list.getEntries()
  .forEach((entry) => { window.shift += entry.value; }));
watcher.observe({type: "layout-shift"});
"""


def take_shift(page):
    """How much has moved since the last time, with the frame that is being drawn."""
    return page.evaluate(
        """() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => {
          done(window.shift);
          window.shift = 0;
        })))"""
    )


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def level(page, name):
    return page.get_by_label(name, exact=True)


def connect(page, name="FreshBooks"):
    button(page, f"Connect {name}").click()
    page.get_by_role("button", name="Approve").click()
    page.get_by_text(re.compile(f"{name} connected: ")).wait_for()


def test_connecting_permitting_and_disconnecting(open_tab):
    page = open_tab()
    connect(page)
    assert "connected=freshbooks" in page.url
    choose_level(page, "FreshBooks", "Read and write")
    page.reload()
    level(page, "FreshBooks: Read and write").wait_for()
    page.locator("#board").evaluate("(board) => board.removeAttribute('data-poll')")
    button(page, "Disconnect FreshBooks").click()
    button(page, "Connect FreshBooks").wait_for()
    page.get_by_text("FreshBooks disconnected.").wait_for()
    # it moves with the change, not with the next poll
    page.locator("#group-available [data-slug=freshbooks]").wait_for()


def test_a_change_in_another_tab_shows_within_five_seconds_without_a_reload(open_tab):
    first = open_tab()
    second = open_tab(same=first)
    first.bring_to_front()
    first.evaluate("window.notReloaded = true")
    second_front = second
    connect(second_front)
    first.bring_to_front()
    assert seconds_between_polls(first) < 5
    button(first, "Disconnect FreshBooks").wait_for()
    button(second, "Disconnect FreshBooks").click()
    button(first, "Connect FreshBooks").wait_for()
    assert first.evaluate("window.notReloaded")


def test_a_live_change_keeps_an_open_menu_and_what_is_being_typed(open_tab):
    first = open_tab()
    connect(first)
    second = open_tab(same=first)
    first.bring_to_front()
    first.get_by_label("More about FreshBooks").click()
    first.get_by_label("Name", exact=True).fill("Half a na")
    choose_level(second, "FreshBooks", "Off")
    level(first, "FreshBooks: Off").wait_for()
    field = first.get_by_label("Name", exact=True)
    assert field.is_visible() and field.input_value() == "Half a na"
    assert first.evaluate("document.activeElement.name") == "label"
    field.press_sequentially("me")
    field.press("Enter")
    first.get_by_text("Half a name").first.wait_for()


def test_nothing_jumps_when_a_card_changes(open_tab):
    first = open_tab()
    connect(first)
    first.evaluate(WATCH_SHIFTS)
    choose_level(first, "FreshBooks", "Ask before writing")
    saved = first.get_by_text("Saved", exact=True)
    saved.wait_for()
    saved.wait_for(state="detached")  # it goes away by itself
    poll_now(first)
    assert take_shift(first) < 0.01
    button(first, "Dismiss the list").click()
    first.locator("#getting-started").wait_for(state="detached")
    take_shift(first)  # what was dismissed may go, and at once
    poll_now(first)
    assert take_shift(first) < 0.01


def test_a_choice_from_a_menu_closes_it_and_the_focus_returns_to_its_button(open_tab):
    page = open_tab()
    connect(page)
    more = page.get_by_label("More about FreshBooks")
    for press in ("Make private", "Test connection"):
        more.focus()
        page.keyboard.press("Enter")
        page.get_by_role("button", name=press).focus()
        page.keyboard.press("Enter")
        done = "Saved" if press == "Make private" else "FreshBooks works: connected as Northwind Studio."
        page.get_by_text(done, exact=True).wait_for()
        assert page.locator("details.menu[open]").count() == 0
        assert page.evaluate("document.activeElement.ariaLabel") == "More about FreshBooks"


def test_disconnecting_one_of_two_accounts_never_leaves_the_focus_on_disconnecting_the_other(open_tab):
    page = open_tab()
    connect(page, "Xero")
    page.get_by_label("More about Xero").click()
    button(page, "Connect another account").click()
    page.get_by_label("Harbour Street Trading").check()
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("Xero connected: Harbour Street Trading").wait_for()
    button(page, "Disconnect Xero: Harbour Street Trading").focus()
    page.keyboard.press("Enter")
    level(page, "Xero: Read only").wait_for()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.ariaLabel") == "Xero: Read only"


def test_saved_stays_as_long_after_the_second_choice_as_after_the_first(open_tab):
    page = open_tab()
    connect(page)
    stop_clock(page)
    page.reload()
    for words in ("Off", "Read only"):
        choose_level(page, "FreshBooks", words)
        page.get_by_text("Saved", exact=True).wait_for()
        page.clock.run_for(2500)
    assert page.get_by_text("Saved", exact=True).count() == 1


def test_a_board_that_was_read_before_a_choice_never_undoes_it_on_the_page(open_tab):
    page = open_tab()
    connect(page)
    stop_clock(page)  # no poll comes to mend it
    page.reload()
    held = []

    def hold_the_first(route):
        if held:
            return route.continue_()
        held.append((route, route.fetch()))

    page.route("**/integrations/live?*", hold_the_first)
    with page.expect_request("**/integrations/live?*"):
        choose_level(page, "FreshBooks", "Off")
    waiting.until(lambda: held or page.wait_for_timeout(20))
    choose_level(page, "FreshBooks", "Read only")
    [(route, board)] = held
    assert "FreshBooks: Off" in board.text()
    with page.expect_request("**/integrations/live?*") as again:
        route.fulfill(response=board)
    again.value.response().finished()
    assert level(page, "FreshBooks: Read only").is_visible()


def test_everything_works_without_javascript(open_tab):
    page = open_tab(java_script_enabled=False)
    connect(page)
    choose_level(page, "FreshBooks", "Off")
    page.get_by_text("Saved. FreshBooks: Off.").wait_for()
    page.get_by_label("More about FreshBooks").click()
    page.get_by_label("Name", exact=True).fill("Studio")
    button(page, "Rename FreshBooks").click()
    page.get_by_text("Studio", exact=True).wait_for()
    page.get_by_label("More about FreshBooks").click()
    page.get_by_role("button", name="Test connection").click()
    page.get_by_text("FreshBooks works: connected as").wait_for()
    button(page, "Disconnect FreshBooks").click()
    button(page, "Connect FreshBooks").wait_for()


def test_everything_works_with_the_keyboard(open_tab):
    page = open_tab()

    def tab_to(name):
        for _ in range(60):
            page.keyboard.press("Tab")
            if (
                page.evaluate(
                    "(document.activeElement.getAttribute('aria-label') || "
                    "document.activeElement.textContent).trim()"
                )
                == name
            ):
                outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert outline != "none", f"{name} has focus but does not show it"
                return
        raise AssertionError(f"{name} cannot be reached with the Tab key")

    tab_to("Connect FreshBooks")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Approve").focus()
    page.keyboard.press("Enter")
    page.get_by_text("FreshBooks connected: ").wait_for()
    tab_to("More about FreshBooks")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "label"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "More about FreshBooks"
    tab_to("FreshBooks: Read only")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert level(page, "FreshBooks: Read only").is_visible(), "nothing applies before it is chosen"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    level(page, "FreshBooks: Ask before writing").wait_for()
    assert page.evaluate("document.activeElement.textContent.trim()") == "Ask before writing"
    assert page.locator(".levels[open]").count() == 0
    tab_to("Disconnect FreshBooks")
    page.keyboard.press("Enter")
    button(page, "Connect FreshBooks").wait_for()
    page.locator("[data-slug=freshbooks] :focus").wait_for()


def test_nothing_is_wider_than_the_screen(open_tab, product):
    page = open_tab()
    connect(page)
    for path in ("/integrations", "/ai-clients", "/account"):
        page.goto(product.url + path)
        for width in (360, 768, 1180, 1920):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)


def test_a_refusal_at_the_service_is_said_on_the_hub(open_tab):
    page = open_tab()
    button(page, "Connect FreshBooks").click()
    page.get_by_role("button", name="Deny").click()
    page.get_by_text("You didn't allow access at FreshBooks. Nothing was connected.").wait_for()
    assert page.get_by_role("alert").count() == 0, "nothing is wrong"


def test_the_console_notices_a_broken_content_policy():
    """The tests above are only worth something while the pages carry no inline script or style."""
    for template in Path(ROOT / "templates").rglob("*.html"):
        assert not re.search(r"<style|\sstyle=|<script(?![^>]*nonce)", template.read_text()), template
