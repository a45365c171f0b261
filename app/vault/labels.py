"""Labels of connections: what one may hold, and when it stands in front of a colleague's AI client.

A member names a connection, and every colleague's model reads the name in its list of tools, which it trusts
more than data. So a label is plain text, and only what looks like a name gets there; the id stands in for
anything else.
"""

import unicodedata
from collections.abc import Sequence

from app.connectors.rows import plain
from app.vault.models import Connection

LONGEST = 60
_LONGEST_NAME, _MOST_WORDS = 40, 5
_MARKS = frozenset(" -–_.,'’&()/+@#")


def is_plain(text: str) -> bool:
    """Whether a text is made of letters, digits and the punctuation of names, and no longer than a label."""
    return len(text) <= LONGEST and all(
        char in _MARKS or unicodedata.category(char)[0] in {"L", "M", "N"} for char in text
    )


def is_name(text: str) -> bool:
    """Whether a text is short enough to be a name and no sentence."""
    words = text.split()
    return (
        bool(words)
        and is_plain(text)
        and len(text) <= _LONGEST_NAME
        and len(words) <= _MOST_WORDS
        and not any(word.endswith((".", ",")) and len(word) > 5 for word in words[:-1])
    )


def names_of(connections: Sequence[Connection]) -> dict[str, str]:
    """Connection id to its name for AI clients: its label, else the account's name, else its id; unique."""
    names = {c.id: _name_of(c) for c in connections}
    seen = [name.casefold() for name in names.values()]
    return {id: name if seen.count(name.casefold()) == 1 else f"{name} ({id})" for id, name in names.items()}


def _name_of(connection: Connection) -> str:
    candidates = (str(plain(text)) for text in (connection.label, connection.account_name))
    return next(filter(is_name, candidates), connection.id)
