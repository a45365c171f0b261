"""The only module that sends HTTP to other hosts.

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
from dataclasses import dataclass, field
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests

from app import tracing
from app.event_stream import is_event_stream, read_events
from app.guarded_http import (
    GUARDED,
    LISTED,
    OPEN,
    AddressRefused,
    DeadlineAdapter,
    HostUnknown,
    OutboundError,
    OutboundStopped,
    OutboundTimeout,
    ResponseTooLarge,
    check_public,
    read_next,
)
from app.public_addresses import is_public
from app.request_deadline import Deadline

TOTAL_SECONDS = 20.0
_CONNECT_SECONDS = 5.0
_POST_SECONDS = 5.0
_MAX_BYTES = 16 * 1024 * 1024
_POOL_SIZE = 64

__all__ = [
    "TOTAL_SECONDS",
    "AddressRefused",
    "HostUnknown",
    "OutboundError",
    "OutboundStopped",
    "OutboundTimeout",
    "Response",
    "ResponseTooLarge",
    "check_public",
    "is_public",
    "post",
    "send",
]


@dataclass(frozen=True)
class Response:
    """Status, headers (case-insensitive) and body of a response. `milliseconds` is the total duration."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)
    milliseconds: float = 0.0

    @property
    def text(self) -> str:
        """The body as text, undecodable bytes replaced."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the body as JSON, or None if it is not JSON (an HTML page, truncated, nested too deep)."""
        try:
            return jsonlib.loads(self.content)
        except (ValueError, RecursionError):
            return None


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

    Raises OutboundTimeout, OutboundStopped, AddressRefused, ResponseTooLarge or OutboundError (its `sent`
    says whether the request may have arrived). Any HTTP status is a response, not an error.
    """
    with tracing.upstream_request(method, url, template) as traced:
        response = _send(
            method,
            url,
            params=params,
            headers={**(headers or {}), **traced.headers},
            json=json,
            data=form if body is None else body,
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
    **request: Any,
) -> Response:
    started = time.monotonic()
    session = _session(kind)
    try:
        parts = urlsplit(url)
        if (
            parts.scheme not in {"http", "https"}
            or not parts.hostname
            or (kind != OPEN and "@" in parts.netloc)
        ):
            raise ValueError
        prepared = session.prepare_request(requests.Request(method, url, **request))
    except (requests.RequestException, UnicodeError, ValueError):
        raise OutboundError("The address is not valid.", sent=False) from None
    with Deadline(seconds, stop) as deadline:
        begun = False
        try:
            response = session.send(
                prepared,
                stream=True,
                allow_redirects=False,
                timeout=(min(seconds, _CONNECT_SECONDS), silence_seconds),
            )
            begun = True
            if on_event is not None and is_event_stream(response.headers.get("Content-Type", "")):
                content = b""
                with response:
                    read = partial(read_next, response.raw)
                    read_events(read, max_bytes, on_event, deadline.socket, on_break)
            else:
                content = _read(response, max_bytes) if reads_body else _drop(response)
        except OutboundError as error:
            raise _hung_up(deadline, begun) or error from None
        except requests.RequestException as error:
            if (hung_up := _hung_up(deadline, begun)) is not None:
                raise hung_up from None
            if deadline.seconds_left <= 0 or isinstance(error, requests.Timeout):
                raise OutboundTimeout("The other side did not answer in time.", sent=True) from None
            if isinstance(error, requests.ConnectionError):
                raise OutboundError("The other side broke off.", sent=True) from None
            raise OutboundError("The answer could not be read.", sent=True) from None
        # our shutdown ended the stream, so a body that looks complete may not be
        if (hung_up := _hung_up(deadline, begun)) is not None:
            raise hung_up
    return Response(response.status_code, response.headers, content, (time.monotonic() - started) * 1000)


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


def _read(response: requests.Response, max_bytes: int) -> bytes:
    """Return the decoded body. Raises ResponseTooLarge above the size limit."""
    chunks, size = [], 0
    with response:
        for chunk in response.iter_content(65536):
            chunks.append(chunk)
            size += len(chunk)
            if size > max_bytes:
                raise ResponseTooLarge("The answer is larger than we accept.", sent=True)
    return b"".join(chunks)


def _drop(response: requests.Response) -> bytes:
    response.close()
    return b""


# --- sessions: one per kind, shared by threads for their connection pools ----------------------

_sessions: dict[str, requests.Session] = {}
_sessions_lock = threading.Lock()


def _session(kind: str) -> requests.Session:
    session = _sessions.get(kind)
    if session is None:
        with _sessions_lock:
            session = _sessions.get(kind) or _new_session(kind)
            _sessions[kind] = session
    return session


def _new_session(kind: str) -> requests.Session:
    session = _Session()
    session.trust_env = False
    session.headers.update({"User-Agent": "Patchbay", "Accept-Encoding": "gzip, deflate"})
    session.cookies.set_policy(_NoCookies())
    adapter = DeadlineAdapter(kind=kind, size=_POOL_SIZE)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


class _Session(requests.Session):
    """Redirects are never followed, so nothing of one is looked at. `requests` would read its whole body and
    parse its address even so.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:
        """No answer leads anywhere."""


class _NoCookies(DefaultCookiePolicy):
    """A shared session must not carry one caller's cookies into another's request."""

    def set_ok(self, cookie: Any, request: Any) -> bool:
        """Store no cookie."""
        return False
