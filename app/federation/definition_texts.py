"""Every text of a tool's definition with its place, for the person who decides about it.

The page displays all that is pinned: a model reads argument names, defaults, choices and metadata as well as
descriptions, so an order can be hidden in any of them. Only what says nothing is left out there, such as
`"type": "string"` and the titles that frameworks make of names. Hidden characters are written out.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.federation import hygiene_decoding
from app.federation.definitions import pinned_part

_MOST_TEXTS = 500  # of one definition that have a place of their own
_DEEPEST = 40
_JOINED = {" ", "\n", "\t", "\r"}
_MEMBERS = {
    "name": "Name",
    "title": "Title",
    "description": "Description",
    "inputSchema": "Arguments",
    "outputSchema": "Result",
    "annotations": "Hints",
    "_meta": "Metadata",
}
_SCHEMAS = {"inputSchema", "outputSchema"}
# https://modelcontextprotocol.io/specification/2025-11-25/schema#toolannotations
_HINTS = {
    "readOnlyHint": "only reads (readOnlyHint)",
    "destructiveHint": "may delete or overwrite (destructiveHint)",
    "idempotentHint": "safe to repeat (idempotentHint)",
    "openWorldHint": "reaches other systems (openWorldHint)",
}
# Keywords of JSON Schema 2020-12 and of older drafts, by what their values are.
_BY_NAME = {
    "properties": "",
    "patternProperties": "names that match",
    "dependentSchemas": "if present",
    "$defs": "",
    "definitions": "",
}
_DEFINITIONS = ("$defs", "definitions")
_NESTED = frozenset(
    {
        *("items", "additionalItems", "additionalProperties", "contains", "propertyNames", "not", "if"),
        *("then", "else", "unevaluatedItems", "unevaluatedProperties", "contentSchema"),
        *("allOf", "anyOf", "oneOf", "prefixItems"),
    }
)
_TRANSPARENT = frozenset({"items", "prefixItems", "allOf", "anyOf", "oneOf"})  # places do not name them
_WORDS = {"enum": "choices", "const": "always"}
_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
_DRAFTS = frozenset(
    f"{scheme}://json-schema.org/{draft}/schema{end}"
    for scheme in ("http", "https")
    for draft in ("draft-04", "draft-06", "draft-07", "draft/2019-09", "draft/2020-12")
    for end in ("", "#")
)


@dataclass(frozen=True)
class Place:
    """Where a text is: the names that lead there, and the keyword of a schema that holds it, if any."""

    path: tuple[str, ...]
    keyword: str = ""

    def __str__(self) -> str:
        """Such as "Arguments › status › choices"."""
        return " › ".join((*self.path, self.keyword) if self.keyword else self.path)


_REST = Place(("Everything else",))
_NAMES = frozenset({_MEMBERS["name"], _MEMBERS["title"]})
_OLDER_TITLE = (_MEMBERS["annotations"], "title")


@dataclass(frozen=True)
class DefinitionPart:
    """A member of a definition: its heading, or "" for its names, and each text with the term before it."""

    heading: str
    texts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Leaf:
    place: Place
    text: str
    is_name: bool = False  # the place itself is what the definition says: an argument of that name exists
    says_nothing: bool = False


def texts_of(definition: Mapping[str, Any]) -> dict[Place, str]:
    """Every name, text, number and flag of a definition by its place, for comparing two of them."""
    found: dict[Place, str] = {}
    for leaf in _leaves(definition):
        place, text = leaf.place, leaf.text
        if len(found) >= _MOST_TEXTS and place not in found:
            place, text = _REST, f"{place}: {text}"
        found[place] = f"{found[place]}, {text}" if place in found else text
    return found


def parts_of(definition: Mapping[str, Any], displayed: Collection[str]) -> tuple[DefinitionPart, ...]:
    """Everything but the description, without what says nothing.

    `displayed` are the name and the title that the page states already: they are not repeated.
    """
    parts: dict[str, dict[str, str]] = {}
    for leaf in _leaves(definition):
        heading, *names = leaf.place.path
        is_stated = leaf.text in displayed and (heading in _NAMES or leaf.place.path == _OLDER_TITLE)
        if leaf.says_nothing or is_stated or heading == _MEMBERS["description"]:
            continue
        term, text = _term(names, leaf.place.keyword) or heading, "" if leaf.is_name else leaf.text
        texts = parts.setdefault("" if heading in _NAMES else heading, {})
        texts[term] = f"{texts[term]}, {text}" if texts.get(term) else text
    return tuple(DefinitionPart(heading, tuple(texts.items())) for heading, texts in parts.items())


def _term(names: Sequence[str], keyword: str) -> str:
    """What stands before a text. A description belongs to the name alone."""
    words = names if names and keyword == "description" else (*names, keyword)
    return " › ".join(word for word in words if word)


def visible(text: str) -> str:
    """The text with every character that people cannot see written out, such as ⟨U+200B⟩."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _is_seen(char) else f"⟨U+{ord(char):04X}⟩" for char in text)


