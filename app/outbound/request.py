"""What `outbound` sends: a prepared request of `requests`, made in fewer steps.

`requests` reads addresses and encodes forms; its sessions, which prepare every request anew, cost as much as
sending it.
"""

import functools
import json as jsonlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from requests.structures import CaseInsensitiveDict
from requests.utils import check_header_validity
from urllib3.util import make_headers

_DEFAULTS = {
    "User-Agent": "Patchbay",
    "Accept-Encoding": "gzip, deflate",
    "Accept": "*/*",
    "Connection": "keep-alive",
}
_PORTS = {"http": 80, "https": 443}
_WITHOUT_LENGTH = frozenset({"GET", "HEAD"})  # a request without a body is complete without one


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes. `path` includes the query."""

    url: str
    scheme: str
    host: str
    port: int
    path: str


class OutboundRequest(requests.PreparedRequest):
    """A request that `adapter.DeadlineAdapter` sends. Raises ValueError for what cannot be sent."""

    def __init__(
        self,
        method: str,
        url: str,
        *,
        params: Any = None,
        headers: Mapping[str, str],
        json: Any = None,
        form: Any = None,
        body: bytes | None = None,
        auth: tuple[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.target = _target_of(url, params)
        self.method, self.url = method, self.target.url
        self.body, content_type = _content_of(json, form, body)
        self.headers = CaseInsensitiveDict(_headers_of(method, headers, self.body, content_type, auth))


def _target_of(url: str, params: Any = None) -> Target:
    """Take an address apart. Raises ValueError unless it is http or https, with a host and no user."""
    # an address with a query may hold a secret, which must not stay in memory
    found = _target(url) if "?" in url else _known_target(url)
    query = _query_of(params) if params else ""
    if not query:
        return found
    query = ("&" if "?" in found.path else "?") + query
    return Target(found.url + query, found.scheme, found.host, found.port, found.path + query)


def _target(url: str) -> Target:
    try:
        given = urlsplit(url)
        if given.scheme not in {"http", "https"} or not given.hostname or "@" in given.netloc:
            raise ValueError  # a user would have to be sent as a header
        prepared = requests.PreparedRequest()
        prepared.prepare_url(url.partition("#")[0], None)
        found = str(prepared.url)
        parts = urlsplit(found)
        if not parts.hostname:
            raise ValueError
        port = parts.port or _PORTS[parts.scheme]
        return Target(found, parts.scheme, parts.hostname, port, prepared.path_url)
    except (requests.RequestException, UnicodeError):
        raise ValueError from None


_known_target = functools.lru_cache(maxsize=4_096)(_target)


def _query_of(params: Any) -> str:
    """Encode a mapping or pairs as `requests` does: a list is one pair for each value, None is none."""
    pairs = params.items() if isinstance(params, Mapping) else params
    return urlencode(
        [
            (name, value)
            for name, values in pairs
            for value in (values if isinstance(values, list | tuple) else (values,))
            if value is not None
        ]
    )


def _content_of(json: Any, form: Any, body: bytes | None) -> tuple[bytes | str | None, str]:
    """Encode the body; return it with its content type, "" for none. Raises ValueError."""
    if body is not None:
        return body, ""
    if json is not None and not form:
        return jsonlib.dumps(json, allow_nan=False).encode(), "application/json"
    if not form:
        return None, ""
    prepared = requests.PreparedRequest()
    prepared.prepare_headers({})
    prepared.prepare_body(form, None)
    return prepared.body, str(prepared.headers.get("Content-Type", ""))


def _headers_of(
    method: str,
    given: Mapping[str, str],
    content: bytes | str | None,
    content_type: str,
    auth: tuple[str, str] | None,
) -> dict[str, str]:
    """Complete the headers. Raises ValueError for a name or value that could not stand in one."""
    names = {name.lower() for name in given}
    headers = {name: value for name, value in _DEFAULTS.items() if name.lower() not in names}
    if content_type and "content-type" not in names:
        headers["Content-Type"] = content_type
    for each in given.items():
        try:
            check_header_validity(each)
            each[0].encode("ascii")
            each[1].encode("latin-1")
        except requests.RequestException:
            raise ValueError from None
    headers.update(given)
    if content is not None or method not in _WITHOUT_LENGTH:  # without a length it is sent in chunks
        headers["Content-Length"] = str(len(content or b""))
    if auth is not None:
        headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
        headers["Authorization"] = make_headers(basic_auth=":".join(auth))["authorization"]
    return headers
