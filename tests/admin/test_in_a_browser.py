"""An operator in a real Chromium at a running installation with two workers: htmx, no JavaScript, a phone."""

import re

import pytest

from tests.support.browser import Person
from tests.support.product import run_product
from tests.support.sessions import start_session_at
from tests.support.waiting import until

pytestmark = [pytest.mark.needs_chromium, pytest.mark.xdist_group("admin-browser")]


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    with run_product(tmp_path_factory.mktemp("admin-product"), WEB_CONCURRENCY="2") as running:
        yield running


def operator(product, chromium, **options):
    """An operator, signed in."""
    dana = Person(chromium, product.url, **options)
    cookie = start_session_at(product, email=dana.email, is_operator=True)
    dana.context.add_cookies([{"name": "session", "value": cookie, "url": product.url}])
    dana.go("/admin/workspaces")
    return dana


@pytest.mark.parametrize("javascript", [True, False])
def test_an_operator_changes_limits_and_keeps_a_workspace_out(product, chromium, javascript):
    company = f"Blue Harbour {javascript}"
    anna = Person(chromium, product.url, name="anna", company=company)
    anna.create_account()
    dana = operator(product, chromium, name="dana", javascript=javascript)
    messages = []
    dana.page.on(
        "console", lambda line: messages.append(line.text) if line.type in {"error", "warning"} else None
    )
    dana.go("/account")
    dana.page.get_by_label("Your account").click()
    dana.page.get_by_role("link", name="Administration").click()
    dana.page.get_by_label("Name or ID of a workspace").fill(company)
    dana.button("Search").click()
    dana.page.wait_for_url(re.compile(r"\?.*q="))
    dana.page.get_by_text("Free: 60 per minute").click()
    dana.page.get_by_label("Tier").select_option("pro")
    dana.page.get_by_label("Calls per minute").fill("700")
    dana.button(f"Save limits of {company}").click()
    dana.sees("Pro: 700 per minute, 50,000 per day")
    dana.page.locator("summary", has_text="Deactivate").click()
    dana.sees("lose access immediately. Its data stays")
    dana.button(f"Deactivate {company}").click()
    dana.button(f"Activate {company}").wait_for()
    for _ in range(6):  # both workers
        anna.go("/integrations")
        anna.sees("was deactivated by the operator")
    dana.button(f"Activate {company}").click()
    dana.page.locator("summary", has_text="Deactivate").wait_for()
    anna.go("/integrations")
    anna.button("Connect Xero").wait_for()
    assert messages == []


def test_every_page_fits_a_phone(product, chromium):
    dana = operator(product, chromium, name="dora")
    dana.page.set_viewport_size({"width": 320, "height": 740})
    for path in ("workspaces", "usage", "people", "ai-clients", "connectors", "keys", "audit", "health"):
        dana.go(f"/admin/{path}")
        dana.page.get_by_role("heading", level=1).wait_for()
        assert dana.page.evaluate("document.documentElement.scrollWidth") <= 320, path


def test_what_is_offered_reaches_every_worker_within_seconds(product, chromium):
    anna = Person(chromium, product.url, name="ada")
    anna.create_account()
    dana = operator(product, chromium, name="dina")
    dana.go("/admin/connectors")
    dana.page.locator("#app-stripe summary").click()
    dana.page.locator("#app-stripe").get_by_label("Offered").select_option("Not offered")
    dana.button("Save Stripe").click()
    dana.page.locator("#app-stripe").get_by_text("Saved.").wait_for()
    # in a row, so that both workers have answered
    until(lambda: all("stripe" not in anna.status() for _ in range(12)))


def test_a_key_is_copied_once(product, chromium):
    anna = Person(chromium, product.url, name="asta", company="Keyed Ltd")
    anna.create_account()
    dana = operator(product, chromium, name="dag")
    dana.go("/admin/keys")
    dana.page.get_by_label("Name", exact=True).fill("night shift")
    dana.page.get_by_label("First workspace").fill("Keyed Ltd")
    dana.button("Generate API key").click()
    assert re.fullmatch(r"pbk_[\w-]{43}", dana.page.get_by_label("New API key", exact=True).input_value())
    dana.go("/admin/keys")
    assert dana.page.get_by_label("New API key", exact=True).count() == 0
    dana.page.locator("summary").filter(has_text="Revoke night shift").click()
    dana.button("Revoke night shift").click()
    dana.sees("Revoked.")
