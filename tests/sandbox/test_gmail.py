"""The imitated Gmail behaves as Google documents: consent, mailbox, search, quotas, edge cases."""

import base64
import hashlib
import json
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import Client

from app.sandbox import clock as sandbox_clock
from app.sandbox.server import create_app
from app.sandbox.services.gmail import SERVICE

REDIRECT = "http://localhost:8000/integrations/gmail/callback"
READ = "openid email https://www.googleapis.com/auth/gmail.readonly"
WRITE = "openid email https://www.googleapis.com/auth/gmail.modify"
ME = "/gmail/gmail/v1/users/me"
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class Caller:
    """A client of the sandbox and its tokens."""

    def __init__(self, sandbox):
        self.http = Client(sandbox)
        self.tokens = {}

    def consent(self, scope=WRITE, account="northwind", decision="approve", untick=(), **parameters):
        query = {
            "response_type": "code",
            "client_id": "sandbox",
            "redirect_uri": REDIRECT,
            "scope": scope,
            "state": "s1",
            "access_type": "offline",
            "prompt": "consent",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **parameters,
        }
        granted = [s for s in scope.split() if s not in untick]
        form = {"company": account, "decision": decision, "granted": granted}
        return self.http.post(
            "/gmail/o/oauth2/v2/auth", query_string={k: v for k, v in query.items() if v}, data=form
        )

    def token(self, **form):
        form = {"client_id": "sandbox", "client_secret": "sandbox", **form}
        return self.http.post("/gmail/token", data=form)

    def exchange(self, answer, **changed):
        code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
        return self.token(
            **{
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": REDIRECT,
                "code_verifier": VERIFIER,
                **changed,
            }
        )

    def sign_in(self, **how):
        self.tokens = self.exchange(self.consent(**how)).json
        return self

    def refresh(self):
        return self.token(grant_type="refresh_token", refresh_token=self.tokens["refresh_token"])

    def get(self, path, **query):
        return self.http.get(
            ME + path,
            query_string=query,
            headers={"Authorization": f"Bearer {self.tokens.get('access_token', '')}"},
        )

    def post(self, path, body):
        return self.http.post(
            ME + path, json=body, headers={"Authorization": f"Bearer {self.tokens['access_token']}"}
        )

    def lever(self, name, **given):
        return self.http.post(f"/_levers/gmail/{name}", json=given)

    def first(self, q):
        return self.get("/messages/" + self.get("/messages", q=q).json["messages"][0]["id"]).json


@pytest.fixture
def caller():
    return Caller(create_app(None, {"gmail": SERVICE}))


def reason(answer):
    return answer.json["error"]["errors"][0]["reason"]


# --- authorization ---


def test_a_sign_in_brings_both_tokens_the_granted_scopes_and_who_it_is(caller):
    tokens = caller.sign_in().tokens
    assert tokens["scope"].split() == [
        "openid",
        "https://www.googleapis.com/auth/userinfo.email",
        "https://www.googleapis.com/auth/gmail.modify",
    ]
    assert (
        tokens["access_token"].startswith("ya29.")
        and tokens["refresh_token"].startswith("1//")
        and tokens["expires_in"] == 3599
    )
    payload = tokens["id_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert (claims["iss"], claims["aud"], claims["email"]) == (
        "https://accounts.google.com",
        "sandbox",
        "ap@northwind.example",
    )
    userinfo = caller.http.get(
        "/gmail/v1/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"}
    ).json
    assert userinfo == {"sub": claims["sub"], "email": "ap@northwind.example", "email_verified": True}


def test_a_refresh_brings_no_refresh_token_and_the_old_one_goes_on_working(caller):
    caller.sign_in()
    assert "refresh_token" not in caller.refresh().json
    assert caller.refresh().status_code == 200


def test_a_refresh_token_comes_only_offline_and_at_the_first_consent_or_when_asked(caller):
    assert "refresh_token" not in caller.exchange(caller.consent(access_type="online")).json
    caller = Caller(create_app(None, {"gmail": SERVICE}))
    assert "refresh_token" in caller.exchange(caller.consent(prompt="")).json
    assert "refresh_token" not in caller.exchange(caller.consent(prompt="")).json
    assert "refresh_token" in caller.exchange(caller.consent(prompt="select_account consent")).json


