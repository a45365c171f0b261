"""Composes an email: checked recipients, safe headers, replies in their thread."""

import base64
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, Literal

from app.connectors.api import Api
from app.connectors.gmail.addresses import addresses
from app.connectors.gmail.headers import header
from app.connectors.gmail.html_text import html_to_text
from app.connectors.gmail.wire import MESSAGES, text
from app.connectors.google import an_object, read
from app.errors import InvalidArguments

# RFC 5322 2.1.1 allows 998 characters per line; below that Python encodes long message ids, which breaks
# threads.
_POLICY = SMTP.clone(max_line_length=998)
# Python decodes an encoded word (RFC 2047) in a header it is given, and writes the line breaks it may hold.
_MESSAGE_ID = re.compile(r"<(?:(?!=\?)[!-;=?-~]){1,250}>")
_ENCODED_WORD = re.compile(r"=\?[^?]*\?[BbQq]\?")
_REPLY_MARK = re.compile(r"^\s*((re|aw|sv|antw|tr|fwd?|wg)\s*(\[\d+\])?\s*:\s*)+", re.IGNORECASE)
_MOST_REFERENCES = 30
_MOST_RECIPIENTS = 500  # https://support.google.com/a/answer/166852


@dataclass(frozen=True)
class ReplyContext:
    """What a reply needs to stay in its conversation."""

    thread_id: str
    message_id: str
    references: tuple[str, ...]
    subject: str
    sender: str = ""


def find_reply(api: Api, message_id: str) -> ReplyContext:
    """The conversation of the message to reply to. Raises ObjectNotFound for an unknown id."""
    params = [
        ("format", "metadata"),
        *(
            ("metadataHeaders", name)
            for name in ("Message-ID", "References", "In-Reply-To", "Subject", "From")
        ),
    ]
    message = read(api, MESSAGES + "/{id}", parts={"id": message_id}, params=params)
    payload = an_object(message.get("payload"))
    own = _MESSAGE_ID.findall(header(payload, "Message-ID"))[:1]
    # RFC 5322 3.6.4: the parent's References, or its In-Reply-To, and then the parent itself.
    earlier = (
        _MESSAGE_ID.findall(header(payload, "References"))
        or _MESSAGE_ID.findall(header(payload, "In-Reply-To"))[:1]
    )
    references = tuple(dict.fromkeys([*earlier, *own]))
    if len(references) > _MOST_REFERENCES:
        references = (references[0], *references[1 - _MOST_REFERENCES :])
    return ReplyContext(
        text(message, "threadId"),
        own[0] if own else "",
        references,
        header(payload, "Subject"),
        header(payload, "From"),
    )


def compose(
    *,
    to: Sequence[str],
    cc: Sequence[str] = (),
    bcc: Sequence[str] = (),
    subject: str | None,
    body: str,
    body_type: Literal["text", "html"],
    reply: ReplyContext | None = None,
) -> dict[str, Any]:
    """The `Message` resource for Gmail: the raw mail and, for a reply, its thread.

    It has no `From`: Gmail always puts the account's address there. Raises InvalidArguments.
    """
    if subject is None and reply is None:
        raise InvalidArguments("Give a subject; it may be left out only when replying.")
    mail = EmailMessage(policy=_POLICY)
    everybody: list[Address] = []
    for name, people in (("To", to), ("Cc", cc), ("Bcc", bcc)):
        listed = [address for person in people for address in addresses(_one_line(person))]
        for address in listed:
            _one_line(address.display_name)  # without the backslashes of a quoted name
        everybody += listed
        if listed:
            mail[name] = listed
    if len(everybody) > _MOST_RECIPIENTS:
        raise InvalidArguments(f"An email can have at most {_MOST_RECIPIENTS} recipients.")
    mail["Subject"] = _one_line(subject_of(subject, reply))
    if reply and reply.message_id:
        mail["In-Reply-To"] = reply.message_id
        mail["References"] = " ".join(reply.references)
    if body_type == "html":
        mail.set_content(html_to_text(body))
        mail.add_alternative(body, subtype="html")
    else:
        mail.set_content(body)
    # RFC 6532: letters such as ö before the @ are sent as they are; an encoded word there is no address.
    policy = _POLICY.clone(utf8=not all(address.username.isascii() for address in everybody))
    message: dict[str, Any] = {"raw": base64.urlsafe_b64encode(mail.as_bytes(policy=policy)).decode()}
    # Gmail does not thread a mail with a different subject.
    if reply and reply.thread_id and _bare(str(mail["Subject"])) == _bare(reply.subject):
        message["threadId"] = reply.thread_id
    return message


def subject_of(subject: str | None, reply: ReplyContext | None) -> str:
    """The subject it goes out with: the one given, else that of the message it answers."""
    return subject if subject is not None else _reply_subject(reply)


def _one_line(text: str) -> str:
    """Raises InvalidArguments for what could start another header, instead of repairing it silently."""
    if any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in text):
        raise InvalidArguments("Subjects and recipients must be a single line without control characters.")
    if _ENCODED_WORD.search(text):
        raise InvalidArguments("Write subjects and recipients as plain text, without encoded words (=?…?=).")
    return text


def _reply_subject(reply: ReplyContext | None) -> str:
    """The subject with "Re:" in front. A stranger chose it: no control characters and no encoded words."""
    letters = (c if unicodedata.category(c)[0] != "C" else " " for c in (reply.subject if reply else ""))
    subject = _ENCODED_WORD.sub(lambda word: "= " + word[0][1:], " ".join("".join(letters).split()))
    return subject if subject.lower().startswith("re:") else f"Re: {subject}"


def _bare(subject: str) -> str:
    """A subject as conversations are compared by."""
    return " ".join(_REPLY_MARK.sub("", subject).split()).lower()


def sent_ids(message: Mapping[str, Any]) -> dict[str, str]:
    """The message and thread id in Gmail's answer."""
    return {"message_id": text(message, "id"), "thread_id": text(message, "threadId")}
