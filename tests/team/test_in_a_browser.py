"""A team in a real Chromium: with htmx, without JavaScript, on a phone."""

import re

import pytest

from tests.support.browser import Person

pytestmark = [pytest.mark.needs_chromium, pytest.mark.xdist_group("team-browser")]


def link_in_mail(person):
    """The invitation's link, read on the mailbox page in another tab."""
    tab = person.context.new_page()
    tab.goto(f"{person.url}/dev/mailbox?to={person.email}")
    link = re.search(r"/invitations/\S+", tab.locator("main").inner_text())[0]
    tab.close()
    return link


def manage(person, other):
    """Open what can be done to another member."""
    person.page.locator("summary", has_text=f"Manage {other.email}").click()


@pytest.mark.parametrize("javascript", [True, False])
def test_a_colleague_is_invited_joins_gets_a_role_and_is_removed(product, chromium, javascript):
    anna = Person(chromium, product.url, name="anna" if javascript else "nora", javascript=javascript)
    ben = Person(chromium, product.url, name="ben" if javascript else "noel", javascript=javascript)
    console = []
    anna.page.on(
        "console", lambda line: console.append(line.text) if line.type in {"error", "warning"} else None
    )
    anna.create_account()
    anna.go("/team")
    anna.page.get_by_label("Email", exact=True).fill(ben.email)
    anna.page.get_by_label("Role", exact=True).select_option("Admin")
    anna.button("Invite").click()
    anna.sees(f"Invitation sent to {ben.email}")
    anna.button(f"Resend invitation to {ben.email}").click()
    anna.sees(f"Sent again to {ben.email}")
    ben.go(link_in_mail(ben))
    ben.page.get_by_role("link", name="Create account").click()
    ben.page.get_by_label("Password").fill(ben.password)
    ben.button("Create account").click()
    ben.type_mailed_code()
    ben.sees(f"You joined {anna.company}.")
    ben.go("/team")
    ben.button("Invite").wait_for()
    anna.go("/team")
    manage(anna, ben)
    anna.page.get_by_label(f"Role of {ben.email}").select_option("Member")
    anna.button(f"Change {ben.email}’s role").click()
    anna.sees("Role changed. It applies immediately.")
    anna.page.set_viewport_size({"width": 360, "height": 740})
    if javascript:
        assert anna.page.evaluate("document.documentElement.scrollWidth") <= 360
    ben.go("/team")
    assert ben.button("Invite").count() == 0
    if not javascript:
        manage(anna, ben)  # with htmx, the row stays open after a change
    anna.button(f"Remove {ben.email}").click()
    anna.sees(f"Remove {ben.email} from {anna.company}?")
    anna.button(f"Remove {ben.email}").click()
    anna.sees("Removed.")
    ben.go("/integrations")
    assert ben.is_at("/account")
    ben.sign_out()
    assert console == []


def test_the_ownership_is_handed_over(product, chromium):
    anna, ben = Person(chromium, product.url, name="olga"), Person(chromium, product.url, name="piet")
    anna.create_account()
    anna.go("/team")
    anna.button("Leave workspace").click()
    anna.sees("You are its only owner")
    anna.go("/team")
    anna.page.get_by_label("Email", exact=True).fill(ben.email)
    anna.button("Invite").click()
    anna.sees(f"Invitation sent to {ben.email}")
    ben.create_account()
    ben.go(link_in_mail(ben))
    ben.button(f"Join {anna.company}").click()
    ben.sees(f"You joined {anna.company}.")
    anna.go("/team")
    manage(anna, ben)
    anna.button(f"Hand over ownership to {ben.email}").click()
    anna.page.get_by_role("group", name=f"Hand over ownership to {ben.email}?").wait_for()
    anna.button(f"Hand over ownership to {ben.email}").click()
    anna.sees("You are an admin now")
    anna.button("Leave workspace").click()
    anna.page.get_by_role("heading", name=f"Leave {anna.company}?").wait_for()
    anna.button("Leave workspace").click()
    anna.page.wait_for_url(re.compile("/account"))