def test_scopes_can_be_unticked(caller):
    caller.sign_in(untick=["https://www.googleapis.com/auth/gmail.modify"])
    assert "gmail" not in caller.tokens["scope"]
    refused = caller.get("/messages")
    assert refused.status_code == 403 and reason(refused) == "insufficientPermissions"
    assert refused.json["error"]["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"


def test_somebody_not_on_the_test_list_stays_on_googles_page(caller):
    answer = caller.consent(account="stranger")
    assert answer.status_code == 403 and "Location" not in answer.headers and b"access_denied" in answer.data


def test_denying_goes_back_with_the_state(caller):
    assert caller.consent(decision="deny").headers["Location"] == REDIRECT + "?error=access_denied&state=s1"


def test_a_code_works_once_with_its_verifier_and_address(caller):
    answer = caller.consent()
    assert caller.exchange(answer).status_code == 200
    assert caller.exchange(answer).json["error"] == "invalid_grant"
    assert caller.exchange(caller.consent(), code_verifier="x" * 50).json["error"] == "invalid_grant"
    assert caller.exchange(caller.consent(), redirect_uri=REDIRECT + "/").json["error"] == "invalid_grant"
    wrong = caller.exchange(caller.consent(), client_secret="no")
    assert wrong.status_code == 401 and wrong.json == {
        "error": "invalid_client",
        "error_description": "The OAuth client was not found.",
    }


def test_the_sign_in_of_an_app_in_testing_dies_after_seven_days_used_or_not(caller):
    caller.sign_in()
    for _ in range(6):
        caller.lever("advance", seconds=86_400)
        assert caller.refresh().status_code == 200
    caller.lever("advance", seconds=86_400 + 1)
    assert caller.refresh().json == {
        "error": "invalid_grant",
        "error_description": "Token has been expired or revoked.",
    }


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_revoking_either_token_ends_everything_of_that_person(caller, kind):
    other = Caller(caller.http.application).sign_in()
    caller.sign_in()
    assert caller.http.post("/gmail/revoke", data={"token": caller.tokens[kind]}).status_code == 200
    assert caller.get("/profile").status_code == other.get("/profile").status_code == 401
    assert caller.refresh().json["error"] == other.refresh().json["error"] == "invalid_grant"
    again = caller.http.post("/gmail/revoke", data={"token": caller.tokens[kind]})
    assert again.status_code == 400 and again.json["error"] == "invalid_token"


# --- reading ---


def test_a_list_holds_ids_only_and_pages(caller):
    caller.sign_in(scope=READ)
    first = caller.get("/messages", maxResults=10).json
    assert len(first["messages"]) == 10 and set(first["messages"][0]) == {"id", "threadId"}
    second = caller.get("/messages", maxResults=500, pageToken=first["nextPageToken"]).json
    assert "nextPageToken" not in second and not {m["id"] for m in first["messages"]} & {
        m["id"] for m in second["messages"]
    }
    assert caller.get("/messages", q="nosuchword").json == {"resultSizeEstimate": 0}
    assert caller.get("/messages", pageToken="123").status_code == 400


def test_ids_and_dates_have_gmails_forms(caller):
    caller.sign_in(scope=READ)
    message = caller.first("from:birch")
    assert (
        re.fullmatch("[0-9a-f]{16}", message["id"])
        and message["internalDate"].isdigit()
        and message["historyId"].isdigit()
    )
    pdf = message["payload"]["parts"][1]
    assert pdf["mimeType"] == "application/pdf" and pdf["partId"] == "1" and "data" not in pdf["body"]
    data = caller.get(f"/messages/{message['id']}/attachments/{pdf['body']['attachmentId']}").json["data"]
    assert "=" not in data and base64.urlsafe_b64decode(data + "==").startswith(b"%PDF-1.4")


def test_an_attachment_id_is_another_at_every_look_and_goes_stale(caller, monkeypatch):
    # not within an hour of a new month, which brings new messages
    moment = sandbox_clock.now().replace(day=15, hour=12)
    monkeypatch.setattr(sandbox_clock, "now", lambda shift=0: moment + timedelta(seconds=shift))
    caller.sign_in(scope=READ)
    one, two = caller.first("from:birch"), caller.first("from:birch")
    ids = [m["payload"]["parts"][1]["body"]["attachmentId"] for m in (one, two)]
    assert ids[0] != ids[1]
    assert caller.get(f"/messages/{one['id']}/attachments/{ids[0]}").status_code == 200
    caller.lever("advance", seconds=3500)
    caller.tokens |= caller.refresh().json
    caller.lever("advance", seconds=200)
    assert caller.get(f"/messages/{one['id']}/attachments/{ids[0]}").status_code == 400


def test_metadata_holds_the_wanted_headers_and_no_parts(caller):
    caller.sign_in(scope=READ)
    id_ = caller.first("from:birch")["id"]
    message = caller.get(f"/messages/{id_}", format="metadata", metadataHeaders=["From", "Subject"]).json
    assert {h["name"] for h in message["payload"]["headers"]} == {
        "From",
        "Subject",
    } and "parts" not in message["payload"]


@pytest.mark.parametrize(
    ("query", "subjects"),
    [
        ("from:birch newer_than:45d", ["Invoice BH-5545"]),
        ("subject:(receipt fair)", ["Fwd: Receipt for the fair"]),
        ('"credit note" -in:sent', ["Re: Payment of INV-1044"]),
        ("filename:csv has:attachment", ["Your weekly statement", "Exports"]),
        ("in:spam", ["You won an invoice"]),
        ("label:clients-acme from:jo newer_than:10d", ["Re: Payment of INV-1044"]),
        ("rfc822msgid:payment-0@acme.example", ["Payment of INV-1044"]),
        ("larger:50K", ["General terms, complete text"]),
        ("is:starred OR in:drafts", ["Question about the last invoice", "Your weekly statement"]),
        ("{from:lottery from:bank} in:anywhere", ["Your weekly statement", "You won an invoice"]),
        ("before:2001/01/01", []),
    ],
)
def test_search_understands(caller, query, subjects):
    caller.sign_in(scope=READ)
    ids = [m["id"] for m in caller.get("/messages", q=query).json.get("messages", [])]
    found = [
        caller.get(f"/messages/{id_}", format="metadata", metadataHeaders="Subject").json["payload"][
            "headers"
        ][0]["value"]
        for id_ in ids
    ]
    assert found == subjects


def test_epoch_seconds_are_exact(caller):
    caller.sign_in(scope=READ)
    message = caller.first("from:birch")
    second = int(message["internalDate"]) // 1000
    assert caller.get("/messages", q=f"from:birch after:{second}").json["messages"][0]["id"] == message["id"]
    assert caller.get("/messages", q=f"from:birch after:{second + 1}").json == {"resultSizeEstimate": 0}


def test_spam_and_trash_are_left_out_unless_asked_for(caller):
    caller.sign_in(scope=READ)
    assert caller.get("/messages", q="prize").json == {"resultSizeEstimate": 0}
    assert caller.get("/messages", q="prize", includeSpamTrash="true").json["resultSizeEstimate"] == 1


# --- writing ---


def raw(text):
    return base64.urlsafe_b64encode(text.encode()).decode()


def test_a_mail_is_sent_from_the_account_whatever_it_says_and_arrives(caller):
    caller.sign_in()
    sent = caller.post(
        "/messages/send",
        {"raw": raw("From: boss@evil.example\r\nTo: charlie@contoso.example\r\nSubject: Hi\r\n\r\nHello")},
    ).json
    assert sent["labelIds"] == ["SENT"] and set(sent) == {"id", "threadId", "labelIds"}
    other = Caller(caller.http.application).sign_in(account="contoso")
    headers = {h["name"]: h["value"] for h in other.first("subject:hi")["payload"]["headers"]}
    assert headers["From"] == "ap@northwind.example"
    assert caller.http.get("/_levers/gmail/log").json["mails"][0]["to"] == ["charlie@contoso.example"]


def test_a_draft_becomes_a_mail_and_is_gone(caller):
    caller.sign_in()
    draft = caller.post(
        "/drafts", {"message": {"raw": raw("To: a@b.example\r\nSubject: Later\r\n\r\nHello")}}
    ).json
    assert draft["id"].startswith("r-") and draft["message"]["labelIds"] == ["DRAFT"]
    assert caller.post("/drafts/send", {"id": draft["id"]}).json["labelIds"] == ["SENT"]
    assert caller.post("/drafts/send", {"id": draft["id"]}).status_code == 404


def test_labels_change_and_unknown_ones_are_refused(caller):
    caller.sign_in()
    id_ = caller.first("is:unread")["id"]
    changed = caller.post(
        f"/messages/{id_}/modify", {"addLabelIds": ["Label_7"], "removeLabelIds": ["UNREAD"]}
    ).json
    assert "Label_7" in changed["labelIds"] and "UNREAD" not in changed["labelIds"]
    assert caller.post(f"/messages/{id_}/modify", {"addLabelIds": ["Label_404"]}).status_code == 400
    assert caller.post(f"/messages/{id_}/modify", {"addLabelIds": ["SENT"]}).status_code == 400


def test_a_reading_sign_in_may_not_write(caller):
    caller.sign_in(scope=READ)
    assert caller.post("/messages/send", {"raw": raw("To: a@b.example\r\n\r\nHello")}).status_code == 403


# --- errors ---


def test_refusals_have_googles_envelope(caller):
    assert reason(caller.get("/profile")) == "authError"
    caller.sign_in()
    assert reason(caller.get("/messages/zz!")) == "invalidArgument"
    assert reason(caller.get("/messages/18f3a1c2d4e5f601")) == "notFound"
    nora = Caller(caller.http.application).sign_in(account="no-mailbox")
    assert nora.get("/profile").json["error"]["message"] == "Mail service not enabled"


def test_the_quota_answers_403_with_the_moment_in_the_sentence(caller):
    caller.sign_in(scope=READ)
    answers = [caller.get("/threads", maxResults=1) for _ in range(30)]
    assert {a.status_code for a in answers} == {200}
    caller.lever("rate_limit", path="/messages", retry_after=7)
    refused = caller.get("/messages")
    assert refused.status_code == 403 and reason(refused) == "userRateLimitExceeded"
    assert re.search(r"Retry after \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z", refused.json["error"]["message"])
    caller.lever("rate_limit", path="/messages")
    assert caller.get("/messages").status_code == 429
    assert caller.get("/messages").status_code == 200


def test_a_person_has_a_quota_per_minute(caller):
    caller.sign_in(scope=WRITE)
    statuses = {caller.post("/messages/send", {"raw": ""}).status_code for _ in range(151)}
    assert statuses == {400, 403}
    caller.lever("advance", seconds=61)
    assert caller.get("/profile").status_code == 200
