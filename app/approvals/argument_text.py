"""The arguments of a write as a person reads them: labels in words, grouped amounts, folded texts, tables.

Nothing that has an effect is left out, and nothing is shortened or rounded. Invisible characters are drawn as
their code points: a person approves what they read.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

CUT = "… (cut here)"  # ends a text in a chat that is not whole
LONG = 280  # characters above which a text is folded
_LINES = 5
_MOST_COLUMNS = 8
_AMOUNT = re.compile(
    r"(^|_)(amount|price|rate|total|subtotal|delta|quantity|cost|fee|tax|balance|paid|due)(_|$)"
)
_NOT_MONEY = re.compile(r"(^|_)(rate|quantity|delta|balance)(_|$)")
_NOT_AMOUNT = re.compile(r"(^|_)(id|ids|type|code|date|number|days)$")
_CAPITALS = {"id": "ID", "ids": "IDs", "url": "URL", "cc": "Cc", "bcc": "Bcc", "po": "PO", "html": "HTML"}
_MONEY = re.compile(r"amount|price", re.IGNORECASE)
# Several emoji joined into one, such as a family, and the flags of England, Scotland and Wales: the joiners
# are needed there, and nothing else can hide in them. https://www.unicode.org/reports/tr51/#Emoji_Sequences
_PICTURE = "[\u2194\u2195\u2300-\u23ff\u2600-\u27bf\u2b1b\u2b1c\u2b50\u2b55\U0001f000-\U0001faff]"
_ONE_EMOJI = f"{_PICTURE}\ufe0f?[\U0001f3fb-\U0001f3ff]?"
_EMOJI = re.compile(
    f"{_ONE_EMOJI}(?:\u200d{_ONE_EMOJI})+"
    "|\U0001f3f4\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074"
    "|\U000e0077\U000e006c\U000e0073)\U000e007f"
)
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")  # letters and marks that show nothing
_NULL, _EMPTY = "⟨null⟩", "⟨empty⟩"  # what would look like nothing, and erases what is there


@dataclass(frozen=True)
class DisplayedArgument:
    """One argument. A `table` has columns and rows, a `list` items in `rows`, other kinds a text."""

    label: str
    kind: Literal["text", "long", "list", "table"]
    text: str = ""
    hint: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def beginning(self) -> str:
        """The beginning of a long text, for the line it is folded under."""
        first = " ".join(self.text[: LONG // 2].split())
        return f"{first}…"


def display(arguments: Mapping[str, Any], schema: Mapping[str, Any] | None = None) -> list[DisplayedArgument]:
    """Every argument that has an effect, in the order of the tool's schema.

    Not displayed: `confirm`, which the page itself asks for, null, and an empty value that is the default.
    """
    described: Mapping[str, Any] = (schema or {}).get("properties", {})
    return [
        _displayed(name, arguments[name], described.get(name, {}))
        for name in _in_order_of(described, arguments)
        if not _has_no_effect(name, arguments[name], described.get(name, {}))
    ]


def visible(text: str) -> str:
    """The text with each invisible or direction-changing character drawn as its code point."""
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n")
    drawn, at = [], 0
    for emoji in _EMOJI.finditer(text):
        drawn += [_drawn(text[at : emoji.start()]), emoji[0]]
        at = emoji.end()
    return "".join((*drawn, _drawn(text[at:])))


def _drawn(text: str) -> str:
    return "".join(c if c in "\n\t" or not _is_hidden(c) else f"⟨U+{ord(c):04X}⟩" for c in text)


def as_plain_text(displayed: Sequence[DisplayedArgument], most: int) -> str:
    """The arguments for a chat, one per line; at most `most` characters, and a note if that cuts them."""
    text = "\n".join(line for one in displayed for line in _lines(one))
    return text if len(text) <= most else text[:most].rstrip() + CUT


def indented(text: str) -> str:
    """The text with every line but the first indented, so that none looks like a line of its own."""
    return text.replace("\n", "\n    ")


def label_of(name: str) -> str:
    """`due_date` as "Due date"."""
    words = [_CAPITALS.get(word, word) for word in visible(name).replace("-", "_").split("_") if word]
    text = " ".join(words) or visible(name)
    return text[:1].upper() + text[1:]


def _in_order_of(described: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """The names in the order of a schema's properties, the others behind."""
    places = {name: place for place, name in enumerate(described)}
    return sorted(names, key=lambda name: places.get(name, len(places)))


