"""The text in a stranger's bytes, without losing a character: no byte ever becomes U+FFFD.

In order: a byte order mark, UTF-8, what the file says of itself (XML, HTML), what the mail declares, UTF-8 or
the declared charset with some broken bytes, and for text without a right label what its letters look like.
Excel saves CSV in the Windows code page of its country and names it nowhere.
"""

import codecs
import re
from typing import NamedTuple

from app.connectors.gmail import iso2022
from app.connectors.gmail.charset_guess import guess

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Labels mean the larger set that programs write under them: https://encoding.spec.whatwg.org/#names-and-labels
_MEANT = {
    "ascii": "windows-1252",
    "iso8859-1": "windows-1252",
    "iso8859-9": "windows-1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "tis-620": "cp874",
}
# Labels in use that Python does not know, from the same standard.
_LABELS = {
    **dict.fromkeys(("windows-31j", "x-sjis"), "cp932"),
    **dict.fromkeys(("windows-949", "x-windows-949"), "cp949"),
    **dict.fromkeys(("windows-874", "dos-874"), "cp874"),
    **dict.fromkeys(("iso-8859-8-i", "iso-8859-8-e", "logical", "visual"), "iso8859-8"),
    "x-gbk": "gb18030",
    "x-euc-jp": "euc_jp",
    "x-mac-roman": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
    "x-x-big5": "big5hkscs",
    **{f"x-cp125{digit}": f"cp125{digit}" for digit in range(9)},
}
# Declarations that programs send without looking: the text itself is asked too.
_DOUBTFUL = {"", "utf-8", "ascii", "iso8859-1", "cp1252"}
_STATEFUL = ("iso2022", "utf-7", "utf-16", "utf-32", "hz")
_WIDE = ("utf-16", "utf-32")  # nearly any bytes are letters of these
_SELF_DECLARED = re.compile(
    rb"""^\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([\w.:-]{1,40})["']|<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]{1,40})""",
    re.IGNORECASE,
)
_SELF_DESCRIPTION = 2_048  # bytes in which a file says its charset
_READ = 100_000  # bytes that are looked at


class Decoded(NamedTuple):
    """A text, the charset that it was read in, and whether that is only what its letters look like."""

    text: str
    charset: str
    is_guess: bool = False


def decode(data: bytes, declared: str = "") -> Decoded:
    """The text, and the charset that it was written in."""
    for mark, charset in _MARKS:
        if data.startswith(mark) and (text := _decoded(data, charset)) is not None:
            return Decoded(text, charset)
    label = codec_of(declared)
    if (found := _stateful(data, label)) is not None:
        return found
    for charset in ("utf-8", *_self_declared(data), *([] if label in _DOUBTFUL else [label])):
        meant = meant_by(charset)
        if (text := _decoded(data, meant)) is not None:
            return Decoded(text, _name(meant))
    for charset in ("utf-8", *([] if label in _DOUBTFUL or label.startswith(_WIDE) else [meant_by(label)])):
        if (text := _nearly(data, charset)) is not None:
            return Decoded(text, _name(charset))
    for charset in (guess(data), "windows-1252", "windows-1250"):
        if (text := _decoded(data, charset)) is not None:
            return Decoded(text, _name(charset), is_guess=codec_of(charset) != codec_of(meant_by(label)))
    return Decoded(data.decode("latin-1"), "iso-8859-1", is_guess=True)


def is_binary(data: bytes, declared: str = "") -> bool:
    """Whether bytes that are called text are none: they hold NUL, which neither a byte order mark nor the
    declared charset explains.
    """
    start = data[:_READ]
    if b"\0" not in start or any(start.startswith(mark) for mark, _ in _MARKS):
        return False
    found = _stateful(data, codec_of(declared))
    return found is None or "\0" in found.text


def _stateful(data: bytes, label: str) -> Decoded | None:
    """The text in a charset whose bytes are valid ASCII or UTF-8, too; None for any other."""
    if label.startswith(_WIDE):
        return _in_wide(data, label)
    if (label.startswith("iso2022_jp") or label in _DOUBTFUL) and iso2022.is_japanese(data):
        return Decoded(iso2022.decode(data), "iso-2022-jp")
    if label.replace("_", "").startswith(_STATEFUL) and re.search(rb"[\x1b\0+~]", data):
        text = _decoded(data, label)
        if text is not None and text.encode(label, "replace") == data:
            return Decoded(text, _name(label))
    return None


def _in_wide(data: bytes, label: str) -> Decoded | None:
    """UTF-16 or UTF-32 without a mark. Where the NULs stand tells the order that the label leaves open.

    None for bytes without one, which most programs mean as something else.
    """
    if b"\0" not in data[:_READ]:
        return None
    width = 4 if label.startswith("utf-32") else 2
    at_start, at_end = data[:_READ:width].count(0), data[width - 1 : _READ : width].count(0)
    order = label[6:] or ("_be" if at_start > at_end else "_le")
    charset = label[:6] + order
    text = _decoded(data, charset.replace("_", "-"))
    return None if text is None else Decoded(text, _name(charset))


def _decoded(data: bytes, charset: str) -> str | None:
    try:
        return data.decode(charset)
    except (LookupError, ValueError):
        return None


def _nearly(data: bytes, charset: str) -> str | None:
    """The text in which some bytes are broken, as when it was cut: they alone are read as Western letters.

    None when most of the bytes beyond ASCII do not fit.
    """
    text = data.decode(charset, "replace")
    broken, fitting = text.count("\ufffd"), sum(letter > "\x7f" for letter in text)
    return data.decode(charset, _WESTERN) if fitting - broken > broken else None


def _as_western(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    broken = error.object[error.start : error.end]
    return "".join(_decoded(bytes([byte]), "cp1252") or chr(byte) for byte in broken), error.end


_WESTERN = "patchbay-western"
codecs.register_error(_WESTERN, _as_western)


def codec_of(label: str) -> str:
    """Python's name of the charset, "" for none or one it does not know or that decodes no text."""
    label = label.strip().lower().strip("\"'")
    try:
        found = codecs.lookup(_LABELS.get(label, label))
        b"0000".decode(found.name)  # raises for what decodes no text, such as hex
    except (LookupError, ValueError, TypeError):
        return ""
    return found.name if found.name not in {"undefined", "idna", "punycode", "rot13"} else ""


def meant_by(label: str) -> str:
    """Python's name of the larger set that programs write under that label, "" for an unknown one."""
    codec = codec_of(label)
    return _MEANT.get(codec, codec)


def _name(codec: str) -> str:
    """The name of a charset that others know, too."""
    return codec.replace("iso8859", "iso-8859").replace("iso2022", "iso-2022").replace("_", "-")


def _self_declared(data: bytes) -> list[str]:
    found = _SELF_DECLARED.search(data[:_SELF_DESCRIPTION])
    label = (found[1] or found[2]).decode("ascii", "ignore") if found else ""
    return [codec_of(label)] if codec_of(label) else []
