"""Text of others made safe to show."""

import re
import unicodedata
from typing import Any


def plain(value: Any) -> Any:
    """A service's data made safe to show: no control characters, no text direction tricks, nothing hidden.

    What writing needs stays, so that text that is read and written again is the same: line breaks, tabs, soft
    hyphens, joiners between letters or emoji, marks in right-to-left text. Applies to every string at any
    depth.
    """
    if isinstance(value, str):
        if value.isascii() and value.isprintable():
            return value
        return SUSPECT.sub(_Keeping(value), value)
    if isinstance(value, dict):
        return {plain(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


# Controls except tab and line breaks, lone surrogates, and the format characters (Unicode category Cf) that
# hide something or change the direction. The others of that category show, such as the Arabic number sign.
SUSPECT = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\ud800-\udfff\U000e0000-\U000e007f]"
)
_JOINERS = "\u200c\u200d"  # between Persian letters, in Indic syllables, in emoji of several people
_BREAKS = "\u200b\u2060"  # where a line may or may not break, in scripts without spaces
_DIRECTION_MARKS = "\u061c\u200e\u200f"  # beside right-to-left letters; without any they are a trick
_RIGHT_TO_LEFT = re.compile(
    r"[\u0590-\u061b\u061d-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
# Flags of England, Scotland, Wales: https://www.unicode.org/reports/tr51/#def_emoji_tag_sequence
_FLAG = re.compile(r"\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")
_LONGEST_FLAG = 8


class _Keeping:
    """Decides for each suspect character of a text whether it is needed where it stands."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._right_to_left: bool | None = None

    def __call__(self, found: re.Match[str]) -> str:
        """The character, or nothing."""
        character, text = found[0], self._text
        before = text[found.start() - 1] if found.start() else ""
        after = text[found.end() : found.end() + 1]
        if character in _JOINERS:
            # after a mark: the half form of an Indic letter, which may end a word
            is_needed = _joins(before) and (_joins(after) or unicodedata.category(before) in {"Mn", "Mc"})
        elif character in _BREAKS:
            is_needed = all(
                c and not c.isascii() and unicodedata.category(c)[0] in "LM" for c in (before, after)
            )
        elif character in _DIRECTION_MARKS:
            if self._right_to_left is None:
                self._right_to_left = _RIGHT_TO_LEFT.search(text) is not None
            is_needed = self._right_to_left
        else:
            start = text.rfind("\U0001f3f4", max(0, found.start() - _LONGEST_FLAG), found.start())
            flag = _FLAG.match(text, start) if start >= 0 else None
            is_needed = flag is not None and found.end() <= flag.end()
        return character if is_needed else ""


def _joins(character: str) -> bool:
    """Whether it is a letter, a mark, a digit or an emoji."""
    if not character:
        return False
    category = unicodedata.category(character)
    return category[0] in "LMN" or (category in {"So", "Sk", "Sm"} and not character.isascii())
