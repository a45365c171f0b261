"""What is suspicious in the definitions of an MCP server's tools, over all of them together.

An AI client obeys what it reads in a list of tools, so a server can give orders there, or ask for data, in
places that no person reads. Finding none proves nothing; a hard finding holds the tool, so that somebody
reads it before any AI client does. Nothing here changes a text: what clients see is cleaned anyway.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from app.federation import hygiene_decoding as decoding
from app.federation import hygiene_patterns as patterns
from app.federation.definitions import digest_of, hints_of, sounds_like_writing
from app.federation.hygiene_patterns import finds

_DEEPEST = 64  # levels of a definition; what is deeper cannot be used anyway (`schema_gate`)
_MOST_CHARACTERS = 200_000  # of one definition; a larger one cannot be used either
_MOST_IN_LIST = 1_000_000  # characters of all: judging takes a few seconds for that many
_MOST_KNOWN = 5_000  # definitions whose findings one process remembers
_LONGEST_PIECE = 400  # characters at the edge of a text that could belong to the next one
_NAMES = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_WORD = re.compile(r"[a-z0-9_]+")
_ENCODED_PIECE = re.compile(r"[A-Za-z0-9+/]{12,}={0,2}")

_SENTENCES = {
    "hidden": "{place} contains hidden characters, displayed as codes such as ⟨U+200B⟩.",
    "lookalike": "{place} mixes look-alike letters from different alphabets.",
    "override": "{place} tries to control the AI client, such as by telling it to ignore its instructions.",
    "request": "{place} asks for data the tool doesn't need, such as the conversation, keys or files.",
    "shell": "{place} contains shell commands.",
    "encoded": "{place} contains an encoded instruction or command.",
    "other_tools": "{place} mentions tools of other services.",
    "markup": "{place} contains an image or link that could send data to another site.",
    "pieces": "Read together with other tools, its text tries to control the AI client.",
    "unread": "The server's definitions are too long to check them all, and this one wasn't checked.",
    "contradiction": "It claims to only read, but its name suggests that it makes changes.",
}


@dataclass(frozen=True)
class SuspectText:
    """Something suspicious. A hard one holds the tool until somebody allows it by itself."""

    kind: str  # a key of `_SENTENCES`, or "note"
    sentence: str
    is_hard: bool = True


@dataclass(frozen=True)
class _Text:
    """A text of a definition. `place` begins a sentence about it."""

    place: str
    text: str
    is_aside: bool = False  # it is about an argument whose name says that it is beside the point


def inspect(
    definitions: Sequence[Mapping[str, Any]], foreign: Collection[str]
) -> dict[str, list[SuspectText]]:
    """The findings by the tools' names, hard ones first. `foreign` are the full names of other services'
    tools.
    """
    by_name = {str(each.get("name", "")): each for each in definitions}
    texts = {name: list(_texts_of(each)) for name, each in by_name.items()}
    others = frozenset(name for name in foreign if "_" in name) - texts.keys()
    left, found = _MOST_IN_LIST, dict[str, _Alone]()
    for name, each in by_name.items():
        left -= sum(len(text.text) for text in texts[name])
        found[name] = _alone(each, texts[name]) if left >= 0 else _Alone({"unread": ""}, ())
    places = {name: dict(of_tool.places) for name, of_tool in found.items()}
    for name, own in texts.items():
        if (place := _place_of_other_tools(own, others)) is not None:
            places[name]["other_tools"] = place
    for name in _in_pieces(texts, {name for name, kinds in places.items() if kinds}):
        places[name].setdefault("pieces", "")
    return {
        name: [
            *(SuspectText(kind, _SENTENCES[kind].format(place=place)) for kind, place in kinds.items()),
            *(SuspectText("note", sentence, is_hard=False) for sentence in found[name].notes),
        ]
        for name, kinds in places.items()
    }


@dataclass(frozen=True)
class _Alone:
    """What one definition says, whatever else is listed: the place of each hard kind, and the notes."""

    places: Mapping[str, str]
    notes: tuple[str, ...]


# By digest. It takes milliseconds per tool, and a list comes again and again: on the page where a server is
# added, when it is, and with each change.
_known: dict[str, _Alone] = {}


def _alone(definition: Mapping[str, Any], texts: Sequence[_Text]) -> _Alone:
    digest = digest_of(definition)
    if (known := _known.get(digest)) is not None:
        return known
    places = _of_tool(texts)
    claims_to_read = hints_of(definition).get("readOnlyHint") is True
    if claims_to_read and sounds_like_writing(str(definition.get("name", ""))):
        places["contradiction"] = ""
    whole = decoding.latin(" . ".join(each.text for each in texts))
    notes = dict.fromkeys(sentence for pattern, sentence in patterns.NOTES if pattern.search(whole))
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    found = _known[digest] = _Alone(places, tuple(notes))
    return found


def _of_tool(texts: Sequence[_Text]) -> dict[str, str]:
    """The place of each kind of finding in one tool. All texts are judged as one first: most have none."""
    together = list(dict.fromkeys(each.text for each in texts))
    found = {kind: _place_of(kind, texts) for kind in _kinds_in(" . ".join(together))}
    if "override" not in found and finds(patterns.OVERRIDES, decoding.latin(" ".join(together))):
        found["override"] = "It"
    for each in texts:
        if decoding.has_hidden(each.text):
            found.setdefault("hidden", each.place)
            if any(_plain_kinds(decoding.hidden_message(each.text))):
                found.setdefault("encoded", each.place)
        if decoding.mixes_alphabets(each.text):
            found.setdefault("lookalike", each.place)
        if each.is_aside and finds(patterns.ASKS_FOR_CONTEXT, decoding.latin(each.text)):
            found.setdefault("request", each.place)
    return found


def _place_of_other_tools(texts: Sequence[_Text], others: frozenset[str]) -> str | None:
    """Where tools of other services are named, or None."""
    if not _names_other_tools(" . ".join(each.text for each in texts), others):
        return None
    return next((each.place for each in texts if _names_other_tools(each.text, others)), "It")


def _names_other_tools(text: str, others: frozenset[str]) -> bool:
    words = decoding.latin(text)
    return finds(patterns.OTHER_TOOLS, words) or not others.isdisjoint(_WORD.findall(words))


def _place_of(kind: str, texts: Sequence[_Text]) -> str:
    """Where a kind was found, if a single text is enough for it."""
    return next((each.place for each in texts if kind in set(_kinds_in(each.text))), "It")


def _kinds_in(text: str) -> Iterator[str]:
    """The kinds of what the text says, as it stands and once it is decoded."""
    yield from _plain_kinds(text)
    if any(any(_plain_kinds(reading)) for reading in decoding.decoded(text)):
        yield "encoded"


def _plain_kinds(text: str) -> Iterator[str]:
    """The kinds of what the text says as it stands."""
    simple, latin = decoding.simple(text), decoding.latin(text)
    if (
        finds(patterns.OVERRIDES, latin)
        or finds(patterns.OVERRIDES_IN_OTHER_SCRIPTS, simple)
        or finds(patterns.OVERRIDES_IN_LETTERS, decoding.letters(text))
    ):
        yield "override"
    if finds(patterns.REQUESTS, latin):
        yield "request"
    if finds(patterns.SHELL, simple):
        yield "shell"
    if finds(patterns.MARKUP, simple):
        yield "markup"


def _in_pieces(texts: Mapping[str, Sequence[_Text]], known: Collection[str]) -> Iterator[str]:
    """The tools whose texts only together say what one alone must not: in the order of the list, or of their
    names, in plain or encoded form.
    """
    wholes = {name: " ".join(each.text for each in own) for name, own in texts.items()}
    for name, whole in wholes.items():
        if finds(patterns.PIECES, decoding.latin(whole)):
            yield name
    clean = [name for name in texts if name not in known]
    for order in (clean, sorted(clean)):
        for one, other in pairwise(order):
            if _means_more(texts[one], texts[other]):
                yield from (one, other)


def _means_more(one: Sequence[_Text], other: Sequence[_Text]) -> bool:
    """Whether the description or an encoded token of one goes on in the other."""
    ends = [each.text[-_LONGEST_PIECE:] for each in one if each.place == _DESCRIPTION]
    starts = [each.text[:_LONGEST_PIECE] for each in other if each.place == _DESCRIPTION]
    joined = [f"{end} {start}" for end in ends for start in starts]
    last = [token for each in one for token in _ENCODED_PIECE.findall(each.text)][-1:]
    first = [token for each in other for token in _ENCODED_PIECE.findall(each.text)][:1]
    readings = [reading for a in last for b in first for reading in decoding.decoded(a + b)]
    return any(any(_plain_kinds(text)) for text in (*joined, *readings))


# --- the texts of a definition ---

_NAME, _TITLE, _DESCRIPTION = "Its name", "Its title", "Its description"


def _texts_of(definition: Mapping[str, Any]) -> Iterator[_Text]:
    """Every text that an AI client or a person may read."""
    left = _MOST_CHARACTERS
    for each in _every_text(definition):
        left -= len(each.text)
        if left < 0:
            return
        if each.text:
            yield each


def _every_text(definition: Mapping[str, Any]) -> Iterator[_Text]:
    for member, place in (("name", _NAME), ("title", _TITLE), ("description", _DESCRIPTION)):
        if isinstance(text := definition.get(member), str):
            yield _Text(place, text)
    for member, place in (("inputSchema", "An argument"), ("outputSchema", "Its result")):
        yield from _inside(definition.get(member), place, "", 0)
    for member, place in (("annotations", "One of its hints"), ("_meta", "Its metadata")):
        yield from _inside(definition.get(member), place, "", 0)


def _inside(value: Any, place: str, name: str, depth: int) -> Iterator[_Text]:
    """The texts inside of JSON, names of members included. Choices also as one text. `name`: the argument."""
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        yield _Text(place, value, bool(name) and finds(patterns.ASIDES, name.lower()))
    elif isinstance(value, Mapping):
        for key, part in value.items():
            if key in _NAMES and isinstance(part, Mapping):
                for argument, schema in part.items():
                    yield _Text(place, str(argument))
                    yield from _inside(schema, place, str(argument), depth + 2)
            else:
                yield _Text(place, str(key))
                yield from _inside(part, place, name, depth + 1)
    elif isinstance(value, list):
        choices = [part for part in value if isinstance(part, str)]
        if len(choices) > 1:
            yield _Text(place, " ".join(choices))
        for part in value:
            yield from _inside(part, place, name, depth + 1)
