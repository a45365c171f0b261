"""The text in a stranger's bytes, without losing a character: no byte ever becomes U+FFFD.

In order: a byte order mark, UTF-8, what the file says of itself (XML, HTML), what the mail declares, and
for Western, Polish or Cyrillic text without a right label what its letters look like. Excel in Europe saves
CSV in the Windows code page of its country and names it nowhere.
"""

import codecs
import re

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
# Declarations that programs send without looking: the text itself is asked too.
_DOUBTFUL = {"", "utf-8", "ascii", "iso8859-1", "cp1252"}
_STATEFUL = ("iso2022", "utf-7", "utf-16", "utf-32", "hz")
_SELF_DECLARED = re.compile(
    rb"""^\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([\w.:-]{1,40})["']|<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]{1,40})""",
    re.IGNORECASE,
)
_SELF_DESCRIPTION = 2_048  # bytes in which a file says its charset
_READ = 100_000  # bytes that are looked at
_HIGH = r"[\xc0-\xff\xa8\xb8]"  # Russian letters in windows-1251
_BETWEEN_CYRILLIC = re.compile(rf"{_HIGH}(?={_HIGH})")
_BESIDE_LATIN = re.compile(r"[A-Za-z](?=[\xc0-\xff])|[\xc0-\xff](?=[A-Za-z])")
_POLISH_IN_A_WORD = re.compile(r"[A-Za-z\xc0-\xff][\xa3\xa5\xaf\xb3\xb9\xbf][A-Za-z\xc0-\xff]")


def decode(data: bytes, declared: str = "") -> tuple[str, str]:
    """The text, and the charset that it was written in."""
    for mark, charset in _MARKS:
        if data.startswith(mark) and (text := _decoded(data, charset)) is not None:
            return text, charset
    label = _codec(declared)
    # its bytes are valid ASCII or UTF-8, too
    if label.replace("_", "").startswith(_STATEFUL) and re.search(rb"[\x1b\0+~]", data):
        text = _decoded(data, label)
        if text is not None and text.encode(label, "replace") == data:
            return text, _name(label)
    for charset in ("utf-8", *_self_declared(data), *([] if label in _DOUBTFUL else [label])):
        meant = _MEANT.get(charset, charset)
        if (text := _decoded(data, meant)) is not None:
            return text, _name(meant)
    guess = _guess(data) if label in _DOUBTFUL else "windows-1252"
    for charset in (guess, "windows-1252"):
        if (text := _decoded(data, charset)) is not None:
            return text, charset
    return data.decode("latin-1"), "iso-8859-1"


def is_binary(data: bytes) -> bool:
    """Whether bytes that are called text are none: they hold NUL, which no byte order mark explains."""
    start = data[:_READ]
    return b"\0" in start and not any(start.startswith(mark) for mark, _ in _MARKS)


def _decoded(data: bytes, charset: str) -> str | None:
    try:
        return data.decode(charset)
    except (LookupError, ValueError):
        return None


def _codec(label: str) -> str:
    """Python's name of the charset, "" for none or one it does not know or that decodes no text."""
    try:
        found = codecs.lookup(label.strip().lower().strip("\"'"))
        found.decode(b"")
    except (LookupError, ValueError, TypeError):
        return ""
    return found.name if found.name not in {"undefined", "idna", "punycode", "rot13"} else ""


def _name(codec: str) -> str:
    """The name of a charset that others know, too."""
    return codec.replace("iso8859", "iso-8859").replace("iso2022", "iso-2022").replace("_", "-")


def _self_declared(data: bytes) -> list[str]:
    found = _SELF_DECLARED.search(data[:_SELF_DESCRIPTION])
    label = (found[1] or found[2]).decode("ascii", "ignore") if found else ""
    return [_codec(label)] if _codec(label) else []


def _guess(data: bytes) -> str:
    """Letters with accents stand beside plain ones; Cyrillic ones beside each other."""
    text = data[:_READ].decode("latin-1")
    if len(_BETWEEN_CYRILLIC.findall(text)) > len(_BESIDE_LATIN.findall(text)):
        return "windows-1251"
    return "windows-1250" if _POLISH_IN_A_WORD.search(text) else "windows-1252"
