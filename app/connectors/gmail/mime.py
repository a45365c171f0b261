"""Reads a message as Gmail sends it: a parsed tree of MIME parts.

A leaf is either the mail's own text or a file; nothing else is left out.
https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages#MessagePart
"""

import base64
import binascii
from collections.abc import Callable, Iterator

from app.connectors.gmail import charsets
from app.connectors.gmail.filenames import clean_filename, filename_of
from app.connectors.gmail.headers import Part, header, parameter
from app.connectors.gmail.html_text import html_to_text
from app.connectors.google import an_object, objects
from app.errors import ProviderUnavailable

__all__ = ["Part", "clean_filename", "filename_of", "header"]

LoadBody = Callable[[str], bytes]  # returns the bytes of an attachment id
Guessed = Callable[[Part, str], None]  # is given a part and the charset that it was read in

_DEEPEST = 30
PDF_TYPES = frozenset(
    ["application/pdf", "application/x-pdf", "application/acrobat", "text/pdf", "text/x-pdf"]
)
_TEXTS = {"text/plain", "text/html"}


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


def charset_of(part: Part) -> str:
    """The charset a part declares, or ""."""
    return parameter(part, "Content-Type", "charset")


def mime_type(part: Part) -> str:
    """The part's type in lower case, such as `application/pdf`."""
    return str(part.get("mimeType") or "text/plain").lower()[:100]


def size(part: Part) -> int:
    """Bytes of a part's content."""
    given = an_object(part.get("body")).get("size")
    return given if isinstance(given, int) else 0


# --- files ------------------------------------------------------------------------------------


def files(payload: Part) -> Iterator[Part]:
    """Every part that is not the mail's own text: attachments, inline images, calendar entries, forwarded
    messages with their texts and files. Many programs give a file no name and no disposition.
    """
    return (part for part, forwarded in _walk(payload) if _is_file(part, forwarded=forwarded))


def texts(payload: Part) -> Iterator[Part]:
    """The parts of the mail's own text, in every version."""
    return (
        part
        for part, forwarded in _walk(payload)
        if _is_text(part) and not _is_file(part, forwarded=forwarded)
    )


def _is_text(part: Part) -> bool:
    return mime_type(part) in _TEXTS and not part.get("parts")


def is_inline(part: Part) -> bool:
    """Whether it is a picture inside the text, such as a logo. Some programs call every file "inline"."""
    return (
        mime_type(part).startswith("image/")
        and _disposition(part) != "attachment"
        and bool(_disposition(part) == "inline" or header(part, "Content-ID"))
    )


def is_pdf(part: Part) -> bool:
    """By type, by name or, for a file without a name, by its first bytes: many senders label a PDF
    application/octet-stream.
    """
    return mime_type(part) in PDF_TYPES or clean_filename(part).lower().endswith(".pdf")


def is_unknown(part: Part) -> bool:
    """Whether a file has neither a name nor a type, so that only its content tells what it is."""
    return mime_type(part) == "application/octet-stream" and not filename_of(part)


def _is_file(part: Part, *, forwarded: bool) -> bool:
    kind = mime_type(part)
    if kind == "message/rfc822" or _is_named(part):
        return True
    is_leaf = (
        isinstance(part.get("body"), dict) and not part.get("parts") and not kind.startswith("multipart/")
    )
    return is_leaf and (kind not in _TEXTS or forwarded)


def _is_named(part: Part) -> bool:
    return bool(filename_of(part)) or _disposition(part) == "attachment"


def _disposition(part: Part) -> str:
    return header(part, "Content-Disposition").split(";", 1)[0].strip().lower()


def _walk(payload: Part) -> Iterator[tuple[Part, bool]]:
    """Every part, and whether it is inside a forwarded message or too deep to be read as the mail's text."""
    waiting = [(payload, 0, False)]
    while waiting:
        part, depth, forwarded = waiting.pop()
        yield part, forwarded or depth > _DEEPEST
        inside = forwarded or mime_type(part) == "message/rfc822"
        waiting += [(child, depth + 1, inside) for child in reversed(objects(part.get("parts")))]


# --- the text of a mail -----------------------------------------------------------------------


def body_text(payload: Part, load: LoadBody, guessed: Guessed = lambda part, charset: None) -> str:
    """The mail's own text: the plain version, else its HTML as text. `load` fetches a text too long to come
    with the message; `guessed` learns of a part whose charset is only a guess.
    """
    return _text(payload, load, guessed, 0).strip()


def _text(part: Part, load: LoadBody, guessed: Guessed, depth: int) -> str:
    kind = mime_type(part)
    if depth > _DEEPEST or (depth and (kind == "message/rfc822" or _is_named(part))):
        return ""
    children = objects(part.get("parts"))
    if kind == "multipart/alternative":
        # RFC 2046 section 5.1.4: versions of the same, plainest first.
        plain = next(
            (
                text
                for child in children
                if mime_type(child) == "text/plain"
                and (text := _text(child, load, guessed, depth + 1)).strip()
            ),
            "",
        )
        return plain or next(
            (
                text
                for child in reversed(children)
                if (text := _text(child, load, guessed, depth + 1)).strip()
            ),
            "",
        )
    if kind.startswith("multipart/"):
        return "\n\n".join(
            text for child in children if (text := _text(child, load, guessed, depth + 1).strip())
        )
    if kind not in _TEXTS:
        return ""
    text, charset, is_guess = charsets.decode(_content(part, load), charset_of(part))
    if is_guess:
        guessed(part, charset)
    return html_to_text(text) if kind == "text/html" else text.replace("\r\n", "\n")


def _content(part: Part, load: LoadBody) -> bytes:
    body = an_object(part.get("body"))
    data, attachment_id = body.get("data"), body.get("attachmentId")
    if data and isinstance(data, str):
        return decode_data(data)
    return load(attachment_id) if attachment_id and isinstance(attachment_id, str) else b""
