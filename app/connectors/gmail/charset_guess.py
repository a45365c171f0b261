"""Which charset a text without a right label is likely to have, from its letters.

Evidence, not a proof: East Asian bytes must decode without an error into runs of characters that are common
in one language; the letters of an alphabet must be frequent in a language, with capitals where words have
them.
"""

import codecs
import re
from collections.abc import Iterable
from math import log

from app.connectors.gmail.charset_letters import ALPHABETS, COMMON, LATIN, PAIRS

_READ = 100_000  # bytes that are looked at
_HIGH = r"[\xc0-\xff\xa8\xb8]"  # letters of the Cyrillic, Greek and Hebrew charsets
_BETWEEN_HIGH = re.compile(rf"{_HIGH}(?={_HIGH})")
_BESIDE_LATIN = re.compile(r"[A-Za-z](?=[\xc0-\xff])|[\xc0-\xff](?=[A-Za-z])")
# What windows-1250 makes of Polish and Czech, and no Western language has: a Polish letter in a word or in
# "zł", Czech ě, ů and ří in a word, and bytes that windows-1252 leaves out.
_CENTRAL = re.compile(
    r"[A-Za-z\xc0-\xff][\xa3\xa5\xaf\xb3\xb9\xbf][A-Za-z\xc0-\xff]|\bz\xb3(?!\w)|\B[\xec\xf9](?=[a-z])|\xf8\xed"
    r"|[\x8d\x8f\x9d]"
)
_PORTUGUESE = re.compile(r"\xf5e|\xe3[oe]|\xe7\xe3")  # ões, ão, ãe, çã
_STRANGE = log(0.0004)
# What windows-1252 makes of letters at places where no Western language has them: Turkish ş in a word or at
# its end, where Icelandic has no þ; Romanian ş before a letter; Hungarian ő after the first syllable.
_TURKISH = re.compile(r"[a-z\xdf-\xff]\xfe|[\xf0][\xfd\xfc]|\B\xfd[a-z]", re.IGNORECASE)
_HUNGARIAN = re.compile(r"[aeiouy\xe1\xe9\xed\xf3\xf6\xfa\xfc][^\W\xf5]{0,20}\xf5", re.IGNORECASE)
_ROMANIAN = re.compile(r"[\xaa\xba](?=[a-z\xe2\xe3\xee])|\xfe\xe3|\xe3\xfe")

_SYMBOL_IN_WORD = re.compile(r"[A-Za-z][\x80-\xbf]|[\x80-\xbf][A-Za-z]")

_EAST = {
    "cp932": "ja",
    "euc_jp": "ja",
    "cp949": "ko",
    "gb18030": "zh",
    "big5hkscs": "tw",
}
_STRICT = {"cp932": "cp932", "euc_jp": "euc_jp", "cp949": "euc_kr", "gb18030": "gb2312", "big5hkscs": "big5"}


def guess(data: bytes) -> str:
    """The likeliest charset, as Python knows it; windows-1252 when nothing speaks for another."""
    data = data[:_READ]
    east, charset = max((_east(data, charset), charset) for charset in _EAST)
    text = data.decode("latin-1")
    if len(_BETWEEN_HIGH.findall(text)) <= len(_BESIDE_LATIN.findall(text)):
        return charset if east > 1 else _latin(data, text)
    likelihood, alphabet = (
        max(
            (_likelihood(words, letters), charset)
            for charset, languages in ALPHABETS.items()
            if (words := _text(data, charset))
            for letters in languages
        )
        if any(_text(data, each) for each in ALPHABETS)
        else (_STRANGE, "windows-1251")
    )
    return charset if east > 1 and (likelihood < _UNLIKELY or east > 2) else alphabet


_WORD = re.compile(r"[^\x00-\x40\[-`{-\x7f\xa0«»„“”‘’–—…№§©]+")
_ALL_CAPITALS = 0.3  # few texts are written in capitals alone
_UNLIKELY = log(0.02)  # on average for a letter


