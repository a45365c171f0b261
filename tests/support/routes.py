"""Every route of the application as a test can call it: generated from the url_map, so that a new route is
swept from its first day.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from flask import Flask, Request
from werkzeug.datastructures import ImmutableMultiDict

# Answered by Flask itself from files of ours; swept once, not with every field.
STATIC = "static"


@dataclass(frozen=True)
class Route:
    """One method at one address. `arguments` are the names in its path."""

    method: str
    rule: str
    endpoint: str
    arguments: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method} {self.rule}"

    def path(self, values: Mapping[str, str]) -> str:
        """The address with these values in it, quoted unless they are quoted already."""

        def put(found: re.Match[str]) -> str:
            value = values.get(found[1], "1")
            return value if "%" in value else quote(value, safe="")

        return re.sub(r"<(?:[^:<>]+:)?(\w+)>", put, self.rule)


def every_route(app: Flask) -> list[Route]:
    """Sorted, so that failures come in the same order everywhere."""
    rules = sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint))
    return [
        Route(method, rule.rule, rule.endpoint, tuple(sorted(rule.arguments)))
        for rule in rules
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


class _Noticing(ImmutableMultiDict[str, Any]):
    """Fields that remember which of them were asked for."""

    read_fields: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.read_fields.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.read_fields.add(str(key))
        return super().__contains__(key)

    def get(self, key: str, *given: Any, **options: Any) -> Any:  # type: ignore[override]
        self.read_fields.add(key)
        return super().get(key, *given, **options)

    def getlist(self, key: str, *given: Any, **options: Any) -> Any:  # type: ignore[override]
        self.read_fields.add(key)
        return super().getlist(key, *given, **options)


class NoticingRequest(Request):
    """Set as `app.request_class`, it tells which fields a view looks at."""

    parameter_storage_class = _Noticing


def noticed() -> Iterator[str]:
    """The fields asked for since the last time."""
    read_fields = set(_Noticing.read_fields)
    _Noticing.read_fields.clear()
    yield from sorted(read_fields)
