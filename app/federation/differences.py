"""What changed between two definitions of a tool, word by word, for the person who decides about it.

Hidden characters are written out: the text that people compare must be the text that a model reads.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from app.federation.definition_texts import texts_of

_WORDS = re.compile(r"\w+\s*|[^\w\s]\s*|\s+")
_MOST_PAIRS = 400_000  # of words that are compared: where more differ, the text is replaced as a whole
Kind = Literal["same", "removed", "added"]


@dataclass(frozen=True)
class Piece:
    """A run of words that stays, is removed or is new."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Difference:
    """A text of the definition that changed. `place` is such as "Arguments › status › description"."""

    place: str
    pieces: tuple[Piece, ...]


def between(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[Difference, ...]:
    """Everything that differs, in the order of the definition; texts that are only in one of them whole."""
    old, new = texts_of(before or {}), texts_of(after or {})
    places = [*new, *(place for place in old if place not in new)]
    return tuple(
        Difference(str(place), compare(old.get(place, ""), new.get(place, "")))
        for place in places
        if old.get(place, "") != new.get(place, "")
    )


def compare(before: str, after: str) -> tuple[Piece, ...]:
    """The two texts as one, with what was removed and what was added."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    start = _shared(old, new)
    end = _shared(old[start:][::-1], new[start:][::-1])
    head, tail = "".join(old[:start]), "".join(old[len(old) - end :])
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    return tuple(
        Piece(kind, text) for kind, text in (("same", head), *_middle(old, new), ("same", tail)) if text
    )


def _shared(one: list[str], other: list[str]) -> int:
    """With how many equal words both begin."""
    return next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _middle(old: list[str], new: list[str]) -> list[tuple[Kind, str]]:
    if len(old) * len(new) > _MOST_PAIRS:
        return [("removed", "".join(old)), ("added", "".join(new))]
    found: list[tuple[Kind, str]] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(("same", "".join(old[a:b])))
        else:
            found += [("removed", "".join(old[a:b])), ("added", "".join(new[c:d]))]
    return found
