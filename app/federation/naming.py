"""The names of an MCP server's tools here: `<slug>_<verb>`, 48 characters at most, lower case.

Why 48: AI clients put a prefix of their own before a name and allow 64 in all
(https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool-names allows 128). A verb is
chosen once, when the tool is first seen, and stored, so a name stays whatever the server lists later.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping

from app.crypto import digest

LONGEST = 48  # characters of a full name
LONGEST_ORIGINAL = 200  # characters of a name as the server sends it
_DIGEST = 6  # characters that tell two tools apart whose names would be one
_SHORTEST_WORDS = 2  # characters of readable text for which a name is no mere digest
_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_STORABLE = re.compile(r"[\0\ud800-\udfff]")
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")


def is_storable(name: str) -> bool:
    """Whether a name of the server's is one that a row can have, and a request can carry."""
    return 0 < len(name) <= LONGEST_ORIGINAL and not _NOT_STORABLE.search(name)


def full_name(slug: str, verb: str) -> str:
    """The tool's name as AI clients call it."""
    return f"{slug}_{verb}"


def choose(slug: str, names: Iterable[str], taken: Mapping[str, str]) -> dict[str, str]:
    """A verb for each of these names of tools, unique within the server and the same in any order.

    `taken` are the verbs already given out, by name of the tool; those never change.
    """
    chosen: dict[str, str] = {}
    used = set(taken.values())
    for name in sorted(set(names) - taken.keys()):
        chosen[name] = _free(slug, name, used)
        used.add(chosen[name])
    return {**taken, **chosen}


def _free(slug: str, name: str, used: Collection[str]) -> str:
    room = LONGEST - len(slug) - 1
    words = words_of(name)
    if words.startswith(f"{slug}_"):
        words = words.removeprefix(f"{slug}_")
    if len(words) >= _SHORTEST_WORDS and len(words) <= room and words not in used and _is_whole(name):
        return words
    salt = 0
    while (verb := _with_digest(words, name, room, salt)) in used:
        salt += 1
    return verb


def words_of(name: str) -> str:
    """The name in snake case, as far as it has Latin letters and digits."""
    decomposed = unicodedata.normalize("NFKD", name)
    latin = "".join(c for c in decomposed if not unicodedata.combining(c))
    return _NOT_IN_A_NAME.sub("_", _WORD_STARTS.sub("_", latin).lower()).strip("_")


def _is_whole(name: str) -> bool:
    """Whether no letter or digit of the name is lost in `_words`: else other names have the same words."""
    decomposed = unicodedata.normalize("NFKD", name)
    return all(c.isascii() or unicodedata.category(c)[0] not in "LN" for c in decomposed)


def _with_digest(words: str, name: str, room: int, salt: int) -> str:
    mark = digest(f"{salt}:{name}" if salt else name)[:_DIGEST]
    beginning = (words or "tool")[: room - _DIGEST - 1].rstrip("_")
    return f"{beginning}_{mark}"
