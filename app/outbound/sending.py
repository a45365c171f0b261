"""Sends one request and reads its whole response.

It uses no proxies or netrc from the environment, follows no redirects and always checks certificates. One
total deadline includes name look-up and reading the body, and a size limit applies while streaming. For
addresses that came from outside (`guarded=True`) it checks every resolved address and the connected peer
before a byte is sent (SSRF). `may_be_private` lets such an address be one of the hosts that the operator
listed (`guarded_http.allow_private`).

Errors contain no URL: a query string may hold a secret.
"""

import json as jsonlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from app import tracing
from app.outbound.adapter import DeadlineAdapter
from app.outbound.errors import (
    OutboundError,
    OutboundStopped,
    OutboundTimeout,
    ResponseTooLarge,
)
from app.outbound.event_stream import is_event_stream, read_events
from app.outbound.guarded_http import GUARDED, LISTED, OPEN
from app.outbound.reading import broken, read_next
from app.outbound.request import OutboundRequest
from app.outbound.request_deadline import Deadline

TOTAL_SECONDS = 20.0
_CONNECT_SECONDS = 5.0
_POST_SECONDS = 5.0
_UNREAD: Any = object()
_MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Response:
    """Status, headers (case-insensitive) and body of a response. `milliseconds` is the total duration."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)
    milliseconds: float = 0.0
    _parsed: Any = field(default=_UNREAD, init=False, repr=False, compare=False)  # the body, parsed once

    @property
    def text(self) -> str:
        """The body as text, undecodable bytes replaced."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the body as JSON, or None if it is not JSON (an HTML page, truncated, nested too deep)."""
        if self._parsed is _UNREAD:
            try:
                found = jsonlib.loads(self.content)
            except (ValueError, RecursionError):
                found = None
            object.__setattr__(self, "_parsed", found)
        return self._parsed

    def with_json(self, value: Any) -> "Response":
        """Return the response with this as its JSON: what an event stream held."""
        other = replace(self)
        object.__setattr__(other, "_parsed", value)
        return other


def send(
    method: str,
    url: str,
    *,
    params: Any = None,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    form: Any = None,
    body: bytes | None = None,
    auth: tuple[str, str] | None = None,
    guarded: bool = False,
    may_be_private: bool = False,
    seconds: float = TOTAL_SECONDS,
    max_bytes: int = _MAX_BYTES,
    reads_body: bool = True,
    template: str = "",
    on_event: Callable[[str], bool] | None = None,
    on_break: Callable[[str, float | None], bool] | None = None,
    stop: Callable[[], bool] | None = None,
    silence_seconds: float | None = None,
) -> Response:
    """Send one request and read the whole response, within `seconds` in total.

    `reads_body=False`: only status and headers count, and the connection is closed after them. `template` is
    the path for a trace, with names for its values. `on_event` takes the data of each event while a response
    that is an event stream arrives, and returns True when it needs no more of them; the response then has no
    content. `on_break` is asked when such a stream ends before that (`read_events`). `stop` is looked at
    twice a second: once it returns True, the connection is closed.
    `silence_seconds` is the longest without a byte of the response, where that is less than `seconds`.

    Raises OutboundTimeout, OutboundStopped or another OutboundError of `errors` (its `sent` says
    whether the request may have arrived). Any HTTP status is a response, not an error.
    """
    with tracing.upstream_request(method, url, template) as traced:
        response = _send(
            method,
            url,
            params=params,
            headers={**(headers or {}), **traced.headers},
            json=json,
            form=form,
            body=body,
            auth=auth,
            kind=(LISTED if may_be_private else GUARDED) if guarded else OPEN,
            seconds=seconds,
            max_bytes=max_bytes,
            reads_body=reads_body,
            on_event=on_event,
            on_break=on_break,
            stop=stop,
            silence_seconds=seconds if silence_seconds is None else min(seconds, silence_seconds),
        )
        traced.answered(response.status)
    return response


def _send(
    method: str,
    url: str,
    *,
    kind: str,
    seconds: float,
    max_bytes: int,
    reads_body: bool,
    on_event: Callable[[str], bool] | None,
    on_break: Callable[[str, float | None], bool] | None,
    stop: Callable[[], bool] | None,
    silence_seconds: float,
    **content: Any,
) -> Response:
    started = time.monotonic()
    try:
        request = OutboundRequest(method, url, **content)
    except ValueError:
        raise OutboundError("The address is not valid.", sent=False) from None
    with Deadline(seconds, stop) as deadline:
        response: Any = None  # urllib3's
        try:
            timeout = (min(seconds, _CONNECT_SECONDS), silence_seconds)
            response = _adapter_of(kind).send(request, stream=True, timeout=timeout).raw
            if on_event is not None and is_event_stream(response.headers.get("Content-Type", "")):
                answered = b""
                read = partial(read_next, response)
                read_events(read, max_bytes, on_event, deadline.socket, on_break)
            else:
                answered = _read(response, max_bytes) if reads_body else b""
        except OutboundError as error:
            raise _hung_up(deadline, response is not None) or error from None
        except (HTTPError, OSError) as error:
            if (hung_up := _hung_up(deadline, response is not None)) is not None:
                raise hung_up from None
            if deadline.seconds_left <= 0 or isinstance(error, requests.Timeout):
                raise OutboundTimeout("The other side did not answer in time.", sent=True) from None
            raise broken(error) from None
        finally:
            if response is not None:
                # Reading it whole has returned its connection; any other is of no use any more.
                response.close()
                response.release_conn()
        # our shutdown ended the stream, so a body that looks complete may not be
        if (hung_up := _hung_up(deadline, begun=True)) is not None:
            raise hung_up
    return Response(response.status, response.headers, answered, (time.monotonic() - started) * 1000)


def _hung_up(deadline: Deadline, begun: bool) -> OutboundError | None:
    """The error if we closed the connection ourselves. `begun`: the response had begun to arrive."""
    if deadline.stopped:
        return OutboundStopped(begun=begun)
    if deadline.passed:
        return OutboundTimeout("The other side did not answer in time.", sent=True)
    return None


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """POST a body and return the status of the answer. Raises like `send`."""
    return send("POST", url, body=body, headers=headers, seconds=_POST_SECONDS).status


def _read(response: Any, max_bytes: int) -> bytes:
    """Return the decoded body. Raises ResponseTooLarge above the size limit."""
    chunks, size = [], 0
    while chunk := read_next(response):
        chunks.append(chunk)
        size += len(chunk)
        if size > max_bytes:
            raise ResponseTooLarge
    return b"".join(chunks)


# One adapter per kind of connection, shared by threads for its pools.
_adapters: dict[str, DeadlineAdapter] = {}
_adapters_lock = threading.Lock()


def _adapter_of(kind: str) -> DeadlineAdapter:
    adapter = _adapters.get(kind)
    if adapter is None:
        with _adapters_lock:
            adapter = _adapters.get(kind) or DeadlineAdapter(kind=kind)
            _adapters[kind] = adapter
    return adapter