def _text(data: bytes, charset: str) -> str:
    """The text, "" for bytes that the charset does not have. The last character may be cut."""
    try:
        return codecs.getincrementaldecoder(charset)().decode(data)
    except ValueError:
        return ""


# --- East Asia ---


_RUN = re.compile(r"([A-Za-z]?)([^\x00-\x7f]+)([A-Za-z]?)")


def _east(data: bytes, charset: str) -> float:
    """From -3 to 3: how common the characters are. At most 0 for text whose characters stand alone."""
    text = _text(data, charset)
    found = [letter for letter in text if letter > "\x7f"]
    # Western words have their accents between plain letters: `³o¿o` is no Chinese inside "z³o¿ona".
    in_runs = sum(
        len(run[2])
        for run in _RUN.finditer(text)
        if len(run[2]) > (2 if run[1] or run[3] else 1) and not (run[1] and run[3])
    )
    if not found or in_runs < 0.6 * len(found):
        return -3
    weights = {letter: _weight(letter, charset) for letter in set(found)}
    return sum(weights[letter] for letter in found) / len(found)


def _weight(letter: str, charset: str) -> float:
    language = _EAST[charset]
    if letter in COMMON[language]:
        return 3
    if "\u3000" <= letter <= "\u3002" or letter in "・ー「」，：；（）￥！？":
        return 1.5
    if "\u3041" <= letter <= "\u30fa":
        return 3 if language == "ja" else -1
    try:
        lead = letter.encode(_STRICT[charset])[0]
    except ValueError:
        return -3
    if "\uac00" <= letter <= "\ud7a3":
        return 2 if min(letter.encode(charset)) > 0xA0 else -3
    if not "\u4e00" <= letter <= "\u9fff":
        return -1 if letter < "\uff10" or letter > "\uff5a" else 1
    if language == "ko":
        return -1
    # The sets are sorted: the characters of everyday use come first.
    everyday = {"cp932": 0x98, "euc_jp": 0xD0, "gb18030": 0xD8, "big5hkscs": 0xC7}[charset]
    return 1 if lead < everyday else -1


# --- alphabets ---


def _likelihood(text: str, letters: str) -> float:
    """The mean logarithm of how likely each letter beyond ASCII is in the language."""
    chances = _chances(letters)
    total, count = 0.0, 0
    for word in _WORD.findall(text):
        high = [letter for letter in word if letter > "\x7f" and (letter.isalpha() or len(word) > 1)]
        is_written = word.islower() or word.isupper() or word.istitle() or word.lower() == word.upper()
        pairs = zip(word.lower(), word.lower()[1:], strict=False)
        total += sum(2.0 for first, second in pairs if first + second in PAIRS)
        total += sum(chances.get(letter.lower(), _STRANGE) for letter in high)
        total -= (0.0 if is_written else 2.0) * len(high) + (
            _ALL_CAPITALS * len(high) if word.isupper() else 0
        )
        count += len(high)
    return total / count if count else _STRANGE


def _chances(letters: str) -> dict[str, float]:
    """By rank, as letters are distributed in most languages."""
    weights = [1 / (rank + 4) for rank in range(len(letters))]
    whole = sum(weights)
    return {letter: log(weight / whole) for letter, weight in zip(letters, weights, strict=True)}


def _latin(data: bytes, text: str) -> str:
    if _CENTRAL.search(text):
        return "windows-1250"
    if not any(letter.isalpha() and letter > "\x7f" for letter in data.decode("cp1252", "ignore")) and not (
        _SYMBOL_IN_WORD.search(text)
    ):
        return "windows-1252"
    if _PORTUGUESE.search(text):
        return "windows-1252"
    if _ROMANIAN.search(text) or _HUNGARIAN.search(text):
        return "windows-1250"
    if _TURKISH.search(text) and "\xe3" not in text:
        return "windows-1254"
    return max(LATIN, key=lambda charset: _best(_text(data, charset), LATIN[charset]))


def _best(text: str, languages: Iterable[str]) -> float:
    return max((_likelihood(text, letters) for letters in languages), default=_STRANGE) if text else _STRANGE
