"""ISO-2022-JP as Japanese mail programs write it: with the characters of NEC and IBM, such as ①.

Python's codec refuses those. The sets are those of JIS X 0212 (RFC 1554) and of
https://encoding.spec.whatwg.org/#iso-2022-jp-decoder.
"""

import re
from functools import cache

_ESCAPE = re.compile(rb"\x1b(?:(\([BJIH])|(\$[@B]|\$\([@BD]))")
_KANJI = re.compile(rb"\x1b\$\(?[@BD]")
_PAIR = re.compile(rb"[\x21-\x7e]{2}|.", re.DOTALL)
_UNKNOWN = "〓"  # what Japanese print has in place of a character it lacks


def is_japanese(data: bytes) -> bool:
    """Whether bytes are ISO-2022-JP, whatever their label says: all are ASCII and some switch to kanji."""
    return data.isascii() and bool(_KANJI.search(data))


def decode(data: bytes) -> str:
    """The text, without escape sequences; 〓 for a character that is in no set."""
    pieces, mode, at = [], b"(B", 0
    for escape in _ESCAPE.finditer(data):
        pieces.append(_piece(data[at : escape.start()], mode))
        mode, at = escape[1] or escape[2], escape.end()
    return "".join([*pieces, _piece(data[at:], mode)]).replace("\x1b", "")


def _piece(data: bytes, mode: bytes) -> str:
    if mode == b"(I":
        return "".join(_one(bytes([byte | 0x80]) if 0x21 <= byte <= 0x5F else bytes([byte])) for byte in data)
    if not mode.startswith(b"$"):
        return data.decode("cp932", "replace").replace("\ufffd", _UNKNOWN)
    data, end, rest = data.partition(b"\n")  # RFC 1468: every line ends in ASCII; some programs forget that
    letter = _rare if mode.endswith(b"D") else _usual
    text = "".join([letter(found) for found in _PAIR.findall(data)])
    return text + (end + rest).decode("cp932", "replace").replace("\ufffd", _UNKNOWN)


@cache
def _usual(found: bytes) -> str:
    return _one(_shifted(*found)) if len(found) == 2 else _alone(found)


@cache
def _rare(found: bytes) -> str:
    if len(found) != 2:
        return _alone(found)
    return (
        bytes([0x8F, *(byte | 0x80 for byte in found)])
        .decode("euc_jp", "replace")
        .replace("\ufffd", _UNKNOWN)
    )


def _alone(byte: bytes) -> str:
    """A space among the characters, or half of one."""
    return byte.decode("ascii") if byte < b"!" else _UNKNOWN


def _shifted(row: int, cell: int) -> bytes:
    """A character of JIS X 0208 in Shift_JIS."""
    first = (row - 0x21) // 2 + 0x81
    second = cell + (0x1F if cell < 0x60 else 0x20) if row % 2 else cell + 0x7E
    return bytes([first if first <= 0x9F else first + 0x40, second])


def _one(data: bytes) -> str:
    try:
        return data.decode("cp932")
    except ValueError:
        return _UNKNOWN
