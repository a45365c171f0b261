"""One request to a service's API, and what its address and fields are made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from app import outbound
from app.errors import ObjectNotFound, ToolError
from app.outbound import Response


@dataclass(frozen=True, kw_only=True)
class ApiRequest:
    """One request without its token. `path` is the template, `url` the filled-in address."""

    method: str
    path: str
    url: str
    params: Any = None
    json: Any = None
    form: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    guarded: bool = False
    to_discovered_host: bool = False  # a host that the service itself listed
    safe: bool = False  # repeating it changes nothing
    repeatable: bool = False  # it can be sent again although it may have arrived
    may_change: bool = True  # it may change something at the service
    seconds: float = outbound.TOTAL_SECONDS  # at most, and never past the call's deadline
    silence_seconds: float | None = None  # at most without a byte of the answer; None: as long as it may last
    # What the answer means, instead of the service's `read_error` and the status: None for no error.
    judge: Callable[[Response], ToolError | None] | None = None
    # Takes the data of each event of a response that is an event stream; True once it has its answer. The
    # response is then no longer read than the AI client waits.
    on_event: Callable[[str], bool] | None = None
    # Asked when that stream ends before (`event_stream.read_events`).
    on_break: Callable[[str, float | None], bool] | None = None


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
    may_change: bool = True  # it may have changed something there, unless it was a GET
    was_abandoned: bool = False  # whoever waited left before anything of the answer had arrived
