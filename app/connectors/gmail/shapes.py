"""The arguments and rows that several tools share, and how rows are cut to fit an answer."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import unescape
from typing import Annotated, Any, TypeVar, cast

from pydantic import BaseModel, Field

from app.connectors.api import Api
from app.connectors.gmail import mime
from app.connectors.gmail.wire import MESSAGES, label_ids, text
from app.connectors.google import an_object, read
from app.connectors.rows import Page, Row, size_in_tokens

MessageId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="From a search.")]
MaxResults = Annotated[int, Field(ge=1, le=100, description="At most.")]
PageToken = Annotated[str | None, Field(max_length=200, description="From the page before.")]
PageNumber = Annotated[int, Field(ge=1, le=1_000, description="Which page, from 1.")]

_MOST_UNKNOWN = 3  # files a message
_LARGEST_UNKNOWN = 5 * 1024 * 1024  # bytes
_URL_SAFE = str.maketrans("+/", "-_")
_SHORTER = (500, 250, 120, 60, 30)
_MAX_TOKENS = 16_000
_MAX_ATTACHMENTS = 50
_MAX_LABELS = 20
_IDS = frozenset({"id", "thread_id", "part_id", "body"})

Record = TypeVar("Record", bound=BaseModel)
Item = TypeVar("Item", bound=Row)


class Attachment(Row):
    """A file in a message."""

    part_id: str = Field(
        description="Where the file is in the message; with the message id it names the file for good."
    )
    filename: str = Field(description="The sender's name for it, made safe to save under.")
    mime_type: str
    size: int = Field(description="Bytes.")
    inline: bool = Field(description="Shown inside the text, such as a logo.")


class MessageSummary(Row):
    """A message as a list shows it."""

    id: str
    thread_id: str
    sender: str
    to: str
    subject: str
    received_at: str = Field(description="UTC.")
    snippet: str = Field(description="The first words.")
    labels: list[str] = Field(description="Label ids, such as INBOX, UNREAD, SENT, Label_7.")


class Message(MessageSummary):
    """A message with its text."""

    cc: str
    reply_to: str = Field(description="Where the sender wants answers, when elsewhere.")
    body: str = Field(description="Its text; HTML is made readable.")
    body_length: int = Field(description="Characters of the whole text.")
    body_next_offset: int | None = Field(
        description="Pass as body_offset to read on; null when this is the end."
    )
    attachments: list[Attachment]
    attachments_left_out: int = Field(description="More than were listed here; list them separately.")


def page_of(entries: Sequence[Item], page: int, size: int) -> Page[Item]:
    """One page of a list that Gmail sends whole."""
    end, total = page * size, len(entries)
    return Page(items=list(entries[end - size : end]), next=page + 1 if end < total else None, total=total)


def summary(message: Mapping[str, Any]) -> MessageSummary:
    """A message as a list entry, from any format of it."""
    return MessageSummary(**_summary_fields(message))


def whole(message: Mapping[str, Any], body: str, *, offset: int = 0, room: int = 0) -> Message:
    """A message with `body` from `offset`, cut to `room` characters of JSON."""
    length = fitting_length(body[offset : offset + room], room)
    payload = an_object(message.get("payload"))
    files = [attachment(part) for part in mime.files(payload)]
    return Message(
        **_summary_fields(message),
        cc=mime.header(payload, "Cc"),
        reply_to=mime.header(payload, "Reply-To"),
        body=body[offset : offset + length],
        body_length=len(body),
        body_next_offset=offset + length if offset + length < len(body) else None,
        attachments=files[:_MAX_ATTACHMENTS],
        attachments_left_out=max(0, len(files) - _MAX_ATTACHMENTS),
    )


def attachment(part: mime.Part) -> Attachment:
    """A file as a list entry."""
    return Attachment(
        part_id=text(part, "partId") or "0",
        filename=mime.clean_filename(part),
        mime_type=mime.mime_type(part),
        size=mime.size(part),
        inline=mime.is_inline(part),
    )


def content_of(api: Api, message_id: str, attachment_id: str) -> bytes:
    """The bytes of an attachment id, which is valid only right after its message was fetched."""
    found = read(
        api,
        MESSAGES + "/{id}/attachments/{attachment_id}",
        parts={"id": message_id, "attachment_id": attachment_id},
    )
    return mime.decode_data(text(found, "data"))


def with_unknown_files(api: Api, message_id: str, payload: mime.Part) -> mime.Part:
    """The payload with the content of files that have neither a name nor a type, which tells a PDF."""
    unknown = [part for part in mime.files(payload) if mime.is_unknown(part)]
    for part in unknown[:_MOST_UNKNOWN]:
        body = an_object(part.get("body"))
        if message_id and (id_ := text(body, "attachmentId")) and mime.size(part) <= _LARGEST_UNKNOWN:
            content = content_of(api, message_id, id_)
            cast(dict[str, Any], body)["data"] = mime.encode_base64(content).translate(_URL_SAFE)
    return payload


def _summary_fields(message: Mapping[str, Any]) -> dict[str, Any]:
    payload = an_object(message.get("payload"))
    return {
        "id": text(message, "id"),
        "thread_id": text(message, "threadId"),
        "sender": mime.header(payload, "From"),
        "to": mime.header(payload, "To"),
        "subject": mime.header(payload, "Subject"),
        "received_at": _moment(message.get("internalDate")),
        "snippet": unescape(text(message, "snippet")),  # Gmail sends it escaped for HTML
        "labels": label_ids(message)[:_MAX_LABELS],
    }


def _moment(internal_date: Any) -> str:
    """`internalDate` is epoch milliseconds as text; the Date header is only the sender's claim."""
    try:
        return (
            datetime.fromtimestamp(int(internal_date) / 1000, UTC)
            .isoformat(timespec="seconds")
            .replace("+00:00", "Z")
        )
    except (TypeError, ValueError, OverflowError, OSError):
        return ""


def fitting(records: Sequence[Record], tokens: int = _MAX_TOKENS) -> list[Record]:
    """The records, long strings cut so that all fit into one answer. Ids and bodies stay whole."""
    rows = list(records)
    for longest in _SHORTER:
        rows = [_shortened(row, longest) for row in rows]
        if size_in_tokens([row.model_dump(mode="json") for row in rows]) <= tokens:
            break
    return rows


def fitting_length(text: str, room: int) -> int:
    """How many characters of a text fit `room` characters of JSON, where quotes and line ends take two."""
    length = min(len(text), room)
    while length and (taken := len(json.dumps(text[:length], ensure_ascii=False)) - 2) > room:
        length = length * room // taken
    return length


def _shortened(row: Record, longest: int) -> Record:
    cut: dict[str, Any] = {}
    for name, value in row:
        if isinstance(value, str) and len(value) > longest and name not in _IDS:
            cut[name] = value[: longest - 1] + "…"
        elif isinstance(value, list):
            cut[name] = [
                _shortened(entry, longest) if isinstance(entry, BaseModel) else entry for entry in value
            ]
    return row.model_copy(update=cut)
