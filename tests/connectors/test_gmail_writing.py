"""Gmail over real HTTP: drafts, sending, labels. At most one mail, and only what was written."""

import base64
from email import message_from_bytes
from email.policy import default
from types import SimpleNamespace

import pytest

from app.connectors.gmail import CONNECTOR, composing
from app.errors import InvalidArguments, ObjectNotFound, OutcomeUnknown, PermissionDenied
from tests.support.gmail import call, find


def source_of(api, message_id):
    found = api.get("/gmail/v1/users/me/messages/{id}", parts={"id": message_id}, params={"format": "raw"})
    return base64.urlsafe_b64decode(found["raw"] + "==")


def sent_mail(google, api, message_id):
    return message_from_bytes(source_of(api, message_id), policy=default)


def test_a_mail_goes_out_once_with_what_was_written(google, mailbox):
    sent = call(
        mailbox,
        "send_message",
        to=["Jörg Müller <jo@acme.example>", "x@y.example"],
        cc=["c@y.example"],
        subject="Größe – 5 €",
        body="Grüße\nan alle",
    )
    mail = sent_mail(google, mailbox, sent["message_id"])
    assert mail["To"] == "Jörg Müller <jo@acme.example>, x@y.example" and mail["Subject"] == "Größe – 5 €"
    assert (
        mail["From"] == "ap@northwind.example"
        and mail.get_content().replace("\r\n", "\n") == "Grüße\nan alle\n"
    )
    assert len(google.log()["mails"]) == 1


def test_html_mail_carries_a_readable_version(google, mailbox):
    sent = call(
        mailbox,
        "send_message",
        to=["a@b.example"],
        subject="Hi",
        body="<p>Hello <b>you</b></p>",
        body_type="html",
    )
    mail = sent_mail(google, mailbox, sent["message_id"])
    assert mail.get_body(("plain",)).get_content().strip() == "Hello you"
    assert "<b>you</b>" in mail.get_body(("html",)).get_content()


def test_a_reply_stays_in_its_conversation(google, mailbox):
    original = call(mailbox, "search_messages", query="subject:payment from:jo")["items"][0]
    draft = call(
        mailbox, "create_draft", to=["jo@acme.example"], body="Thanks", reply_to_message_id=original["id"]
    )
    assert draft["thread_id"] == original["thread_id"]
    mail = sent_mail(google, mailbox, draft["message_id"])
    assert mail["Subject"] == "Re: Payment of INV-1044" and mail["In-Reply-To"] == "<payment-2@acme.example>"
    assert mail["References"].split() == [f"<payment-{n}@acme.example>" for n in range(3)]
    assert google.log()["mails"] == []
    assert call(mailbox, "send_draft", draft_id=draft["draft_id"])["thread_id"] == original["thread_id"]
    assert len(google.log()["mails"]) == 1
    with pytest.raises(ObjectNotFound):
        call(mailbox, "send_draft", draft_id=draft["draft_id"])


@pytest.mark.parametrize(
    ("entry", "people"),
    [
        ("Doe, John <a@b.example>", ["Doe, John <a@b.example>"]),
        ('"Doe, John" <a@b.example>', ["Doe, John <a@b.example>"]),
        ("a@b.example, c@d.example", ["a@b.example", "c@d.example"]),
        ("a@b.example; Doe, John <c@d.example>", ["a@b.example", "Doe, John <c@d.example>"]),
        ('Ann <a@b.example>, "Roe, J" <r@b.example>', ["Ann <a@b.example>", "Roe, J <r@b.example>"]),
        ("a@b.example <a@b.example>", ["a@b.example <a@b.example>"]),
        ("O'Neill, Pat <p@b.example>", ["O'Neill, Pat <p@b.example>"]),
        ("Jörg <j@bücher.example>", ["Jörg <j@xn--bcher-kva.example>"]),
    ],
)
@pytest.mark.parametrize("field", ["to", "cc", "bcc"])
def test_recipients_are_read_as_people_write_them(google, mailbox, entry, people, field):
    mail = {"to": ["first@b.example"], "subject": "Hi", "body": "Hello", field: [entry]}
    sent = sent_mail(google, mailbox, call(mailbox, "create_draft", **mail)["message_id"])
    assert [
        f"{a.display_name} <{a.addr_spec}>" if a.display_name else a.addr_spec for a in sent[field].addresses
    ] == people


