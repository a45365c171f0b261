"""ISO-2022-JP as Japanese mail programs write it: with the characters of NEC and IBM, such as ①.

Python's codec refuses those. The sets are those of JIS X 0212 (RFC 1554) and of
https://encoding.spec.whatwg.org/#iso-2022-jp-decoder.
"""

import re

_ESCAPE = re.compile(rb"\x1b(?:(\([BJIH])|(\$[@B]|\$\([@BD]))")
_KANJI = re.compile(rb"\x1b\$\(?[@BD]")
_UNKNOWN = "〓"  # what Japanese print has in place of a character it lacks


def is_japanese(data: bytes) -> bool:
    """Whether bytes are ISO-2022-JP, whatever their label says: all are ASCII and some switch to kanji."""
    return data.isascii() and bool(_KANJI.search(data))


def decode(data: bytes) -> str:
    """The text, without escape sequences; 〓 for a character that is in no set."""
    text, mode, at = "", b"(B", 0
    for escape in _ESCAPE.finditer(data):
        text += _piece(data[at : escape.start()], mode)
        mode, at = escape[1] or escape[2], escape.end()
    return (text + _piece(data[at:], mode)).replace("\x1b", "")


def _piece(data: bytes, mode: bytes) -> str:
    if mode == b"(I":
        return "".join(_one(bytes([byte | 0x80]) if 0x21 <= byte <= 0x5F else bytes([byte])) for byte in data)
    if not mode.startswith(b"$"):
        return data.decode("cp932", "replace").replace("\ufffd", _UNKNOWN)
    text, at = "", 0
    data, end, rest = data.partition(b"\n")  # RFC 1468: every line ends in ASCII; some programs forget that
    while at < len(data):
        pair = data[at : at + 2]
        if len(pair) == 2 and all(0x21 <= byte <= 0x7E for byte in pair):
            text += _rare(*pair) if mode.endswith(b"D") else _one(_shifted(*pair))
            at += 2
        else:  # a space, or half a character
            text += chr(data[at]) if data[at] < 0x21 else _UNKNOWN
            at += 1
    return text + _piece(end + rest, b"(B") if end else text


def _shifted(row: int, cell: int) -> bytes:
    """A character of JIS X 0208 in Shift_JIS."""
    first = (row - 0x21) // 2 + 0x81
    second = cell + (0x1F if cell < 0x60 else 0x20) if row % 2 else cell + 0x7E
    return bytes([first if first <= 0x9F else first + 0x40, second])


def _rare(row: int, cell: int) -> str:
    return bytes([0x8F, row | 0x80, cell | 0x80]).decode("euc_jp", "replace").replace("\ufffd", _UNKNOWN)


def _one(data: bytes) -> str:
    try:
        return data.decode("cp932")
    except ValueError:
        return _UNKNOWN