def _displayed(name: str, value: Any, described: Mapping[str, Any]) -> DisplayedArgument:
    label, hint = label_of(name), _hint(name, described)
    if isinstance(value, Mapping):
        value = [value]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _displayed_sequence(label, hint, name, value, described)
    text = _meant(name, value)
    long = len(text) > LONG or text.count("\n") >= _LINES
    return DisplayedArgument(label, "long" if long else "text", text, hint)


def _displayed_sequence(
    label: str, hint: str, name: str, values: Sequence[Any], described: Mapping[str, Any]
) -> DisplayedArgument:
    if all(isinstance(value, Mapping) for value in values):
        inner, is_free = _members(described)
        columns = _in_order_of(
            inner,
            dict.fromkeys(
                key
                for value in values
                for key, cell in value.items()
                if not _is_empty(cell) or (is_free and key not in inner)
            ),
        )
        if len(columns) <= _MOST_COLUMNS:
            heads = tuple(label_of(key) for key in columns)
            return DisplayedArgument(
                label,
                "table",
                hint=hint,
                columns=heads,
                rows=tuple(
                    tuple(
                        _meant(k, v[k]) if is_free and k not in inner and k in v else _text(k, v.get(k))
                        for k in columns
                    )
                    for v in values
                ),
            )
        return DisplayedArgument(
            label, "long", visible(json.dumps(values, indent=2, ensure_ascii=False)), hint
        )
    if all(isinstance(value, Sequence) and not isinstance(value, str) for value in values):
        width = max((len(value) for value in values), default=0)
        if width <= _MOST_COLUMNS:
            text_of = _meant if described else _text
            rows = tuple(
                tuple(text_of("", cell) for cell in value) + ("",) * (width - len(value)) for value in values
            )
            return DisplayedArgument(label, "table", hint=hint, rows=rows)
        return DisplayedArgument(label, "long", visible(json.dumps(values, ensure_ascii=False)), hint)
    return DisplayedArgument(label, "list", hint=hint, rows=tuple((_text(name, value),) for value in values))


def _members(described: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """The members an object, or each in a list, has by its schema, and whether it may have any other: those
    are fields of the service, where null and "" mean something. A member the schema names has its default.
    """
    about = described.get("items", described)
    return about.get("properties", {}), about.get("additionalProperties", False) is not False


def _meant(name: str, value: Any) -> str:
    """A value that erases what is there, or leaves it, by that name; any other as its text."""
    return _NULL if value is None else _EMPTY if value == "" else _text(name, value)


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, str):
        return _grouped(name, value) if _is_amount(name) else visible(value)
    if isinstance(value, (int, float)):
        return _grouped(name, str(value)) if _is_amount(name) else str(value)
    return visible(json.dumps(value, ensure_ascii=False))


def _grouped(name: str, text: str) -> str:
    """A number with grouped thousands and every digit it has, money with one decimal as with two; any other
    text unchanged.
    """
    try:
        number = Decimal(text)
    except InvalidOperation:
        return visible(text)
    if not number.is_finite() or abs(number.adjusted()) >= 40:
        return visible(text)
    is_short = number.as_tuple().exponent == -1 and not _NOT_MONEY.search(name)
    return f"{number:,.2f}" if is_short else f"{number:,f}"


def _is_amount(name: str) -> bool:
    return bool(_AMOUNT.search(name)) and not _NOT_AMOUNT.search(name)


def _hint(name: str, described: Mapping[str, Any]) -> str:
    """What an amount counts in, or what its choices mean, from the tool's description."""
    about = str(described.get("description", ""))
    tells = ("enum" in described and about.count(" ") > 2) or (
        _is_amount(name) and _MONEY.search(name + about)
    )
    return about if tells and len(about) <= 120 else ""


def _has_no_effect(name: str, value: Any, described: Mapping[str, Any]) -> bool:
    if name == "confirm" and value is True:
        return True
    return _is_empty(value) or (value == "" and described.get("default") == "")


def _is_empty(value: Any) -> bool:
    return value is None or value == [] or value == {}


def _is_hidden(character: str) -> bool:
    return (
        unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
        or character in _BLANK
        or "\U000e0100" <= character <= "\U000e01ef"  # variation selectors, which can carry a whole text
    )


def _lines(one: DisplayedArgument) -> list[str]:
    if one.kind == "table":
        rows = [
            " | ".join(
                indented(f"{head}: {cell}" if head else cell)
                for head, cell in zip(one.columns or [""] * len(row), row, strict=True)
            )
            for row in one.rows
        ]
        return [f"{one.label}:", *(f"  - {row}" for row in rows)]
    if one.kind == "list":
        return [f"{one.label}: " + ", ".join(indented(row[0]) for row in one.rows)]
    return [f"{one.label}: {indented(one.text)}"]
