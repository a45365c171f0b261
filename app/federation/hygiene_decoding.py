"""What a text may say beside what it seems to say: hidden characters, look-alike letters, encodings.

Nothing here judges; it only brings out the other readings of a text, so that the patterns see them too.
"""

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

from app.connectors.rows import plain

_ENCODED_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_ENCODED_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}[\s:,]?){8,}")
_ESCAPES = re.compile(r"(?:\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|\\[0-7]{3}){3,}")
_URL_ENCODED = re.compile(r"(?:%[0-9A-Fa-f]{2}[\w.~-]{0,3}){3,}")
_DEEPEST = 3  # encodings inside of each other
_MOST_READINGS = 200  # of one text
# One of these is in every order and command: most texts say nothing backwards, and need no closer look.
_STEMS = (
    "ignor",
    "disregard",
    "forget",
    "instruct",
    "prompt",
    "user",
    "system",
    "curl",
    "wget",
    "eval",
    "bash",
)
_SHORTEST = 6  # characters of a decoded text that can say anything

# Joiners between Latin letters join nothing. Selectors of glyph variants carry data when there are several,
# or where no emoji or letter has variants.
_SELECTORS = re.compile(
    r"(?<=[A-Za-z])[\u200c\u200d]|"
    r"[\U000e0100-\U000e01ef]|[\ufe00-\ufe0d]|\ufe0f{2,}|(?<=[A-Za-z .,:;])[\ufe0e\ufe0f]"
)
# Letters that show nothing, other fillers, and code points without a public meaning.
_BLANKS = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180e\u2800\u3164\uffa0\ue000-\uf8ff\U000f0000-\U0010ffff]"
)

# Letters of other alphabets that look like Latin ones.
_ALIKE = str.maketrans(
    "аАвВеЕёЁкКмМнНоОрРсСтТуУхХіІїЇјЈѕЅԁɡһӏԛԝցոαΑΒεΕΖΗιΙκΚΜνΝοΟρΡτΤυΥχΧɑɩıǀℓ",
    "aAbBeEeEkKmMhHoOpPcCtTyYxXiIiIjJsSdghlqwgnaABeEZHiIkKMvNoOpPtTuYxXaiill",
)
_DIGITS_AS_LETTERS = str.maketrans("013457@$", "oieastas")
_CYRILLIC_OR_GREEK = re.compile(r"[\u0370-\u03ff\u0400-\u04ff]")


def has_hidden(text: str) -> bool:
    """Whether it holds characters that nobody sees, or that change the direction of others."""
    if text.isascii() and text.isprintable():
        return False
    return plain(text) != text or bool(_SELECTORS.search(text)) or bool(_BLANKS.search(text))


def is_blank(character: str) -> bool:
    """Whether it is drawn as nothing although it is a letter, or has no public meaning."""
    return bool(_BLANKS.match(character))


def visible(text: str) -> str:
    """The text without hidden characters."""
    return _BLANKS.sub("", _SELECTORS.sub("", str(plain(text))))


def hidden_message(text: str) -> str:
    """What tag characters and variation selectors spell, if anything: each stands for a byte."""
    spelled = []
    for character in text:
        code = ord(character)
        if 0xE0020 <= code <= 0xE007E:
            spelled.append(chr(code - 0xE0000))
        elif 0xE0100 <= code <= 0xE01EF:
            spelled.append(chr(code - 0xE0100 + 16))
    return "".join(spelled)


def mixes_alphabets(text: str) -> bool:
    """Whether a word has Latin letters among Cyrillic or Greek ones that look like them."""
    if text.isascii():
        return False
    return any(
        _CYRILLIC_OR_GREEK.search(word)
        and sum("a" <= c <= "z" for c in word.lower()) >= 2
        and any(_CYRILLIC_OR_GREEK.match(c) and c.translate(_ALIKE).isascii() for c in word)
        for word in re.findall(r"[^\W\d_]+", text)
    )


def simple(text: str) -> str:
    """The text in lower case, with the same letters whatever they were drawn by, and single spaces."""
    return " ".join(unicodedata.normalize("NFKC", visible(text)).casefold().split())


def latin(text: str) -> str:
    """The same with look-alike letters as Latin ones, without accents."""
    if text.isascii():
        return simple(text)
    decomposed = unicodedata.normalize("NFKD", simple(text).translate(_ALIKE))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def letters(text: str) -> str:
    """Its letters alone, with digits and signs as the letters they stand for: `1gn0re`, `i g n o r e`."""
    return re.sub(r"[^a-z]", "", latin(text).translate(_DIGITS_AS_LETTERS))


def decoded(text: str, depth: int = 0) -> Iterator[str]:
    """What parts of the text say once they are decoded, also twice; and the text backwards."""
    if depth >= _DEEPEST:
        return
    found = list(_once(text))[:_MOST_READINGS]
    for reading in found:
        if reading != text and len(reading) >= _SHORTEST:
            yield reading
            yield from decoded(reading, depth + 1)
    if depth == 0:
        for reading in (text[::-1], codecs.encode(text, "rot13")):
            if any(stem in reading.casefold() for stem in _STEMS):
                yield reading


def _once(text: str) -> Iterator[str]:
    if "&" in text:
        yield html.unescape(text)
    if _URL_ENCODED.search(text):
        yield unquote(text, errors="ignore")
    if _ESCAPES.search(text):
        yield re.sub(
            r"\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})|\\([0-7]{3})",
            lambda m: chr(int(m[1] or m[2] or m[3], 8 if m[3] else 16)),
            text,
        )
    for match in _ENCODED_HEX.finditer(text):
        yield from _readable(bytes.fromhex(re.sub(r"[^0-9A-Fa-f]", "", match[0])))
    for match in _ENCODED_BASE64.finditer(text):
        yield from _from_base64(match[0])


def _from_base64(token: str) -> Iterator[str]:
    text = token.rstrip("=").replace("-", "+").replace("_", "/")
    if len(text) % 4 == 1:
        text = text[:-1]
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return
    yield from _readable(raw)


def _readable(raw: bytes) -> Iterator[str]:
    """The bytes as text, if they are one."""
    for encoding in ("utf-8", "utf-16-le"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if text.isascii() and sum(c.isprintable() or c.isspace() for c in text) == len(text):
            yield text
            return
        if encoding == "utf-8" and all(c.isprintable() or c.isspace() for c in text):
            yield text
            return
