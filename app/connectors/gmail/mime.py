"""Reads a message as Gmail sends it: a parsed tree of MIME parts.

https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages#MessagePart
"""

import base64
import binascii
import mimetypes
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from typing import Any

from app.connectors.gmail.html_text import html_to_text
from app.connectors.google import an_object, objects
from app.errors import ProviderUnavailable

Part = Mapping[str, Any]
LoadBody = Callable[[str], bytes]  # returns the bytes of an attachment id

_DEEPEST = 30
_LONGEST_HEADER = 4_000
_LONGEST_NAME = 150
_RESERVED_NAME = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def header(part: Part, name: str) -> str:
    """The first header of that name with encoded words (RFC 2047) decoded; "" without one."""
    for entry in objects(part.get("headers")):
        if str(entry.get("name", "")).lower() == name.lower():
            return _decoded(str(entry.get("value", ""))[:_LONGEST_HEADER])
    return ""


def _decoded(value: str) -> str:
    if "=?" not in value:
        return value
    try:
        return str(make_header(decode_header(value)))
    except (MessageError, LookupError, ValueError):
        return value  # an unknown charset or broken encoding: as it was sent


def decode_data(data: str) -> bytes:
    """The bytes of base64url text, padded or not (RFC 4648 section 5). Raises ProviderUnavailable."""
    try:
        return base64.urlsafe_b64decode(data + "=" * (-len(data) % 4))
    except (binascii.Error, ValueError):
        raise ProviderUnavailable(
            "Gmail sent content that could not be read. Please try again later."
        ) from None


def encode_base64(data: bytes) -> str:
    """Plain base64, as AI clients and programs expect it."""
    return base64.b64encode(data).decode()


def decode_text(data: bytes, charset: str) -> str:
    """The text of a part. Gmail sends most text as UTF-8 whatever the part declares, so UTF-8 comes first.

    Declared charsets whose bytes are valid UTF-8 (ISO-2022, UTF-7, UTF-16) come before it.
    """
    charset = charset.lower()
    if charset.startswith(("iso-2022", "utf-7", "utf-16", "utf-32", "hz")) and (
        b"\x1b" in data or b"\0" in data or b"+" in data or b"~" in data
    ):
        guesses = (charset, "utf-8")
    else:
        guesses = ("utf-8", charset)
    for guess in guesses:
        try:
            return data.decode(guess or "utf-8")
        except (LookupError, ValueError):
            continue
    return data.decode("utf-8", "replace")


def charset_of(part: Part) -> str:
    """The charset a part declares, or ""."""
    declared = Message()
    declared["Content-Type"] = re.sub(r"[\r\n]+", " ", header(part, "Content-Type")) or "text/plain"
    return str(declared.get_content_charset("")) if "*" not in declared["Content-Type"] else ""


def mime_type(part: Part) -> str:
    """The part's type in lower case, such as `application/pdf`."""
    return str(part.get("mimeType") or "text/plain").lower()[:100]


def size(part: Part) -> int:
    """Bytes of a part's content."""
    given = an_object(part.get("body")).get("size")
    return given if isinstance(given, int) else 0


# --- attachments ------------------------------------------------------------------------------


def attachment_parts(payload: Part) -> Iterator[Part]:
    """Every part that is a file: attachments, inline images, forwarded messages and the files in those."""
    for part in _walk(payload):
        if is_attachment(part):
            yield part


def is_attachment(part: Part) -> bool:
    """Whether a part is a file, not the mail's text or structure."""
    return (
        bool(part.get("filename"))
        or mime_type(part) == "message/rfc822"
        or _disposition(part) == "attachment"
    )


def is_inline(part: Part) -> bool:
    """Whether a file appears inside the text, as logos in signatures do."""
    return _disposition(part) == "inline" or bool(
        header(part, "Content-ID") and _disposition(part) != "attachment"
    )


def clean_filename(part: Part) -> str:
    """A name that is safe to save under: the stranger's name without folders, tricks or reserved names."""
    name = re.split(r"[/\\]", _decoded(str(part.get("filename") or "")[:_LONGEST_HEADER]))[-1]
    name = "".join("_" if c in '<>:"|?*' else c for c in name if unicodedata.category(c)[0] != "C")
    name = name.strip().lstrip(".").strip()
    if not name:
        kind = mime_type(part)
        name = (
            "forwarded-message.eml"
            if kind == "message/rfc822"
            else f"attachment-{part.get('partId') or 0}{mimetypes.guess_extension(kind) or ''}"
        )
    if _RESERVED_NAME.match(name):
        name = "_" + name
    stem, dot, extension = name.rpartition(".")
    if len(name) > _LONGEST_NAME and dot and len(extension) <= 10:
        return stem[: _LONGEST_NAME - len(extension) - 1] + "." + extension
    return name[:_LONGEST_NAME]


def is_pdf(part: Part) -> bool:
    """By type or by name: many senders label a PDF application/octet-stream."""
    return mime_type(part) == "application/pdf" or clean_filename(part).lower().endswith(".pdf")


def _disposition(part: Part) -> str:
    return header(part, "Content-Disposition").split(";", 1)[0].strip().lower()


def _walk(part: Part, depth: int = 0) -> Iterator[Part]:
    yield part
    if depth < _DEEPEST:
        for child in objects(part.get("parts")):
            yield from _walk(child, depth + 1)


# --- the text of a mail -----------------------------------------------------------------------


def body_text(payload: Part, load: LoadBody | None = None) -> str:
    """The mail's own text: the plain version, else its HTML as text.

    `load` fetches a text too long to come with the message; without it such a text is "".
    """
    return _text(payload, load, 0).strip()


def _text(part: Part, load: LoadBody | None, depth: int) -> str:
    kind = mime_type(part)
    if depth > _DEEPEST or (is_attachment(part) and depth):
        return ""
    children = objects(part.get("parts"))
    if kind == "multipart/alternative":
        # RFC 2046 section 5.1.4: versions of the same, plainest first.
        plain = next(
            (
                text
                for child in children
                if mime_type(child) == "text/plain" and (text := _text(child, load, depth + 1)).strip()
            ),
            "",
        )
        return plain or next(
            (text for child in reversed(children) if (text := _text(child, load, depth + 1)).strip()), ""
        )
    if kind.startswith("multipart/"):
        return "\n\n".join(text for child in children if (text := _text(child, load, depth + 1).strip()))
    if kind not in {"text/plain", "text/html"}:
        return ""
    text = decode_text(_content(part, load), charset_of(part))
    return html_to_text(text) if kind == "text/html" else text.replace("\r\n", "\n")


def _content(part: Part, load: LoadBody | None) -> bytes:
    body = an_object(part.get("body"))
    if body.get("data"):
        return decode_data(str(body["data"]))
    return load(str(body["attachmentId"])) if load and body.get("attachmentId") else b""
