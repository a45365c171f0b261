"""Names of arguments that somebody may have meant with another one."""

import difflib
from collections.abc import Iterable

_ALIKE = 0.75  # of difflib's ratio, from 0 to 1
_SHORTEST = 4  # letters of a name that may be part of another, such as `customer` of `customer_id`


def letters_of(name: str) -> str:
    """The name without case and separators: `customer_Id` and `customerId` are the same."""
    return "".join(c for c in name.casefold() if c.isalnum())


def closest(name: str, declared: Iterable[str]) -> str | None:
    """The declared name that this one is a misspelling or a part of, or None."""
    letters = letters_of(name)
    by_letters = {letters_of(each): each for each in declared}
    if letters in by_letters:
        return by_letters[letters]
    if alike := difflib.get_close_matches(letters, by_letters, n=1, cutoff=_ALIKE):
        return by_letters[alike[0]]
    for other, each in by_letters.items():
        shorter, longer = sorted((letters, other), key=len)
        if len(shorter) >= _SHORTEST and shorter in longer:
            return each
    return None
