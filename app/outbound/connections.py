"""The connections of `outbound`, kept per host: each belongs to the deadline of the request it serves.

They are urllib3's, as are their responses. What urllib3 and `http.client` work out for each request anew, for
proxies, redirects, retries and bodies of unknown length, is left out: it costs as much as the request.
"""

import contextlib
import re
import ssl
import threading
from collections import OrderedDict
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError

from app.outbound import request_deadline
from app.outbound.bounded_response import BoundedResponse
from app.outbound.errors import CertificateRefused, OutboundError, OutboundTimeout
from app.outbound.guarded_http import Guard, connected_socket
from app.outbound.tls import ResumedTLS, new_context

_MOST_HOSTS = 64  # whose connections are kept: few enough for the descriptors of a process
_MOST_PER_HOST = 64
# https://docs.openssl.org/3.0/man1/openssl-verification-options/#diagnostics, by X509_V_ERR_…
_CERTIFICATES = {
    9: "is not valid yet",
    10: "has expired",
    **dict.fromkeys((62, 64), "is for another host"),
    **dict.fromkeys((18, 19, 20, 21), "is from an unknown issuer"),
}
_FOLD = re.compile(r"(?:(?<![ \t])[ \t]+)?\r\n[ \t]+")  # where a header goes on in the next line


class _Connection(HTTPConnection):
    """A connection that `guard` allows. `sock` belongs to the deadline of the request it serves."""

    deadline: request_deadline.Deadline | None = None
    sock: Any
    timeout: Any

    def __init__(self, *args: Any, guard: Guard | None, **options: Any) -> None:
        super().__init__(*args, **options)
        self._guard = guard
        host = f"[{self.host.partition('%')[0]}]" if ":" in self.host else self.host
        self._host_header = host if self.port == self.default_port else f"{host}:{self.port}"

    def connect(self) -> None:
        """Connect. Whatever fails here, no part of the request was sent."""
        try:
            self._connect()
        except TimeoutError:
            raise OutboundTimeout("The other side could not be reached in time.", sent=False) from None
        except ssl.SSLCertVerificationError as error:
            raise CertificateRefused(_CERTIFICATES.get(error.verify_code, "is not valid")) from None
        except (OSError, HTTPError):
            raise OutboundError("The other side could not be reached.", sent=False) from None

    def _connect(self) -> None:
        deadline: request_deadline.Deadline = request_deadline.current.deadline
        seconds = min(self.timeout, deadline.seconds_left)
        host = self._dns_host.strip("[]")
        self.sock = connected_socket(host, self.port, seconds, self._guard, self.socket_options)
        self.sock.settimeout(max(0.05, min(self.timeout, deadline.seconds_left)))  # for the TLS handshake

    def _answered(self) -> None:
        """Called when the other side has begun to respond."""

    def send(self, content: bytes) -> None:  # type: ignore[override]
        """Send a request, connecting before where there is no connection yet."""
        if self.sock is None:
            self.connect()
        with request_deadline.lock:
            deadline = self.deadline = request_deadline.current.deadline
            deadline.connection, deadline.socket = self, self.sock
        if deadline.seconds_left <= 0:  # it had no socket to shut down when it passed
            raise OutboundTimeout("The other side could not be reached in time.", sent=False)
        self.sock.settimeout(self.timeout)
        # whoever closes the connection early may have answered before
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.sock.sendall(content)

    def head_of(self, method: str, path: str, headers: Mapping[str, str]) -> bytes:
        """The request line and the headers."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host_header}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def response(self, method: str, pool: "_Pool") -> HTTPResponse:
        """The response as far as its headers. Its end returns the connection to the pool."""
        self.sock.settimeout(self.timeout)
        head = BoundedResponse(self.sock, method=method)
        try:
            head.begin()
        except TimeoutError as error:
            head.close()
            raise ReadTimeoutError(pool, "", "Read timed out.") from error
        except BaseException:
            head.close()
            raise
        self._answered()
        if head.will_close:
            self.close()  # it is the response's alone
        headers = HTTPHeaderDict()
        for name, value in head.header_pairs:
            headers.add(name, _FOLD.sub(" ", value) if "\r\n" in value else value)
        return HTTPResponse(
            body=head,  # type: ignore[arg-type]
            headers=headers,
            status=head.status,
            version=head.version,
            reason=head.reason,
            preload_content=False,
            original_response=head,
            pool=pool,
            connection=self,
            request_method=method,
        )


class _TLSConnection(_Connection, HTTPSConnection):
    """A connection whose certificate is checked, or was in the session that it resumes."""

    def __init__(self, *args: Any, tls: ResumedTLS, **options: Any) -> None:
        super().__init__(*args, ssl_context=tls.context, **options)
        self._tls = tls
        self._is_session_stored = False

    def _connect(self) -> None:
        super()._connect()
        self._is_session_stored = False
        self.sock = self._tls.over(self.sock, self.host.strip("[]").partition("%")[0])

    def _answered(self) -> None:
        self._is_session_stored = self._is_session_stored or self._tls.keep_session(self.sock)


class _Pool(HTTPConnectionPool):
    """The connections to one host that are kept."""

    def __init__(self, host: str, port: int, guard: Guard | None, context: ssl.SSLContext | None) -> None:
        self.ConnectionCls = _Connection if context is None else _TLSConnection
        options: dict[str, Any] = {} if context is None else {"tls": ResumedTLS(context)}
        super().__init__(host, port, maxsize=_MOST_PER_HOST, block=False, guard=guard, **options)

    def urlopen(  # type: ignore[override]
        self, method: str, url: str, body: Any = None, headers: Any = None, *, timeout: Any, **_: Any
    ) -> HTTPResponse:
        """Send one request, once, head and body in one piece. Raises urllib3's errors, and OutboundError."""
        connection: Any = self._get_conn()
        try:
            connection.timeout = timeout.connect_timeout
            content = body.encode() if isinstance(body, str) else body or b""
            connection.send(connection.head_of(method, url, headers) + content)
            connection.timeout = timeout.read_timeout
            found: HTTPResponse = connection.response(method, self)
            return found
        except BaseException as error:
            connection.close()
            self._put_conn(None)
            if isinstance(error, OSError | HTTPException):
                raise ProtocolError("Connection aborted.", error) from error
            raise


class Pools:
    """The connections that one guard allows, by host. None reuses one that another guard would refuse."""

    def __init__(self, guard: Guard | None) -> None:
        self._guard = guard
        self._context = new_context()
        self._pools: OrderedDict[tuple[str, str, int], _Pool] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, scheme: str, host: str, port: int) -> _Pool:
        """The connections to that host. Those to the host that was asked longest ago are given up."""
        key = (scheme, host, port)
        with self._lock:
            pool = self._pools.pop(key, None)
            if pool is None:
                pool = _Pool(host, port, self._guard, self._context if scheme == "https" else None)
            self._pools[key] = pool
            if len(self._pools) > _MOST_HOSTS:
                self._pools.popitem(last=False)
        return pool