def _is_seen(char: str) -> bool:
    if "\ufe00" <= char <= "\ufe0e" or "\U000e0100" <= char <= "\U000e01ef":  # variation selectors
        return False
    if hygiene_decoding.is_blank(char):
        return False
    return char in _JOINED or unicodedata.category(char) not in {"Cf", "Cc", "Cn", "Co", "Cs", "Zl", "Zp"}


# --- reading a definition ---


def _leaves(definition: Mapping[str, Any]) -> Iterator[_Leaf]:
    own_name = str(definition.get("name", ""))
    for member, value in pinned_part(definition).items():
        path = (_MEMBERS[member],)
        if member in _SCHEMAS and isinstance(value, Mapping):
            yield from _SchemaReader(value).leaves(value, path, own_name)
        elif member == "annotations" and isinstance(value, Mapping):
            for key, part in value.items():
                yield from _of_value(part, Place((*path, _HINTS.get(key, visible(str(key))))), 0)
        else:
            yield from _of_value(value, Place(path), 0)


class _SchemaReader:
    """Reads one JSON Schema."""

    def __init__(self, whole: Mapping[str, Any]) -> None:
        defined = ((key, whole[key]) for key in _DEFINITIONS if isinstance(whole.get(key), Mapping))
        self._references = {f"#/{key}/{name}" for key, names in defined for name in names}

    def leaves(self, schema: Any, path: tuple[str, ...], name: str, depth: int = 0) -> Iterator[_Leaf]:
        """The texts of a part. `name`: of the argument, or of the tool, that it describes."""
        if not isinstance(schema, Mapping) or depth > _DEEPEST:
            yield from _of_value(schema, Place(path), depth)
            return
        for key, value in schema.items():
            if key in _BY_NAME and isinstance(value, Mapping):
                inner = (*path, word) if (word := _BY_NAME[key]) else path
                for each, part in value.items():
                    named = (*inner, visible(str(each)))
                    yield _Leaf(Place(named), "present", is_name=True)
                    yield from self.leaves(part, named, str(each), depth + 1)
            elif key in _NESTED and isinstance(value, Mapping | list):
                for part in value if isinstance(value, list) else [value]:
                    inner = path if key in _TRANSPARENT else (*path, key)
                    yield from self.leaves(part, inner, name, depth + 1)
            else:
                says_nothing = self._says_nothing(schema, key, name)
                place = Place(path, _WORDS.get(key, visible(str(key))))
                for leaf in _of_value(value, place, depth + 1):
                    yield replace(leaf, says_nothing=says_nothing)

    def _says_nothing(self, schema: Mapping[str, Any], key: str, name: str) -> bool:
        """Whether a keyword says nothing that a person or a model could act on, or repeats names."""
        value = schema[key]
        if key in {"type", "required"}:
            known = _TYPES if key == "type" else schema.get("properties") or {}
            return all(isinstance(one, str) and one in known for one in _as_list(value))
        if key == "title":
            title = _letters(value) if isinstance(value, str) else None
            return title in {_letters(name + ending) for ending in ("", "Arguments", "Output")}
        if key in {"$schema", "$ref"}:
            return isinstance(value, str) and value in (_DRAFTS if key == "$schema" else self._references)
        return (key, value) in (("default", None), ("default", ""), ("additionalProperties", False))


def _of_value(value: Any, place: Place, depth: int) -> Iterator[_Leaf]:
    """The texts of plain JSON."""
    if depth > _DEEPEST:
        yield _Leaf(place, visible(repr(value)))
    elif isinstance(value, Mapping) and value:
        for key, part in value.items():
            path = (*place.path, place.keyword) if place.keyword else place.path
            yield from _of_value(part, Place((*path, visible(str(key)))), depth + 1)
    elif isinstance(value, list | tuple) and value:
        for part in value:
            yield from _of_value(part, place, depth + 1)
    else:
        yield _Leaf(place, _written(value))


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, Mapping | list | tuple):
        return "none"
    return visible(str(value))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _letters(name: str) -> str:
    """A name in one spelling, whether it is written in words, in snake case or in camel case."""
    return re.sub(r"[ _-]+", "", name).lower()
