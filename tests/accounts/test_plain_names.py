"""A name that others read in mail holds no link, at every door where one can be chosen."""

import re

import pytest
from sqlmodel import select

from app import database
from app.accounts import plain_names
from app.accounts.models import User
from app.workspaces.models import Workspace

GOOD_PASSWORD = "lantern orbit walrus"
LINKS = [
    "https://evil.example",
    "Acme HTTPS://EVIL.EXAMPLE now",
    "Pay at http:evil.example",
    "//evil.example",
    "https:\\\\evil.example",
    "https : / / evil.example",
    "see www.evil.example",
    "WWW .evil.example",
    "www2.evil.example",
    "evil.example/pay",
    "Invoice due: evil.example/?id=1",
    "evil.example?token",
    "evil.example:8080",
    "xn--80ak6aa92e.xn--p1ai/x",
    "bücher.example/x",
    "10.0.0.7/admin",
    "mailto:pay@evil.example",
    "javascript:alert",
    "\uff48\uff54\uff54\uff50\uff53\uff1a\uff0f\uff0fevil.example",  # full width
    "ht\u200btp://evil.example",  # a zero-width space
    "ht\u00adtps://evil.example",  # a soft hyphen
    "https\u2236\u2215\u2215evil.example",  # ratio, division slashes
    "www\u3002evil\u3002example",  # ideographic full stops
    "evil\uff0eexample\u2044pay",
    "evil\u2024example/pay",
]
NAMES = [
    "Acme.com",
    "Booking.com B.V.",
    "Müller & Söhne GmbH",
    "A/B Testing Ltd.",
    "Smith, Jones / Partners",
    "Inc./Ltd. Holdings",
    "24/7 Support",
    "Who is Acme.com?",
    "Big Data: Insights",
    "C# Consulting",
    "Node.js Meetup",
    "Team 3.5: the second",
    "Wwwonder",
    "株式会社ノノムラ",
    "مكتب النور",
    "Zoë’s Café — Berlin",
    "👩\u200d🚀 Rockets",
]


@pytest.mark.parametrize("name", LINKS)
def test_what_a_mail_program_makes_a_link_of_is_refused(name):
    assert "web addresses" in plain_names.problem_with(name)
    assert plain_names.in_mail(name, "a workspace") == "a workspace"


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_name(name):
    assert plain_names.problem_with(name) is None


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029"])
def test_a_name_is_one_line(line_break):
    assert plain_names.problem_with(f"Acme{line_break}Pay now") == "Write the name on one line."


def names():
    with database.reading() as db:
        return set(db.exec(select(Workspace.name))) | set(db.exec(select(User.name)))


@pytest.mark.parametrize("name", [LINKS[0], "Acme www.evil.example", "Acme\nPay now", LINKS[-8]])
class TestDoors:
    def test_registering(self, visitor, ask_to_register, mailbox, name):
        refused = ask_to_register(visitor, "zoe@example.com", company=name)
        assert refused.status_code == 422 and 'id="company-note"' in refused.text
        assert mailbox("zoe@example.com") == []

    def test_registering_by_api(self, app, mailbox, name):
        refused = app.test_client().post("/api/register", json={"company": name, "email": "zoe@example.com"})
        assert refused.status_code == 422 and refused.json["error"]["details"]["fields"]["company"]
        assert mailbox("zoe@example.com") == []

    def test_a_first_workspace(self, people, sign_in, name):
        dana, before = sign_in(people.dana), names()
        dana.get("/account")
        assert dana.submit("/workspaces", {"company": name}).status_code == 422
        assert names() == before

    @pytest.mark.parametrize("htmx", [False, True])
    def test_the_settings_of_a_workspace(self, people, sign_in, name, htmx):
        alice, before = sign_in(people.alice), names()
        alice.get("/account")
        refused = alice.submit("/account/workspace", {"workspace_name": name, "timezone": "UTC"}, htmx=htmx)
        assert 'id="workspace_name-note"' in refused.text and names() == before

    def test_the_name_of_a_person(self, people, sign_in, name):
        alice, before = sign_in(people.alice), names()
        alice.get("/account")
        assert alice.submit("/account/name", {"name": name}).status_code == 422
        assert names() == before


def test_an_invitation_does_not_repeat_a_link_that_is_older_than_the_rule(people, sign_in, mailbox):
    with database.transaction() as db:
        db.get(Workspace, people.northwind.id).name = "Refund: https://evil.example/pay"
    alice = sign_in(people.alice)
    alice.get("/team")
    assert alice.submit("/team/invitations", {"email": "zoe@example.com", "role": "member"}).status_code < 400
    text = mailbox("zoe@example.com")[0].text
    assert "evil" not in text and "invited you to join their workspace on" in text
    assert re.search(r"/invitations/\S+", text)
