"""The account page in a real Chromium: with htmx, without JavaScript, and the redirect through Google."""

import json

import pytest

from tests.support.browser import Person
from tests.support.google_identity import GoogleIdentity
from tests.support.product import run_product

pytestmark = [pytest.mark.needs_chromium, pytest.mark.xdist_group("profile-browser")]


@pytest.fixture(scope="module")
def google():
    running = GoogleIdentity()
    yield running
    running.close()


@pytest.fixture(scope="module")
def product(tmp_path_factory, google):
    with run_product(
        tmp_path_factory.mktemp("profile-product"), WEB_CONCURRENCY="1", **google.settings
    ) as running:
        yield running


@pytest.mark.parametrize("javascript", [True, False])
def test_a_person_looks_after_their_account_and_leaves(product, chromium, javascript):
    anna = Person(chromium, product.url, name="anna" if javascript else "nora", javascript=javascript)
    console = []
    anna.page.on(
        "console", lambda line: console.append(line.text) if line.type in {"error", "warning"} else None
    )
    anna.create_account()
    elsewhere = Person(chromium, product.url, javascript=javascript)
    elsewhere.email = anna.email
    elsewhere.go("/login")
    elsewhere.sign_in()

    anna.go("/account")
    anna.page.get_by_label("Your name").fill("Anna Kraus")
    anna.button("Save name").click()
    anna.page.locator("#profile-card").get_by_text("Saved").wait_for()
    assert anna.page.get_by_label("Your name").input_value() == "Anna Kraus"
    anna.page.get_by_label("Workspace time zone").select_option("Europe/Berlin")
    anna.button("Save workspace").click()
    anna.page.locator("#workspace-card").get_by_text("Saved").wait_for()
    anna.page.get_by_label("Time zone", exact=True).fill("kolkata")
    anna.button("Save time zone").click()
    anna.page.locator("#time-zone-card").get_by_text("Saved").wait_for()
    assert anna.page.get_by_label("Time zone", exact=True).input_value() == "Asia/Kolkata"
    anna.page.get_by_label("Daily digest").uncheck()
    anna.button("Save notifications").click()
    anna.page.locator("#notifications-card").get_by_text("Saved").wait_for()
    assert not anna.page.get_by_label("Daily digest").is_checked()

    anna.page.get_by_role("button", name="Sign out Chrome on Linux").click()
    anna.page.get_by_role("button", name="Sign out Chrome on Linux").wait_for(state="detached")
    elsewhere.go("/account")
    assert elsewhere.is_at("/login")

    anna.page.get_by_label("New password").fill("copper meadow ladder")
    anna.button("Change password").click()
    anna.sees("Password changed.")
    anna.email = f"moved.{anna.email}"
    anna.page.get_by_label("New email").fill(anna.email)
    anna.button("Change email").click()
    anna.type_mailed_code()
    anna.sees(f"Your email is now {anna.email}")

    with anna.page.expect_download() as download:
        anna.button("Download my data").click()
    data = json.loads(download.value.path().read_text())
    assert data["profile"]["email"] == anna.email and data["profile"]["name"] == "Anna Kraus"

    anna.page.set_viewport_size({"width": 360, "height": 740})
    assert anna.page.evaluate("document.documentElement.scrollWidth") <= 360 if javascript else True
    anna.page.get_by_label("Type the workspace name to confirm").fill(anna.company)
    anna.button("Delete workspace").click()
    anna.sees(f"{anna.company} is deleted.")
    anna.page.get_by_label("Type your email to confirm").fill(anna.email)
    anna.button("Delete account").click()
    anna.sees("Your account is deleted")
    assert console == []


@pytest.mark.parametrize("javascript", [True, False])
def test_somebody_new_comes_in_through_google(product, chromium, google, javascript):
    zoe = Person(chromium, product.url, name="zoe", javascript=javascript)
    account = {"sub": f"zoe {javascript}", "email": f"zoe.{javascript}@gmail.com".lower(), "name": "Zoe New"}
    zoe.go("/register")
    with zoe.page.expect_request(lambda sent: sent.url.startswith(google.url)) as leaving:
        zoe.button("Continue with Google").click()
    zoe.go(google.approve(leaving.value.url, account))
    zoe.sees("Welcome, Zoe New")
    zoe.page.get_by_label("Company").fill("Zoe & Sons")
    zoe.button("Create account").click()
    zoe.page.wait_for_url("**/integrations")
    zoe.go("/account")
    zoe.button("Unlink Google").click()
    zoe.sees("Google unlinked.")
