"""Finds tools by what somebody wants to do, in their own words."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

_WORD = re.compile(r"[^\W_]+")
_NAME, _TITLE, _FIRST, _REST = 3.0, 2.5, 1.2, 0.5  # the weight of a word by its position
_SAME_MEANING, _BEGINNING = 0.6, 0.5
_SILENT = frozenset(
    _WORD.findall(
        """
        a all an and any are at by can do for from give has have how i if in is it its me my of on one or our
        that the
        their them these this to use used using was we what when where which who will with you your
        """
    )
)
_MEANINGS = (
    "invoice bill",
    "customer client contact supplier",
    "mail email message letter",
    "organisation organization company business",
    "spreadsheet sheet worksheet",
    "record row entry line",
    "table database",
    "create add make new insert write",
    "update change edit modify set rename correct",
    "delete remove erase void cancel forget",
    "find search look lookup list show see read get browse query",
    "send email deliver dispatch",
    "payment pay paid charge receive",
    "unpaid owe overdue outstanding receivable due late",
    "revenue income sale turnover earning profit",
    "expense cost spending purchase",
    "report summary statement overview",
    "remember save note memory recall store",
    "time hour timesheet track log",
    "job work order task appointment",
    "technician employee staff worker",
    "product item stock inventory",
    "label tag folder",
    "attachment file document",
)


def _stem(word: str) -> str:
    """The word without its English endings."""
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            return word[: -len(ending)] + instead
    return word


def _alike() -> dict[str, frozenset[str]]:
    """Each word with its synonyms."""
    alike: dict[str, frozenset[str]] = {}
    for group in _MEANINGS:
        words = frozenset(map(_stem, group.split()))
        for word in words:
            alike[word] = alike.get(word, frozenset()) | words
    return alike


_ALIKE = _alike()


def best(query: str, entries: Sequence[Mapping[str, Any]], most: int) -> list[Mapping[str, Any]]:
    """The entries of tools/list that match the query, best first. Equal ones stay in the list's order."""
    words = list(dict.fromkeys(word for word in map(_stem, _words_of(query)) if word not in _SILENT))[:16]
    documents = [_document(entry["name"], entry["title"], entry["description"]) for entry in entries]
    rarity = {
        word: math.log(1 + len(documents) / (1 + sum(word in document for document in documents)))
        for word in words
    }
    scores = [sum(rarity[word] * _strength(word, document) for word in words) for document in documents]
    order = sorted((i for i, score in enumerate(scores) if score > 0), key=lambda i: -scores[i])
    return [entries[i] for i in order[:most]]


@lru_cache(maxsize=1024)
def _document(name: str, title: str, description: str) -> Mapping[str, float]:
    """Each word of a tool with its weight."""
    first, _, rest = description.partition("\n\n")
    weights: dict[str, float] = {}
    for weight, text in ((_NAME, name), (_TITLE, title), (_FIRST, first), (_REST, rest)):
        for word in map(_stem, _words_of(text)):
            weights[word] = max(weight, weights.get(word, 0.0))
    return weights


def _strength(word: str, document: Mapping[str, float]) -> float:
    """How well one word of the query matches: itself, a synonym, or a word that begins with it."""
    found = document.get(word, 0.0)
    alike = (
        max((document.get(other, 0.0) for other in _ALIKE.get(word, ()) if other != word), default=0.0)
        * _SAME_MEANING
    )
    begun = 0.0
    if not found and len(word) > 3:
        begun = (
            max((weight for other, weight in document.items() if other.startswith(word)), default=0.0)
            * _BEGINNING
        )
    return max(found, alike, begun)


def _words_of(text: str) -> Iterable[str]:
    return _WORD.findall(text.casefold().replace("_", " "))
