"""A stored mail (raw bytes and a search index) and its Message resource (a tree of parts)."""

import base64
import binascii
import html
import json
import re
import secrets
from collections.abc import Iterable, Iterator
from datetime import datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.policy import compat32
from typing import Any

from app.sandbox.services.gmail.search import words_of
from app.sandbox.store import Book, Record

_LONGEST_INLINE = 50_000  # bytes of text that the message still contains
_ATTACHMENT_ID_SECONDS = 3600
_SNIPPET = 200


def store(
    book: Book, raw: bytes, at: datetime, labels: Iterable[str], thread_id: str | None = None
) -> Record:
    """Store a mail under a new id, made from its time like Gmail's."""
    mail = message_from_bytes(raw, policy=compat32)
    milliseconds = int(at.timestamp() * 1000)
    id_ = f"{(milliseconds << 20 | book.new_id('message') & 0xFFFFF):016x}"
    record = {
        "id": id_,
        "threadId": thread_id or id_,
        "labelIds": list(labels),
        "internalDate": str(milliseconds),
        "historyId": str(900_000 + book.new_id("history")),
        "raw": base64.b64encode(raw).decode(),
        **_index(mail, len(raw)),
    }
    return book.put("message", id_, record)


def _index(mail: Message, size: int) -> Record:
    """The search index of a mail."""
    text = " ".join(_texts(mail))
    # Gmail's page calls a file without a name "noname"; `filename:` searches types, too.
    filenames = [
        _filename(part) or f"noname.{part.get_content_subtype()}"
        for part in mail.walk()
        if _filename(part) or part.get_content_maintype() not in {"text", "multipart", "message"}
    ]
    fields = {name: decoded(str(mail.get(name, ""))) for name in ("from", "to", "cc", "subject")}
    words = {name: words_of(value) for name, value in fields.items()}
    everything = " ".join([*fields.values(), text, *filenames])
    return {
        "size": size,
        "snippet": html.escape(" ".join(text.split())[:_SNIPPET], quote=True).replace("&#x27;", "&#39;"),
        "filenames": filenames,
        "message_id": str(mail.get("message-id", "")),
        "words": {**words, "text": words_of(everything)},
    }


def _texts(mail: Message) -> Iterator[str]:
    kinds = [part for part in mail.walk() if part.get_content_maintype() == "text" and not _filename(part)]
    plain = [part for part in kinds if part.get_content_type() == "text/plain"] or kinds
    for part in plain:
        text = _bytes_of(part).decode(part.get_content_charset("utf-8"), "replace")
        yield (
            text
            if part.get_content_type() == "text/plain"
            else re.sub(r"<(style|head).*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL)
        )


# --- the Message resource ---


def message_resource(
    record: Record, format: str, wanted_headers: Iterable[str], now: datetime
) -> dict[str, Any]:
    """The Message resource in one of Gmail's formats."""
    message: dict[str, Any] = {name: record[name] for name in ("id", "threadId", "labelIds", "snippet")}
    message |= {
        "sizeEstimate": record["size"],
        "historyId": record["historyId"],
        "internalDate": record["internalDate"],
    }
    if format == "raw":
        return {**message, "raw": to_base64url(base64.b64decode(record["raw"]))}
    if format == "minimal":
        return message
    mail = message_from_bytes(base64.b64decode(record["raw"]), policy=compat32)
    if format == "metadata":
        names = {name.lower() for name in wanted_headers}
        headers = [h for h in _headers(mail) if not names or h["name"].lower() in names]
        return {**message, "payload": {"mimeType": mail.get_content_type(), "headers": headers}}
    return {**message, "payload": _part(mail, "", record["id"], now)}


def _part(part: Message, part_id: str, message_id: str, now: datetime) -> dict[str, Any]:
    filename = _filename(part)
    message_resource: dict[str, Any] = {
        "partId": part_id,
        "mimeType": part.get_content_type(),
        "filename": filename,
        "headers": _headers(part),
    }
    children = part.get_payload() if part.is_multipart() else []
    if children and isinstance(children, list):
        message_resource["body"] = {"size": 0}
        prefix = part_id + "." if part_id else ""
        message_resource["parts"] = [
            _part(child, f"{prefix}{n}", message_id, now)
            for n, child in enumerate(children)
            if isinstance(child, Message)
        ]
        return message_resource
    data = _bytes_of(part)
    message_resource["body"] = {"size": len(data)}
    if filename or len(data) > _LONGEST_INLINE or part.get_content_maintype() not in {"text"}:
        message_resource["body"]["attachmentId"] = _attachment_id(message_id, part_id, now)
    elif data:
        message_resource["body"]["data"] = to_base64url(data)
    return message_resource


def _headers(part: Message) -> list[dict[str, str]]:
    return [
        {"name": name, "value": re.sub(r"\r?\n[ \t]+", " ", str(value))} for name, value in part.raw_items()
    ]


def _filename(part: Message) -> str:
    return decoded(part.get_filename() or "")


def _bytes_of(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def decoded(value: str) -> str:
    """A header with its encoded words (RFC 2047) decoded."""
    return str(make_header(decode_header(value))) if "=?" in value else value


# --- attachments: every response has a new id, which expires after an hour ---


def _attachment_id(message_id: str, part_id: str, now: datetime) -> str:
    where = json.dumps([message_id, part_id, int(now.timestamp()), secrets.token_hex(8)]).encode()
    return "ANGjdJ" + to_base64url(where)


def attachment(record: Record, attachment_id: str, now: datetime) -> bytes | None:
    """The bytes of an attachment of this message, or None for a wrong or expired id."""
    try:
        message_id, part_id, at, _ = json.loads(from_base64url(attachment_id.removeprefix("ANGjdJ")))
    except ValueError:
        return None
    if message_id != record["id"] or now.timestamp() - at > _ATTACHMENT_ID_SECONDS:
        return None
    part = message_from_bytes(base64.b64decode(record["raw"]), policy=compat32)
    for step in part_id.split(".") if part_id else ():
        children = part.get_payload()
        child = children[int(step)] if isinstance(children, list) and int(step) < len(children) else None
        if not isinstance(child, Message):
            return None
        part = child
    return _bytes_of(part)


def to_base64url(data: bytes) -> str:
    """RFC 4648 section 5, without padding, as Gmail often sends it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """The bytes of base64url, padded or not. Raises ValueError."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError("not base64url") from None
