"""Which account a Firebase login stands for: how it is linked, who learns of it, and how it ends for good."""

import re
from datetime import timedelta

import pytest
from sqlmodel import select

from app import clock, database
from app.accounts import people as persons
from app.accounts.models import FirebaseIdentity, RemovedLogin, User
from app.admin import people as operators
from app.audit import AuditEntry
from app.oauth_server.models import Grant
from tests.conftest import both_databases
from tests.identity_exchange.conftest import Exchanger, signed
from tests.support.ai_client import AiClient
from tests.support.visitor import Visitor

PASSWORD = "violet anchor meadow"
LINKED = "A FlowPOS login now has access to your Patchbay account"


def rows(model):
    with database.reading() as db:
        return list(db.exec(select(model)).all())


def actions():
    return [entry.action for entry in rows(AuditEntry) if entry.action.startswith("identity.")]


@pytest.fixture
def alice(people, sign_in):
    return sign_in(people.alice)


def press(visitor, button):
    """Press "Remove" or "Allow again" beside the login on the account page."""
    path = re.search(rf'action="(/account/logins/\w+/{button})"', visitor.get("/account").text)[1]
    return visitor.follow(visitor.submit(path))


@both_databases
def test_the_person_is_mailed_once_and_the_login_is_on_their_account_page(program, people, alice, mailbox):
    assert "Linked logins" not in alice.get("/account").text
    assert program.exchange().status_code == program.exchange().status_code == 200
    [letter] = mailbox(people.alice.email)
    assert letter.subject == LINKED and "/account" in letter.text and "remove it" in letter.text
    page = alice.get("/account").text
    assert "Linked logins" in page and 'aria-label="Remove the login alice@example.com"' in page
    assert actions() == ["identity.linked"]


def test_the_exchange_at_the_token_endpoint_mails_too(program, people, mailbox):
    assert program.at_token_endpoint().status_code == 200
    assert [letter.subject for letter in mailbox(people.alice.email)] == [LINKED]


@pytest.mark.parametrize("claims", [{"email_verified": False}, {"email": None}, {"email": "x@example.com"}])
def test_an_address_that_is_not_verified_links_and_mails_nothing(program, people, mailbox, claims):
    assert program.exchange(signed(**claims)).status_code == 403
    assert rows(FirebaseIdentity) == [] and not mailbox(people.alice.email) and actions() == []


@both_databases
def test_an_account_whose_mailbox_nobody_has_opened_is_not_linked(app, program, people, mailbox, code_for):
    """An operator's account is made from the command line, for an address that may be mistyped."""
    erin = "erin@example.com"
    with database.transaction() as db:
        persons.make_operator(db, erin)
    exchange = {"sub": "uid-erin", "email": erin}
    refused = program.exchange(signed(**exchange))
    assert refused.status_code == 403
    assert "Sign in once with an emailed code" in refused.json["error"]["message"]
    assert rows(FirebaseIdentity) == []
    visitor = Visitor(app)
    visitor.get("/login")
    visitor.follow(visitor.submit("/login/code", {"email": erin}))
    assert visitor.submit("/confirm", {"code": code_for(erin)}).status_code == 303
    visitor.get("/account")
    visitor.submit("/workspaces", {"company": "Erin & Co"})
    assert program.exchange(signed(**exchange)).status_code == 200


# --- what ends it ---------------------------------------------------------------------------------


def remove(alice, **_):
    assert "Login removed" in press(alice, "remove").text


def revoke(alice, **_):
    alice.get("/ai-clients")
    alice.submit(f"/ai-clients/{rows(Grant)[0].id}/revoke")


def sign_out(alice, **_):
    alice.get("/account")
    alice.submit("/account/sign-out-everywhere")


def end_access_with_a_new_password(alice, **_):
    alice.get("/account")
    assert alice.submit("/account/password", {"password": PASSWORD, "ends_access": "1"}).status_code == 303


def be_signed_out(people, sign_in, **_):
    dana = sign_in(people.dana)
    dana.get("/admin/people")
    dana.submit(f"/admin/people/{people.alice.id}/sign-out")


def be_disabled_and_enabled(people, **_):
    for disabled in (True, False):
        operators.set_disabled(people.alice.id, people.dana.id, disabled)


ENDS = [
    remove,
    revoke,
    sign_out,
    end_access_with_a_new_password,
    be_signed_out,
    be_disabled_and_enabled,
]


