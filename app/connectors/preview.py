"""What a write would do, for the person who approves it: a headline, its button, and facts looked up first.

A tool's preview function takes the tool's own parameters and changes nothing. It reads at the service what
the arguments only point to (the invoice behind an id, the client's email address), and raises the error the
write itself would meet, so that nobody approves what cannot work.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic_core import to_jsonable_python

from app.connectors import money

_COVERED_BY_APPROVAL = frozenset({"confirm"})  # asks the AI client for what the approval is
_INNER_QUOTES = {ord(mark): "'" for mark in "“”„‟"}
_MOST_QUOTED = 60  # characters of a text in a headline


@dataclass(frozen=True)
class Fact:
    """One thing looked up at the service, such as "Client" and "Harbor Pottery <accounts@harbor.example>"."""

    label: str
    value: str


@dataclass(frozen=True)
class Preview:
    """What one call would do.

    `headline` is an imperative sentence without a full stop: "Email invoice NS0139, 220.00 USD, to Harbor
    Pottery". `button` is the same in a few words: "Send invoice, 220.00 USD". `covers` names the arguments
    that the headline states in full; the others are represented in it by a reference, so that two different
    calls never have one headline. An id is covered only by what is unique, such as an invoice's number: two
    tables may have one name. `facts` come from the service, never from the arguments.
    """

    headline: str
    button: str
    facts: tuple[Fact, ...] = ()
    covers: frozenset[str] = frozenset()
    # what the person should know before they approve, beside "Can't be undone" of every destructive tool
    warning: str = ""

    def full_headline(self, arguments: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
        """The headline with a reference to the arguments it does not state, if any differ from `defaults`."""
        rest = {
            name: value
            for name, value in arguments.items()
            if name not in _COVERED_BY_APPROVAL | self.covers
            and value is not None
            and value != defaults.get(name)
        }
        return f"{self.headline} · ref {reference(rest)}" if rest else self.headline


def defaults_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults that a tool's input schema names, by argument."""
    return {name: part["default"] for name, part in schema.get("properties", {}).items() if "default" in part}


def facts(*pairs: tuple[str, object]) -> tuple[Fact, ...]:
    """Facts from labels and values; those without a value are left out."""
    return tuple(Fact(label, str(value)) for label, value in pairs if value not in (None, ""))


def amount(value: Decimal | str, currency: str | None) -> str:
    """An amount as people read it: "1,220.00 USD"; without a currency if the service names none."""
    text = f"{Decimal(money.as_text(Decimal(value), currency)):,}"
    return f"{text} {currency}" if currency else text


def quoted(text: str) -> str:
    """A text in quotation marks; of a long one the beginning, its length and a reference to the whole.

    Quotation marks within it are written otherwise, with a reference: no text can end its own quotation.
    """
    line = " ".join(text.split()).translate(_INNER_QUOTES)
    if line == text and len(line) <= _MOST_QUOTED:
        return f"“{line}”"
    if len(line) <= _MOST_QUOTED:
        return f"“{line}” (ref {reference(text)})"
    return f"“{line[:_MOST_QUOTED].rstrip()}…” ({len(text):,} characters, ref {reference(text)})"


def counted(number: int, noun: str, plural: str = "") -> str:
    """ "1 line" or "3 lines"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(names: Iterable[str], most: int = 3) -> str:
    """ "a, b and c"; of more than `most` names the first ones and a reference to all."""
    found = list(names)
    if len(found) > most:
        return f"{', '.join(found[:most])} and {len(found) - most:,} more (ref {reference(found)})"
    return " and ".join(filter(None, (", ".join(found[:-1]), *found[-1:])))


def reference(value: Any) -> str:
    """Eight characters that stand for a value: the same for equal values, another for any other."""
    canonical = json.dumps(to_jsonable_python(value), sort_keys=True, ensure_ascii=False)
    return base64.b32encode(hashlib.sha256(canonical.encode()).digest())[:8].decode()


def plain_preview(title: str) -> Preview:
    """The preview of a tool that declares none: its title, and a reference to everything else."""
    return Preview(title, title)
