"""Passwords: which ones are accepted, and their argon2id hashes (RFC 9106).

NIST SP 800-63B: length counts, no composition rules, common passwords are refused. Hashing is memory-hard on
purpose, so a process runs only a few hashes at the same time.
"""

import contextlib
import functools
import itertools
import re
import threading
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.config import Settings
from app.errors import Unavailable

SHORTEST = 8
LONGEST = 256
_LONG = 14  # from this length, a common word with digits and signs around it is not a first guess
# 19 MiB, two passes, one lane: OWASP Password Storage Cheat Sheet.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_at_once = threading.BoundedSemaphore(4)
_LONGEST_WAIT_SECONDS = 5


def problem_with(settings: Settings, password: str, *about: str) -> str | None:
    """Return why a new password is refused, as a sentence, or None.

    `about`: words too close to the person (address, company).
    """
    if len(password) < SHORTEST:
        return f"Choose a password of at least {SHORTEST} characters."
    if len(password) > LONGEST:
        return f"Choose a password of at most {LONGEST} characters."
    plain = _normalise(password).casefold()
    if len(set(plain)) < 3 or _is_a_run(plain) or _is_common(plain):
        return "This password is too common. Choose another, such as a few unrelated words."
    close = {
        word
        for text in (settings.brand_name, *about)
        for word in re.split(r"[\s@.]+", text.casefold())
        if len(word) >= 3
    }
    if plain in {text.casefold() for text in about} or _stem(plain) in close:
        return (
            "This password is too similar to your email or company. Choose another, such as a few "
            "unrelated words."
        )
    return None


def hash_secret(secret: str) -> str:
    """Return the argon2id hash of a password, or of a keyed code."""
    with _hashing_slot():
        return _hasher.hash(_normalise(secret))


def matches(secret_hash: str | None, secret: str) -> bool:
    """True if the secret matches the hash. Without a hash, does the same work and returns False."""
    if len(secret) > LONGEST:
        return False
    with _hashing_slot():
        try:
            _hasher.verify(secret_hash or _nobodys_hash(), _normalise(secret))
        except (VerificationError, InvalidHashError):
            return False
    return secret_hash is not None


def is_outdated(secret_hash: str) -> bool:
    """True if the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(secret_hash)


@contextlib.contextmanager
def _hashing_slot() -> Iterator[None]:
    """Wait for a free slot, but not for ever: a flood of sign-ins must not hold every thread."""
    if not _at_once.acquire(timeout=_LONGEST_WAIT_SECONDS):
        raise Unavailable("Too many people are signing in at this moment. Please try again in a minute.")
    try:
        yield
    finally:
        _at_once.release()


def _normalise(secret: str) -> str:
    """Return one form (NFKC) for characters with several encodings (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", secret)


def _stem(plain: str) -> str:
    """Return the word inside "Summer2024!"."""
    return plain.strip("0123456789!?.,_-*#$@%&+= ")


def _is_common(plain: str) -> bool:
    return plain in _common() or (len(plain) < _LONG and _stem(plain) in _common())


def _is_a_run(plain: str) -> bool:
    """True for "12345678", "hgfedcba", and for a short piece repeated, such as "abcabcabc"."""
    steps = {ord(b) - ord(a) for a, b in itertools.pairwise(plain)}
    repeated = any(
        plain == (plain[:n] * len(plain))[: len(plain)] for n in range(1, min(5, len(plain) // 2 + 1))
    )
    return steps in ({1}, {-1}) or repeated


@functools.cache
def _common() -> frozenset[str]:
    return frozenset((Path(__file__).parent / "common_passwords.txt").read_text(encoding="utf-8").split())


@functools.cache
def _nobodys_hash() -> str:
    return _hasher.hash("nobody has this password")