@both_databases
@pytest.mark.parametrize("end", ENDS)
def test_what_a_person_ended_does_not_link_itself_again(program, people, alice, sign_in, mailbox, end):
    token = program.exchange().json["accessToken"]
    end(alice=alice, people=people, sign_in=sign_in)
    letters = len(mailbox(people.alice.email))
    assert program.refresh(token).status_code == 401
    for _ in range(2):
        refused = program.exchange()
        assert refused.status_code == 403 and "removed from its account" in refused.json["error"]["message"]
    assert program.at_token_endpoint().json["error"] == "invalid_request"
    assert len(mailbox(people.alice.email)) == letters and actions() == [
        "identity.linked",
        "identity.removed",
    ]
    assert all(grant.revoked_at for grant in rows(Grant))

    back = sign_in(people.alice)
    assert "Login allowed" in press(back, "allow").text
    assert program.exchange().status_code == 200
    assert [letter.subject for letter in mailbox(people.alice.email)].count(LINKED) == 2
    assert rows(RemovedLogin) == [] and "Remove the login" in back.get("/account").text


def test_revoking_one_program_ends_what_every_other_exchanged_the_same_login_for(app, program, people, alice):
    """The login is removed, so nothing that came of it can be renewed either."""
    client = AiClient(app, auth_method="client_secret_post")
    client.register()
    mine = {"client_id": client.client_id, "client_secret": client.client_secret}
    tokens = [program.exchange().json["accessToken"], program.at_token_endpoint(**mine).json["access_token"]]
    assert len(rows(Grant)) == 2 and all(program.refresh(each).status_code == 200 for each in tokens)
    revoke(alice)
    assert [program.refresh(each).status_code for each in tokens] == [401, 401]


def test_a_removed_login_is_no_bar_to_somebody_else(program, people, alice):
    program.exchange()
    remove(alice)
    assert program.exchange(signed(sub="uid-bob", email=people.bob.email)).status_code == 200


def test_a_new_password_alone_leaves_the_login_and_the_mail_says_where_to_end_it(
    program, people, alice, mailbox
):
    program.exchange()
    alice.get("/account")
    page = alice.follow(alice.submit("/account/password", {"password": PASSWORD}))
    assert "still have access" in page.text and program.exchange().status_code == 200
    text = mailbox(people.alice.email)[0].text
    assert "linked FlowPOS login" in text and "/account" in text and "- FlowPOS app, in Northwind" in text


@both_databases
def test_a_new_address_ends_what_the_old_one_had_linked(program, people, alice, code_for, mailbox):
    token = program.exchange().json["accessToken"]
    alice.get("/account")
    alice.follow(alice.submit("/account/email", {"email": "alice@new.example"}))
    request = re.search(r'name="request" value="(\w+)"', alice.page)[1]
    alice.submit("/account/email/confirm", {"request": request, "code": code_for("alice@new.example")})
    assert rows(User) and program.refresh(token).status_code == 401
    assert program.exchange().status_code == 403
    assert program.exchange(signed(email="alice@new.example")).status_code == 200
    assert mailbox("alice@new.example")[0].subject == LINKED


def test_a_login_removed_during_its_exchange_gets_nothing(program, people, monkeypatch, alice):
    from app.identity_exchange import businesses

    fetch = businesses.fetch

    def slow(*args):
        remove(alice)
        return fetch(*args)

    monkeypatch.setattr(businesses, "fetch", slow)
    assert program.exchange().status_code == 403
    assert rows(Grant) == []


def test_a_login_is_removed_by_its_person_only(app, program, people, alice, sign_in):
    program.exchange()
    path = re.search(r'action="(/account/logins/\w+/remove)"', alice.get("/account").text)[1]
    bob = sign_in(people.bob)
    bob.get("/account")
    assert bob.submit(path).status_code == 404
    assert Exchanger(app).exchange().status_code == 200


def test_removing_and_allowing_need_a_recent_sign_in(program, people, alice):
    program.exchange()
    path = re.search(r'action="(/account/logins/\w+/remove)"', alice.get("/account").text)[1]
    clock.shift(timedelta(minutes=31))
    assert "Linked logins" in alice.get("/account").text and path not in alice.page
    assert alice.submit(path).headers["Location"].startswith("/login?again=1")
    assert program.exchange().status_code == 200
