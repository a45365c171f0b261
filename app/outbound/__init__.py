"""HTTP to other hosts: nothing else in the product sends any.

May import: modules of the floor. Start reading in `sending.py`, which has what callers use: `send`, `post`,
`Response`. `request.py` prepares a request, `adapter.py` sends it over `connections.py`, which get their
sockets from `guarded_http.py`, resume TLS sessions (`tls.py`) and live within a `request_deadline.py`. A
response is framed by `bounded_response.py` and read by `reading.py` or `event_stream.py`. `errors.py` says
why none arrived.

Decided: the adapter is one of `requests`, so that tests and tools which imitate or record answers work. What
`requests`, urllib3 and `http.client` do beside that for each request is left out, because it cost twice what
sending costs: sessions, retries, redirects, proxies, cookies, an email parser for headers. Tests compare what
is done in fewer steps with theirs (`tests/floor/test_http_messages.py`).
"""

from app.outbound.errors import (
    AddressRefused,
    CertificateRefused,
    HostUnknown,
    OutboundError,
    OutboundStopped,
    OutboundTimeout,
    ResponseEndless,
    ResponseTooLarge,
    ResponseUnreadable,
)
from app.outbound.guarded_http import check_public
from app.outbound.public_addresses import is_public
from app.outbound.sending import TOTAL_SECONDS, Response, post, send

__all__ = [
    "TOTAL_SECONDS",
    "AddressRefused",
    "CertificateRefused",
    "HostUnknown",
    "OutboundError",
    "OutboundStopped",
    "OutboundTimeout",
    "Response",
    "ResponseEndless",
    "ResponseTooLarge",
    "ResponseUnreadable",
    "check_public",
    "is_public",
    "post",
    "send",
]
