"""HTTP to other hosts: nothing else in the product sends any.

May import: modules of the floor. Start reading in `sending.py`, which has what callers use: `send`, `post`,
`Response`. `request.py` prepares a request, `adapter.py` sends it over the connections of `guarded_http.py`,
within its `request_deadline.py`. `errors.py` says why no response arrived.

Decided: the adapter is one of `requests`, so that tests and tools which imitate or record answers work. The
sessions of `requests` are left out: they work everything out anew for each request, which costs as much as
sending it.
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
