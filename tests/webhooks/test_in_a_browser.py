"""Webhooks in a real Chromium, with htmx and without JavaScript, sent by the running product."""

import re

import pytest

from tests.support.browser import Person
from tests.support.waiting import until

pytestmark = [pytest.mark.needs_chromium, pytest.mark.xdist_group("webhooks-browser")]


@pytest.fixture
def acme_service():
    """The product runs in a process of its own."""


@pytest.mark.parametrize("javascript", [True, False])
def test_a_webhook_is_added_tested_and_gets_what_happens(product, chromium, receiver, javascript):
    name = "wanda" if javascript else "wilma"
    wanda = Person(chromium, product.url, name=name, javascript=javascript)
    wanda.create_account()
    wanda.go("/webhooks")
    page = wanda.page
    page.get_by_label("URL").fill(receiver.url)
    wanda.button("Add webhook").click()
    secret = page.get_by_role("textbox", name="Signing secret").input_value()
    assert secret.startswith("whsec_")
    if javascript:  # a reload of the page that displays the secret adds no second webhook
        page.reload()
        assert page.get_by_role("textbox", name="Signing secret").count() == 0
        wanda.go("/webhooks")
        wanda.sees("1 of 5")
        page.get_by_role("link", name="127.0.0.1").click()
    wanda.button("Send a test event").click()
    until(lambda: len(receiver.requests) == 1)
    wanda.sees("Delivered: status 204")
    assert receiver.requests[0].verify(secret)["type"] == "webhook.test"
    receiver.status = 500
    wanda.button("Send a test event").click()
    wanda.sees("Not delivered. The receiver answered 500.")
    receiver.status = 204
    page.set_viewport_size({"width": 360, "height": 740})
    page.locator("summary", has_text="webhook.test").first.click()
    if javascript:
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name="Send again").first.click()
    wanda.sees("Delivered: status 204")
    until(lambda: len(receiver.requests) == 3)
    assert receiver.requests[1].id == receiver.requests[2].id
    # The processes of the product send by themselves what happens.
    other = Person(chromium, product.url, name=f"{name}-two", javascript=False)
    other.create_account()
    wanda.go("/team")
    page.get_by_label("Email", exact=True).fill(other.email)
    wanda.button("Invite").click()
    wanda.sees(other.email)
    tab = other.context.new_page()
    tab.goto(f"{other.url}/dev/mailbox?to={other.email}")
    other.go(re.search(r"/invitations/\S+", tab.locator("main").inner_text())[0])
    other.page.get_by_role("button", name=re.compile("^Join ")).click()
    until(lambda: "member.joined" in receiver.types())
    joined = receiver.requests[receiver.types().index("member.joined")]
    assert joined.verify(secret)["data"]["email"] == other.email
