"""Whatever is sent to a form, the response is a quick 4xx with a sentence, and nothing changes."""

import io

import pytest
from sqlmodel import select

from app import database
from app.accounts.models import LoginSession, MailedCode, User
from tests.accounts.steps import GOOD_PASSWORD
from tests.conftest import both_databases
from tests.support.cases import every

DOORS = [
    "/login",
    "/login/code",
    "/register",
    "/confirm",
    "/confirm/again",
    "/workspace",
    "/workspaces",
    "/logout",
    "/account/sign-out-everywhere",
]
FIELDS = ("email", "password", "company", "code", "request", "workspace", "next")


def bodies():
    yield "nothing", {"data": b""}
    yield "empty fields", {"data": dict.fromkeys(FIELDS, "")}
    yield "huge fields", {"data": dict.fromkeys(FIELDS, "x" * 60_000)}
    yield "too huge", {"data": dict.fromkeys(FIELDS, "x" * 600_000)}
    yield "nul bytes", {"data": dict.fromkeys(FIELDS, "a\x00b@example.com")}
    yield "only nul", {"data": dict.fromkeys(FIELDS, "\x00")}
    yield "control characters", {"data": dict.fromkeys(FIELDS, "\x1b[31m\r\n\x7f")}
    yield "not utf-8", {"data": b"&".join(name.encode() + b"=%ff%fe%c0%80" for name in FIELDS)}
    yield "raw bytes", {"data": b"email=\xff\xfe&password=\x00\x80&code=\xc3"}
    yield "lone surrogates", {"data": b"&".join(name.encode() + b"=%ed%a0%80" for name in FIELDS)}
    yield "twice", {"data": {name: ["a@example.com", "b@example.com"] for name in FIELDS}}
    yield "arrays", {"data": {f"{name}[]": "x" for name in FIELDS}}
    yield "json", {"json": {name: {"$ne": ""} for name in FIELDS}}
    yield "bad json", {"data": b"{", "content_type": "application/json"}
    yield "files", {"data": {name: (io.BytesIO(b"x"), "x.txt") for name in FIELDS}}
    yield "broken multipart", {"data": b"--x\r\nnonsense", "content_type": "multipart/form-data; boundary=x"}
    yield "no boundary", {"data": b"email=a", "content_type": "multipart/form-data"}
    yield "xml", {"data": b"<email/>", "content_type": "text/xml"}


@both_databases
@pytest.mark.parametrize("door", DOORS)
def test_no_body_breaks_a_form(people, visitor, sign_in, door):
    for signed_in in (False, True):
        if signed_in and door in {"/logout", "/account/sign-out-everywhere"}:
            continue
        sender = sign_in(people.dana if door == "/workspaces" else people.alice) if signed_in else visitor
        sender.get("/login" if not signed_in else "/account")
        for name, body in bodies():
            headers = {"X-CSRFToken": sender.csrf}
            answer = sender.client.post(door, headers=headers, **body)
            assert answer.status_code < 500, name
            assert answer.status_code >= 400 or answer.status_code == 303, name
            assert "Traceback" not in answer.text
    with database.reading() as db:
        assert not db.exec(select(MailedCode)).all()
        assert len(db.exec(select(User)).all()) == 4
        assert len(db.exec(select(LoginSession)).all()) == (
            0 if door in {"/logout", "/account/sign-out-everywhere"} else 1
        )


@both_databases
@every(
    "query",
    [
        "next=%00",
        "next=%ff",
        "next=" + "x" * 9000,
        "next=/a&next=//b",
        "request=%00",
        "request=' OR 1=1",
        "to=%00",
        "format=%00",
    ],
)
@every("page", ["/", "/login", "/register", "/confirm", "/dev/mailbox"])
def test_no_query_breaks_a_page(people, visitor, page, query):
    visitor.client.set_cookie("holder", "h" * 43)
    assert visitor.get(f"{page}?{query}").status_code < 400


@pytest.mark.parametrize(
    "cookie",
    [
        "holder=" + "\x7f" * 50,
        "holder=" + "h" * 5000,
        "known=" + "k" * 50,
        "known=é.é" + "k" * 50,
        "known=..",
        "form=x.y.z",
        "session=a; session=b",
    ],
)
def test_no_cookie_breaks_a_page(people, visitor, cookie):
    for page in ("/", "/login", "/register", "/confirm"):
        assert visitor.get(page, headers={"Cookie": cookie}).status_code < 400
    visitor.get("/login")
    answer = visitor.submit(
        "/login", {"email": "alice@example.com", "password": "wrong one"}, headers={"Cookie": cookie}
    )
    assert answer.status_code in {400, 422}


def test_the_honest_request_still_succeeds_afterwards(visitor, register):
    for _, body in bodies():
        visitor.get("/register")
        visitor.client.post("/register", headers={"X-CSRFToken": visitor.csrf}, **body)
    assert register(visitor, "zoe@example.com", password=GOOD_PASSWORD).status_code == 303


@every(
    "page, method",
    [("/logout", "get"), ("/workspace", "get"), ("/account", "post"), ("/", "post"), ("/login", "delete")],
)
def test_another_verb_is_refused(visitor, page, method):
    visitor.get("/login")
    answer = getattr(visitor.client, method)(page, headers={"X-CSRFToken": visitor.csrf})
    assert answer.status_code == 405 and answer.headers["Allow"]
