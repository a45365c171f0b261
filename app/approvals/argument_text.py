"""The arguments of a write as a person reads them: labels in words, grouped amounts, folded texts, tables.

Nothing is left out, shortened or rounded, and invisible characters are drawn as their code points: a person
approves what they read.
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

LONG = 280  # characters above which a text is folded
_LINES = 5
_MOST_COLUMNS = 8
_AMOUNT = re.compile(
    r"(^|_)(amount|price|rate|total|subtotal|delta|quantity|cost|fee|tax|balance|paid|due)(_|$)"
)
_NOT_AMOUNT = re.compile(r"(^|_)(id|ids|type|code|date|number|days)$")
_CAPITALS = {"id": "ID", "ids": "IDs", "url": "URL", "cc": "Cc", "bcc": "Bcc", "po": "PO", "html": "HTML"}
_MONEY = re.compile(r"amount|price|smallest unit", re.IGNORECASE)
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
    """Every argument that has a value, in the order of the tool's schema."""
    described: Mapping[str, Any] = (schema or {}).get("properties", {})
    names = sorted(
        arguments, key=lambda name: list(described).index(name) if name in described else len(described)
    )
    return [
        _displayed(name, arguments[name], described.get(name, {}))
        for name in names
        if not _is_empty(arguments[name])
    ]


def visible(text: str) -> str:
    """The text with each invisible or direction-changing character drawn as its code point."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c if c in "\n\t" or not _is_hidden(c) else f"⟨U+{ord(c):04X}⟩" for c in text.replace("\r\n", "\n")
    )


def as_plain_text(displayed: Sequence[DisplayedArgument], most: int) -> str:
    """The arguments for a chat, one per line; at most `most` characters, and a note if that cuts them."""
    text = "\n".join(line for one in displayed for line in _lines(one))
    return text if len(text) <= most else text[:most].rstrip() + "… (cut here)"


def label_of(name: str) -> str:
    """`due_date` as "Due date"."""
    words = [_CAPITALS.get(word, word) for word in visible(name).replace("-", "_").split("_") if word]
    text = " ".join(words) or visible(name)
    return text[:1].upper() + text[1:]


def _displayed(name: str, value: Any, described: Mapping[str, Any]) -> DisplayedArgument:
    label, hint = label_of(name), _hint(name, described)
    if isinstance(value, Mapping):
        value = [value]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _displayed_sequence(label, hint, name, value, described)
    text = _text(name, value)
    long = len(text) > LONG or text.count("\n") >= _LINES
    return DisplayedArgument(label, "long" if long else "text", text, hint)


def _displayed_sequence(
    label: str, hint: str, name: str, values: Sequence[Any], described: Mapping[str, Any]
) -> DisplayedArgument:
    if all(isinstance(value, Mapping) for value in values):
        inner, is_free = _members(described)
        columns = list(
            dict.fromkeys(
                key
                for value in values
                for key, cell in value.items()
                if not _is_empty(cell) or (is_free and key not in inner)
            )
        )
        if len(columns) <= _MOST_COLUMNS:
            heads = tuple(_with_hint(label_of(key), _hint(key, inner.get(key, {}))) for key in columns)
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
        return _grouped(value) if _is_amount(name) else visible(value)
    if isinstance(value, (int, float)):
        return _grouped(str(value)) if _is_amount(name) else str(value)
    return visible(json.dumps(value, ensure_ascii=False))


def _grouped(text: str) -> str:
    """A number with grouped thousands and every digit it has; any other text unchanged."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return visible(text)
    return f"{number:,f}" if number.is_finite() and abs(number.adjusted()) < 40 else visible(text)


def _is_amount(name: str) -> bool:
    return bool(_AMOUNT.search(name)) and not _NOT_AMOUNT.search(name)


def _hint(name: str, described: Mapping[str, Any]) -> str:
    """What an amount counts in, or what its choices mean, from the tool's description."""
    about = str(described.get("description", ""))
    tells = "enum" in described or (_is_amount(name) and _MONEY.search(name + about))
    return about if tells and len(about) <= 120 else ""


def _with_hint(label: str, hint: str) -> str:
    return f"{label} ({hint.rstrip('.')})" if "smallest unit" in hint else label


def _is_empty(value: Any) -> bool:
    return value is None or value == [] or value == {}


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def _lines(one: DisplayedArgument) -> list[str]:
    if one.kind == "table":
        rows = [
            " | ".join(
                f"{head}: {cell}" if head else cell
                for head, cell in zip(one.columns or [""] * len(row), row, strict=True)
            )
            for row in one.rows
        ]
        return [f"{one.label}:", *(f"  - {row}" for row in rows)]
    if one.kind == "list":
        return [f"{one.label}: " + ", ".join(row[0] for row in one.rows)]
    return [
        f"{one.label}: {one.text}" + (f" ({one.hint.rstrip('.')})" if "smallest unit" in one.hint else "")
    ]
