"""A newcomer adds the sandbox's Harbour CRM with a real browser, with scripts and without."""

import pytest

from tests.journeys.test_every_page import AXE, LOOK, SIZES, faults_of
from tests.support import node
from tests.support.browser import Person

pytestmark = [pytest.mark.needs_chromium, pytest.mark.xdist_group("journeys")]
SERVER = "/integrations/servers/harbour_crm"


@pytest.fixture
def arrive(product, chromium):
    """`arrive("hanna")` is somebody who has never been here."""

    def _arrive(name, **how):
        return Person(chromium, product.url, name, **how)

    return _arrive


def add_harbour_crm(person):
    """Three presses here, from the hub: the rest is the server's own page."""
    person.go("/integrations")
    person.page.get_by_role("link", name="Add an MCP server").click()
    person.page.get_by_role("button", name="Harbour CRM Demo").click()
    assert "Listed after sign-in" in person.page.inner_text("main")
    person.page.get_by_role("button", name="Add and sign in").click()
    person.page.get_by_role("button", name="Approve").click()
    person.sees("Harbour CRM connected")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_newcomer_adds_it_and_allows_its_tools(arrive, javascript):
    hanna = arrive("hanna", javascript=javascript)
    hanna.create_account()
    add_harbour_crm(hanna)
    assert hanna.is_at(SERVER), "straight on to what waits for a decision"
    hanna.page.get_by_role("button", name="Allow all 16 tools").click()
    hanna.sees("16 tools allowed.")
    assert "Waiting for review" not in hanna.page.inner_text("main")


@pytest.mark.timeout(300)
def test_its_pages_are_fit_for_everyone(arrive):
    ines = arrive("ines")
    ines.create_account()
    add_harbour_crm(ines)
    assert not faults_of(ines, ("/integrations/add", SERVER))
    ines.go("/integrations/add")
    ines.page.get_by_role("button", name="Harbour CRM Demo").click()
    ines.page.get_by_text("Use your own OAuth app").click()
    ines.page.get_by_text("Use an API key or token instead").click()
    ines.page.evaluate((node.install() / "axe-core" / "axe.min.js").read_text())
    for width, height in SIZES:
        ines.page.set_viewport_size({"width": width, "height": height})
        assert not [*ines.page.evaluate(LOOK), *ines.page.evaluate(AXE)], width


def test_a_refused_address_has_the_focus(arrive):
    ilse = arrive("ilse")
    ilse.create_account()
    ilse.go("/integrations/add")
    ilse.page.get_by_label("Server URL").fill("https://user:secret@mcp.example.com/mcp")
    ilse.button("Check server").click()
    ilse.sees("This address contains a user name or password.")
    assert ilse.page.evaluate("document.activeElement.name") == "url"