def test_letters_before_the_at_sign_are_sent_as_they_are(mailbox):
    mail = {"to": ["Jörg <jörg@b.example>"], "subject": "Größe", "body": "Hello"}
    source = source_of(mailbox, call(mailbox, "create_draft", **mail)["message_id"])
    assert "Jörg <jörg@b.example>".encode() in source and "Größe".encode() in source


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "Hi\r\nBcc: evil@evil.example"},
        {"subject": "Hi\nX: y"},
        {"subject": "Hi\u2028X: y"},
        {"subject": "=?utf-8?q?Hi=0d=0aBcc:_evil@evil.example?="},
        {"subject": "=?utf-8?b?DQpCY2M6IGV2aWxAZXZpbC5leGFtcGxl?= Hi"},
        {"to": ["=?utf-8?q?Ann=0d=0aBcc:_evil@evil.example?= <a@b.example>"]},
        {"to": ['"=\\?utf-8?q?Ann=0d=0aBcc:_evil@evil.example?=" <a@b.example>']},
        {"to": ["a@b.example\r\nBcc: evil@evil.example"]},
        {"to": ["Ann\n <a@b.example>"]},
        {"cc": ["not an address"]},
        {"bcc": ["a@b.example, nobody"]},
        {"to": ["Ann <a@b.example"]},
        {"to": ["Ann <a@b.example> Bob"]},
        {"to": ["Doe, John a@b.example"]},
        {"to": ["Team: a@b.example;"]},
        {"to": [", ".join(f"p{n}@b.example" for n in range(501))]},
        {"to": []},
        {"subject": None},
        {"to": ["a@"]},
        {"body": "x" * 100_001},
        {"subject": "\ud800"},
        {"extra": 1},
    ],
)
def test_what_could_smuggle_a_header_or_is_no_address_is_refused(google, mailbox, change):
    good = {"to": ["a@b.example"], "subject": "Hi", "body": "Hello"}
    with pytest.raises(InvalidArguments):
        call(mailbox, "send_message", **{**good, **change})
    assert google.log()["mails"] == []
    call(mailbox, "send_message", **good)
    assert len(google.log()["mails"]) == 1


WORD = "=?utf-8?q?=0d=0aBcc:_evil@evil.example?="


@pytest.mark.parametrize(
    "original",
    [
        {"Subject": f"=?utf-8?b?{base64.b64encode(WORD.encode()).decode()}?="},
        {"Subject": f"Offer {WORD}", "Message-ID": "<1@evil.example>"},
        {"Subject": "Offer", "Message-ID": f"<x{WORD}>"},
        {"Subject": "Offer", "Message-ID": "<1@evil.example>", "References": f"<x{WORD}> <2@evil.example>"},
    ],
    ids=["subject", "inner", "id", "references"],
)
def test_a_reply_takes_no_header_from_the_mail_it_answers(original):
    headers = [{"name": name, "value": value} for name, value in original.items()]
    api = SimpleNamespace(get=lambda *_, **__: {"threadId": "t", "payload": {"headers": headers}})
    reply = composing.find_reply(api, "1")
    made = composing.compose(to=["a@b.example"], subject=None, body="x", body_type="text", reply=reply)
    mail = message_from_bytes(base64.urlsafe_b64decode(made["raw"]), policy=default)
    assert mail["Bcc"] is None and mail["To"] == "a@b.example" and mail.get_content().strip() == "x"


def test_a_lost_answer_is_not_sent_again(google, mailbox):
    google.lever("drop", path="/messages/send", when="after")
    with pytest.raises(OutcomeUnknown, match="may or may not"):
        call(mailbox, "send_message", to=["a@b.example"], subject="Hi", body="Hello")
    assert len(google.log()["mails"]) == 1


def test_a_failing_send_is_not_tried_again(google, mailbox):
    google.lever("fail", path="/messages/send", status=503, times=5)
    with pytest.raises(OutcomeUnknown):
        call(mailbox, "send_message", to=["a@b.example"], subject="Hi", body="Hello")
    assert [r["path"] for r in google.log()["requests"]].count("/gmail/v1/users/me/messages/send") == 1


def test_labels_change(mailbox):
    id_ = find(mailbox, "is:unread from:birch")
    changed = call(
        mailbox, "modify_labels", message_id=id_, add_label_ids=["STARRED"], remove_label_ids=["UNREAD"]
    )
    assert "STARRED" in changed["labels"] and "UNREAD" not in changed["labels"]
    with pytest.raises(InvalidArguments, match="gmail_list_labels"):
        call(mailbox, "modify_labels", message_id=id_, add_label_ids=["Label_404"])
    for nothing in ({}, {"add_label_ids": ["STARRED"], "remove_label_ids": ["STARRED"]}):
        with pytest.raises(InvalidArguments):
            call(mailbox, "modify_labels", message_id=id_, **nothing)


def test_a_reading_sign_in_cannot_write(google):
    api = google.mailbox(scopes=CONNECTOR.auth.read_scopes)
    assert call(api, "search_messages", max_results=1)["items"]
    with pytest.raises(PermissionDenied, match="Reconnect Gmail"):
        call(api, "send_message", to=["a@b.example"], subject="Hi", body="Hello")
    assert google.log()["mails"] == [] and api.tokens.renewals == 0
