"""What a refused request says about signing in: the `WWW-Authenticate` header (RFC 6750 section 3)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_LONGEST = 8_000
# possessive, and from the first letter of a name: otherwise a long name without "=" takes quadratic time
_PARAMETER = re.compile(r'(?<![A-Za-z0-9_-])([A-Za-z0-9_-]++)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}")  # a scope token of RFC 6749 section 3.3
_MOST_SCOPES = 100


@dataclass(frozen=True)
class Challenge:
    """The parameters of a `Bearer` challenge. All of it is the server's word: nothing is checked yet."""

    resource_metadata: str = ""
    scopes: tuple[str, ...] | None = None  # None: it names none
    error: str = ""


def read(headers: Mapping[str, str]) -> Challenge:
    """The `Bearer` challenge of an answer, or an empty one."""
    text = headers.get("WWW-Authenticate", "")[:_LONGEST]
    found = re.search(r"(?:^|,\s*)bearer(?:\s+|$)", text, re.IGNORECASE)
    if found is None:
        return Challenge()
    values: dict[str, str] = {}
    for name, quoted, bare in _PARAMETER.findall(text[found.end() :]):
        values.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) if quoted else bare)
    scopes = scopes_in(values["scope"]) if "scope" in values else None
    return Challenge(values.get("resource_metadata", ""), scopes, values.get("error", ""))


def scopes_in(value: object) -> tuple[str, ...]:
    """The scopes of a space separated text, or of a list; what is no scope is left out."""
    parts = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
    scopes = (part for part in parts if isinstance(part, str) and _SCOPE.fullmatch(part))
    return tuple(dict.fromkeys(scopes))[:_MOST_SCOPES]
