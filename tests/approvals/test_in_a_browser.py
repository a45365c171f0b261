"""Approvals end to end: the official client asks, Chromium shows it without a reload, one click does it."""

import re

import pytest

from tests.support.approvals import LINK
from tests.support.browser import Person, seconds_between_polls
from tests.support.sdk_client import PythonClient

pytestmark = [pytest.mark.needs_chromium, pytest.mark.xdist_group("approvals-browser")]
ACT = {"organization": "Vandelay Industries", "email": "art@vandelay.example"}
NAME = "freshbooks_create_client"
HEADLINE = "Create client Vandelay Industries"


@pytest.fixture
def arrive(product, chromium):
    """`arrive(javascript=True, **client)`: a person with an AI client on a FreshBooks that asks first."""

    def _arrive(javascript=True, **options):
        anna = Person(chromium, product.url, name="anna", javascript=javascript)
        wishes = {"connect": ("FreshBooks",), "permit": {"FreshBooks": "Ask before writing"}}
        return anna, PythonClient(product.mcp_url, lambda url: anna.authorize(url, **wishes), **options)

    return _arrive


def test_a_new_request_appears_and_a_press_does_it(product, arrive):
    anna, client = arrive()
    with client.connected():
        anna.go("/approvals")
        anna.sees("Nothing is waiting for approval.")
        messages = []
        anna.page.on(
            "console", lambda line: messages.append(line.text) if line.type in {"error", "warning"} else None
        )
        answer = client.call(NAME, **ACT)
        assert answer["error"]["code"] == "APPROVAL_NEEDED"
        assert seconds_between_polls(anna.page) < 5.5
        anna.page.get_by_role("heading", name=HEADLINE).wait_for()
        anna.page.get_by_role("link", name="Approvals 1 request waiting").wait_for()
        anna.sees("Vandelay Industries")
        anna.page.get_by_role("button", name=f"Approve: {HEADLINE}").click()
        anna.sees(re.compile(f"^(Done|Running): {HEADLINE}"))  # the page waits a while for the end
        anna.page.get_by_role("link", name="Approvals", exact=True).wait_for()
        anna.sees(re.compile("Approved by you"))
        done = client.call(NAME, **ACT)
        assert done["success"] and done["message"].startswith("Approved by ")
        anna.page.set_viewport_size({"width": 360, "height": 740})
        assert anna.page.evaluate("document.documentElement.scrollWidth") <= 360
        assert messages == []


def test_without_javascript_by_the_link_and_rejected(product, arrive):
    anna, client = arrive(javascript=False)
    with client.connected():
        link = LINK.search(client.call(NAME, **ACT)["error"]["message"])[0]
        assert f"/approvals/{link.rpartition('/')[2]}" in _mail(anna)
        anna.page.goto(link)
        anna.sees(re.compile("^Nothing changes until you approve"))
        anna.page.get_by_role("button", name=f"Reject: {HEADLINE}").click()
        anna.sees(re.compile(f"^Rejected: {HEADLINE}.*Nothing was changed"))
        assert client.call(NAME, **ACT)["error"]["code"] == "PERMISSION_DENIED"


def _mail(person) -> str:
    tab = person.context.new_page()
    tab.goto(f"{person.url}/dev/mailbox?to={person.email}")
    text = tab.locator("article").first.inner_text()
    tab.close()
    return text


@pytest.mark.parametrize(("mode", "revision"), [("legacy", "2025-11-25"), ("auto", "2026-07-28")])
def test_the_official_client_asks_in_the_chat(product, arrive, mode, revision):
    questions, answers = [], ["decline", "accept"]

    def decide(message):
        questions.append(message)
        return answers[len(questions) - 1]

    _, client = arrive(mode=mode, decide=decide)
    with client.connected():
        assert client.client.protocol_version == revision
        refused = client.call(NAME, **ACT)
        assert (refused["error"]["code"], len(questions)) == ("PERMISSION_DENIED", 1)
        assert client.call(NAME, **ACT)["data"]["organization"] == "Vandelay Industries"
        assert (
            "Organization: Vandelay Industries" in questions[1]
            and "Desk Assistant wants to do this in FreshBooks" in questions[1]
        )
