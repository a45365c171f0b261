"""What changed between two definitions of a tool, word by word, for the person who decides about it.

Hidden characters are written out: the text that people compare must be the text that a model reads.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

_WORDS = re.compile(r"\w+\s*|[^\w\s]\s*|\s+")
_MOST_PAIRS = 400_000  # of words that are compared: where more differ, the text is replaced as a whole
_MOST_TEXTS = 500  # of one definition that have a place of their own
_REST = "Everything else"
Kind = Literal["same", "removed", "added"]
_JOINED = {" ", "\n", "\t", "\r"}
_PLACES = {
    "title": "Title",
    "description": "Description",
    "inputSchema": "Arguments",
    "outputSchema": "Result",
    "annotations": "Hints",
    "_meta": "Metadata",
}
_STRUCTURE = {"properties", "items", "$defs", "definitions"}  # schema keywords that name no text themselves


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
        Difference(place, compare(old.get(place, ""), new.get(place, "")))
        for place in places
        if old.get(place) != new.get(place)
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


def texts_of(definition: Mapping[str, Any]) -> dict[str, str]:
    """Every text, number and flag of a definition by its place, hidden characters written out."""
    found: dict[str, str] = {}
    for key, value in definition.items():
        if key in {"name", "icons"}:
            continue
        for place, text in _leaves(value, _PLACES.get(key, visible(key))):
            if len(found) >= _MOST_TEXTS and place not in found:
                place, text = _REST, f"{place}: {text}"
            found[place] = f"{found[place]}, {text}" if place in found else text
    return found


def visible(text: str) -> str:
    """The text with every character that people cannot see written out, such as ⟨U+200B⟩."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _is_seen(char) else f"⟨U+{ord(char):04X}⟩" for char in text)


def _is_seen(char: str) -> bool:
    if "\ufe00" <= char <= "\ufe0e" or "\U000e0100" <= char <= "\U000e01ef":  # variation selectors
        return False
    return char in _JOINED or unicodedata.category(char) not in {"Cf", "Cc", "Cn", "Co", "Cs", "Zl", "Zp"}


def _leaves(value: Any, place: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    if depth > 40:
        yield place, visible(repr(value))
    elif isinstance(value, Mapping):
        for key, part in value.items():
            inner = place if key in _STRUCTURE else f"{place} › {visible(str(key))}"
            yield from _leaves(part, inner, depth + 1)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _leaves(part, place, depth + 1)
    else:
        yield place, _written(value)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else visible(str(value))
