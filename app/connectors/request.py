"""One request to a service's API, and what its address and fields are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from app.errors import ObjectNotFound


@dataclass(frozen=True)
class ApiRequest:
    """One request without its token. `path` is the template, `url` the filled-in address."""

    method: str
    path: str
    url: str
    params: Any
    json: Any
    form: Any
    headers: Mapping[str, str]
    guarded: bool
    to_discovered_host: bool = False  # a host that the service itself listed


def given(values: Mapping[str, Any], absent: tuple[Any, ...] = (None,)) -> dict[str, Any]:
    """The fields that were given a value: a missing field is left to the service, null often empties it."""
    return {name: value for name, value in values.items() if value not in absent}


def path_parts(parts: Mapping[str, Any], name: str) -> dict[str, str]:
    """The parts quoted for a path. Raises ObjectNotFound for empty, `.` and `..`, which name another path."""
    texts = {key: str(value) for key, value in parts.items()}
    if not all(text.strip(".") for text in texts.values()):
        raise ObjectNotFound(
            f"{name} has no record with that id. List the records again and use an id from there."
        )
    return {key: quote(text, safe="") for key, text in texts.items()}


@dataclass(frozen=True)
class UpstreamCall:
    """One request to the service, for the usage row: its path template, never a query or an id."""

    endpoint: str
    status: int | None
    milliseconds: float
