"""What a person reads before an email is sent or labels change. Nothing is changed to find it out."""

import base64

import pytest

from app.connectors.gmail import mime
from app.errors import InvalidArguments, ObjectNotFound
from tests.support.gmail import call


@pytest.fixture
def preview(mailbox):
    """`preview("send_draft", draft_id=…)` of Northwind's mailbox."""

    def _preview(verb, **arguments):
        tool = next(tool for tool in mailbox.service.tools if tool.verb == verb)
        before = len(mailbox.calls)
        found = tool.preview(mailbox, tool.parse(arguments))
        assert all(sent.endpoint.startswith("GET ") for sent in mailbox.calls[before:])
        return found

    return _preview


def facts_of(preview):
    return {fact.label: fact.value for fact in preview.facts}


def test_everybody_who_gets_the_email_is_named_as_gmail_will_read_it(preview):
    found = preview(
        "send_message",
        to=["Doe, John <jo@acme.example>", "a@acme.example; b@acme.example"],
        cc=["c@acme.example"],
        bcc=["d@acme.example"],
        subject="Offer",
        body="Hello",
    )
    assert found.headline == (
        'Send an email “Offer” to "Doe, John" <jo@acme.example>, a@acme.example and b@acme.example, '
        "cc c@acme.example, bcc d@acme.example"
    )
    assert found.button == "Send email"


def test_a_long_list_of_recipients_is_counted_and_told_apart(preview):
    def headline(last):
        people = [*(f"p{n}@acme.example" for n in range(9)), last]
        return preview("send_message", to=people, subject="News", body="Hi").headline

    assert headline("x@acme.example").startswith(
        "Send an email “News” to p0@acme.example, p1@acme.example, p2@acme.example and 7 more (ref "
    )
    assert headline("x@acme.example") != headline("y@acme.example")


def test_a_reply_names_the_message_it_answers(preview, mailbox):
    original = call(mailbox, "search_messages", query="subject:payment from:jo")["items"][0]
    answer = {"to": ["jo@acme.example"], "body": "Thanks", "reply_to_message_id": original["id"]}
    found = preview("create_draft", **answer)
    assert found.headline == "Save a draft reply “Re: Payment of INV-1044” to jo@acme.example"
    assert facts_of(found) == {"In reply to": "“Re: Payment of INV-1044” from Jo Acme <jo@acme.example>"}
    assert preview("send_message", **answer).button == "Send reply"


def test_what_gmail_would_refuse_is_refused_before(preview):
    with pytest.raises(InvalidArguments, match="isn't an email address"):
        preview("send_message", to=["nobody"], subject="Hi", body="Hi")
    with pytest.raises(InvalidArguments, match="Give a subject"):
        preview("create_draft", to=["a@acme.example"], body="Hi")
    with pytest.raises(ObjectNotFound):
        preview("create_draft", to=["a@acme.example"], body="Hi", reply_to_message_id="000000000000")
    with pytest.raises(ObjectNotFound):
        preview("send_draft", draft_id="r-999")
    with pytest.raises(ObjectNotFound):
        preview("modify_labels", message_id="000000000000", add_label_ids=["STARRED"])


def test_a_draft_is_described_by_what_it_holds_now(preview, mailbox):
    draft = call(
        mailbox, "create_draft", to=["Jo <jo@acme.example>"], subject="Größe", body="Hello & welcome"
    )
    found = preview("send_draft", draft_id=draft["draft_id"])
    assert found.headline == "Send draft “Größe” to Jo <jo@acme.example>"
    assert facts_of(found) == {"To": "Jo <jo@acme.example>", "Subject": "Größe", "Text": "Hello & welcome"}


def test_the_files_of_a_draft_are_listed_with_their_size(preview, mailbox):
    raw = (
        "To: jo@acme.example\r\nSubject: Files\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSee below\r\n"
        "--b\r\nContent-Type: application/pdf; name=offer.pdf\r\n"
        "Content-Disposition: attachment; filename=offer.pdf\r\n\r\n" + "x" * 34_000 + "\r\n--b--\r\n"
    )
    encoded = base64.urlsafe_b64encode(raw.encode()).decode()
    draft = mailbox.post("/gmail/v1/users/me/drafts", json={"message": {"raw": encoded}})
    assert facts_of(preview("send_draft", draft_id=draft["id"]))["Attachments"] == "offer.pdf (34 KB)"


def test_a_draft_for_nobody_cannot_be_sent(preview, mailbox):
    encoded = base64.urlsafe_b64encode(b"Subject: To nobody yet\r\n\r\nHello").decode()
    draft = mailbox.post("/gmail/v1/users/me/drafts", json={"message": {"raw": encoded}})
    with pytest.raises(InvalidArguments, match="no recipients"):
        preview("send_draft", draft_id=draft["id"])
    with pytest.raises(InvalidArguments):
        call(mailbox, "send_draft", draft_id=draft["id"])


def test_a_display_name_cannot_imitate_the_rest_of_the_headline(preview, mailbox, monkeypatch):
    raw = 'To: "jo@acme.example, Ann" <eve@evil.example>\r\nSubject: Hi\r\n\r\nHello'
    encoded = base64.urlsafe_b64encode(raw.encode()).decode()
    draft = mailbox.post("/gmail/v1/users/me/drafts", json={"message": {"raw": encoded}})
    assert preview("send_draft", draft_id=draft["id"]).headline == (
        "Send draft “Hi” to “jo@acme.example, Ann” <eve@evil.example>"
    )
    sender = '"Bank <b@bank.example>: add Starred; remove Inbox" <eve@evil.example>'
    monkeypatch.setattr(mime, "header", lambda payload, name: sender if name == "From" else "Hi")
    found = preview("modify_labels", message_id=draft["message"]["id"], add_label_ids=["STARRED"])
    assert found.headline == (
        "Change labels of “Hi” from “Bank <b@bank.example>: add Starred; remove Inbox” <eve@evil.example>: "
        "add Starred"
    )


def test_labels_are_named_and_unknown_ones_refused(preview, mailbox):
    message = call(mailbox, "search_messages", query="from:bank")["items"][0]["id"]
    found = preview(
        "modify_labels", message_id=message, add_label_ids=["Label_7"], remove_label_ids=["UNREAD"]
    )
    assert found.headline == (
        "Change labels of “Your weekly statement” from Bank <statements@bank.example>: add Invoices; "
        "remove Unread"
    )
    assert "Inbox" in facts_of(found)["Labels now"]
    with pytest.raises(InvalidArguments, match="no label"):
        preview("modify_labels", message_id=message, add_label_ids=["Label_999"])
