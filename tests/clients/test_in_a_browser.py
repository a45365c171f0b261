"""One AI client's page in Chromium: two presses to "Bookkeeping, read only", and axe at every size."""

import re

import pytest
from playwright.sync_api import expect

from tests.support import node
from tests.support.browser import Person

pytestmark = [pytest.mark.needs_chromium, pytest.mark.needs_node, pytest.mark.xdist_group("clients-browser")]

_WATCH_SHIFTS = """async () => {
await document.fonts.ready;
window.shift = 0;
new PerformanceObserver((list) => list.getEntries().forEach((each) => { window.shift += each.value; }))
  .observe({ type: "layout-shift" });
}"""
_AXE = """async () => {
  const rules = { 'target-size': { enabled: true }, 'label-content-name-mismatch': { enabled: true } };
  const found = await axe.run(document, { rules, resultTypes: ["violations"] });
  return found.violations.map((each) => `${each.id}: ${each.nodes[0].html.slice(0, 120)}`);
}"""


@pytest.fixture(scope="module")
def anna(product, chromium):
    """anna, with Xero and Gmail connected and a token that may write."""
    person = Person(chromium, product.url)
    person.create_account()
    for service in ("Xero", "Gmail"):
        person.connect(service)
    person.go("/ai-clients")
    person.page.get_by_label("Name", exact=True).fill("scripts")
    person.page.get_by_label("Access", exact=True).select_option("Read and write")
    person.button("Generate token").click()
    person.page.get_by_role("textbox", name="New token").wait_for()
    return person


def test_bookkeeping_read_only_is_two_presses_away(anna):
    page = anna.page
    anna.go("/ai-clients")
    page.get_by_role("link", name="Token “scripts”").click()
    preset = page.get_by_role("button", name=re.compile("^Bookkeeping, read only"))
    preset.wait_for()
    page.evaluate(_WATCH_SHIFTS)
    preset.click()
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_contain_text(
        re.compile(r"from about [\d,]+ to")
    )
    expect(preset).to_have_attribute("aria-pressed", "true")
    expect(preset).to_be_focused()
    expect(page.get_by_role("checkbox", name=re.compile("^Xero: "))).to_be_checked()
    expect(page.get_by_role("checkbox", name=re.compile("^Gmail: "))).not_to_be_checked()
    expect(page.get_by_role("checkbox", name=re.compile("^Reading only"))).to_be_checked()
    assert page.evaluate("window.shift") <= 0.01
    page.reload()
    expect(preset).to_have_attribute("aria-pressed", "true")


def test_the_price_follows_the_ticks_before_anything_is_saved(anna):
    page = anna.page
    anna.go("/ai-clients")
    page.get_by_role("link", name="Token “scripts”").click()
    page.get_by_role("button", name=re.compile("^Everything")).click()
    expect(page.get_by_role("button", name=re.compile("^Everything"))).to_have_attribute(
        "aria-pressed", "true"
    )
    page.evaluate(_WATCH_SHIFTS)
    page.get_by_role("checkbox", name=re.compile("^Gmail: ")).uncheck()
    expect(page.locator("#price")).to_contain_text("(now ")
    expect(page.get_by_role("radio", name=re.compile("^Only the ticked ones"))).to_be_checked()
    assert page.evaluate("window.shift") <= 0.01
    page.reload()
    expect(page.get_by_role("checkbox", name=re.compile("^Gmail: "))).to_be_checked()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360, 320])
def test_nothing_is_in_anybodys_way(anna, width, theme):
    page = anna.page
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=theme)
    anna.go("/ai-clients")
    revoke = page.get_by_role("button", name="Revoke scripts").bounding_box()
    assert revoke["x"] >= 0 and revoke["x"] + revoke["width"] <= width, "Revoke is on the screen"
    axe = (node.install() / "axe-core" / "axe.min.js").read_text()
    page.evaluate(axe)
    problems = page.evaluate(_AXE)
    page.get_by_role("link", name="Token “scripts”").click()
    page.locator(".tool-group summary").first.click()
    page.evaluate(axe)
    problems += page.evaluate(_AXE)
    assert problems == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
