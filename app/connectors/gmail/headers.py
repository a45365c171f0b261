"""Headers of a part as Gmail sends them, and the encodings in their values (RFC 2047, RFC 2231)."""

import base64
import binascii
import quopri
import re
from collections.abc import Mapping
from email.message import Message
from typing import Any
from urllib.parse import unquote_to_bytes

from app.connectors.gmail import charsets, iso2022
from app.connectors.google import objects

Part = Mapping[str, Any]

_LONGEST = 4_000
# RFC 2047 section 2, with the language of RFC 2231 section 5; senders also put spaces into the text.
_WORD = re.compile(r"=\?([\w.:-]{1,40})(?:\*[\w-]{0,20})?\?([BbQq])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(?<=\?=)\s+(?==\?)")
_EXTENDED = re.compile(
    r"""^([A-Za-z][\w.:-]{1,39})'[A-Za-z0-9-]{0,20}'(.+)$""", re.DOTALL
)  # RFC 2231 section 4


def header(part: Part, name: str) -> str:
    """The first header of that name, decoded; "" without one."""
    return decoded(raw_header(part, name))


def raw_header(part: Part, name: str) -> str:
    """The first header of that name as it was sent, on one line; "" without one."""
    for entry in objects(part.get("headers")):
        if str(entry.get("name", "")).lower() == name.lower():
            return re.sub(r"[\r\n]+[ \t]*", " ", str(entry.get("value") or "")[:_LONGEST])
    return ""


def parameter(part: Part, header_name: str, name: str) -> str:
    """A parameter of a header, such as `filename`, however it is written; "" without one."""
    message = Message()
    message["X"] = raw_header(part, header_name) or "x"
    try:
        values = [value for key, value in message.get_params([], header="X") if key.lower() == name]
    except (LookupError, ValueError):
        return ""
    # RFC 6266 section 4.3: the extended form beside the plain one is the better one
    for value in sorted(values, key=lambda value: isinstance(value, str)):
        if isinstance(value, tuple):  # RFC 2231: charset, language, percent-decoded text as latin-1
            charset, _, text = value
            return _in_charset(text.encode("latin-1", "replace"), charset or "utf-8")
        return decoded(str(value))
    return ""


def decoded(value: str) -> str:
    """A value with its encoded words and extended values decoded. Broken ones stay as they were sent."""
    value = value[:_LONGEST]
    if extended := _EXTENDED.match(value.strip().strip('"')):
        if _knows(extended[1]):
            return _in_charset(unquote_to_bytes(extended[2]), extended[1])
        return value
    if "=?" not in value:
        return value
    text, waiting, waiting_charset, at = "", b"", "", 0
    value = _BETWEEN_WORDS.sub("", value)  # RFC 2047 section 6.2: the space between two words is not text
    for word in _WORD.finditer(value):
        charset, data = word[1], _word_bytes(word[2], word[3])
        is_next = word.start() == at and charset.lower() == waiting_charset
        if not is_next:  # senders cut a character in two, so neighbours of one charset are joined first
            text += _in_charset(waiting, waiting_charset) + value[at : word.start()]
            waiting = b""
        if data is None or not _knows(charset):
            text += _in_charset(waiting, waiting_charset) + word[0]
            waiting, charset = b"", ""
        else:
            waiting += data
        waiting_charset, at = charset.lower(), word.end()
    return text + _in_charset(waiting, waiting_charset) + value[at:]


def _word_bytes(kind: str, text: str) -> bytes | None:
    if kind in "Qq":
        return quopri.decodestring(text.replace(" ", "_").encode("ascii", "replace"), header=True)
    letters = re.sub(r"[^A-Za-z0-9+/]", "", text)  # senders leave out the padding, or add to it
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4))
    except binascii.Error:
        return None


def _knows(charset: str) -> bool:
    return bool(charsets.codec_of(charset))


def _in_charset(data: bytes, charset: str) -> str:
    if not data:
        return ""
    if charsets.codec_of(charset).startswith("iso2022_jp") and iso2022.is_japanese(data):
        return iso2022.decode(data)
    for each in (charsets.meant_by(charset), "utf-8"):
        try:
            return data.decode(each)
        except (LookupError, ValueError):
            continue
    return data.decode("windows-1252", "replace")
