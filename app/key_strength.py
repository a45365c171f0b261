"""How hard a key is to guess: refuses keys that are long but made of sequences, repetitions or common words.

A key is cut into pieces: one character, a stretch that occurred before, a run with a constant step (0123…,
zyx…, also doubled as in 112233… or in turns as in a1b2c3…), or a stretch of a keyboard row or a well-known
word. A random key has about as many pieces as characters.
"""

from collections.abc import Sequence
from functools import lru_cache

_SHORTEST_COPY, _SHORTEST_RUN = 3, 4
_GAPS = (1, 2, 3, 4)
_TEXT_PIECES = 18  # of the 32 characters at least that a text key has
_BYTE_PIECES = 28  # of the 32 bytes of a vault key; random ones have fewer once in 10^12
_ROWS = (
    "1234567890 qwertyuiop asdfghjkl zxcvbnm qwertzuiop yxcvbnm azertyuiop qsdfghjklm wxcvbn "
    "1q2w3e4r5t6y7u8i9o0p 1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p zaq1xsw2cde3vfr4bgt5nhy6mju7"
)
_WORDS = (
    "secret-key secret_key secretkey passphrase password changeme change-me change_me change this please "
    "test dev development production staging patchbay example sample placeholder default insecure unsafe "
    "not safe django flask my your our random characters replace me with here super very long string token "
    "vault admin hub the this that is for and value todo foobar lorem ipsum deadbeef cafebabe abc123 letmein "
    "hello world insert generate at least 32 bytes"
)


@lru_cache(maxsize=16)
def is_guessable_text(key: str, *, strict: bool) -> bool:
    """Whether a key of characters is made of few pieces. `strict` also knows the words of example keys."""
    known = f"{_ROWS} {_WORDS}" if strict else _ROWS
    return _pieces(key.lower().encode(), known.encode()) < _TEXT_PIECES


@lru_cache(maxsize=16)
def is_guessable_bytes(key: bytes, *, strict: bool) -> bool:
    """Whether a key of 32 bytes repeats itself or is typed text. `strict` also refuses runs, such as the
    bytes from 0 to 31.
    """
    is_text = all(32 <= byte < 127 for byte in key)
    return is_text or _pieces(key, b"", runs=strict) < _BYTE_PIECES


def _pieces(key: Sequence[int], known: Sequence[int], *, runs: bool = True) -> int:
    values = [*known, *key]
    at, count = len(known), 0
    while at < len(values):
        at += max(1, _copy(values, at), *(_run(values, at, gap) for gap in _GAPS if runs))
        count += 1
    return count


def _copy(values: Sequence[int], at: int) -> int:
    """The length of the longest stretch from here that began earlier, 0 if it is short."""
    longest = 0
    for start in range(at):
        length = 0
        while at + length < len(values) and values[start + length] == values[at + length]:
            length += 1
        longest = max(longest, length)
    return longest if longest >= _SHORTEST_COPY else 0


def _run(values: Sequence[int], at: int, gap: int) -> int:
    """The length of the run from here in which each value is a constant step from the one `gap` before it, 0
    if it is short.
    """
    end = at + gap
    while (
        end < len(values)
        and (values[end] - values[end - gap]) % 256
        == (values[min(at + gap, len(values) - 1)] - values[at]) % 256
    ):
        end += 1
    length = end - at
    return length if length >= _SHORTEST_RUN * gap else 0
