"""A request to an address that a person typed or a document of the server names.

Guarded, whatever the address resolves to; the hosts that the operator listed may be private.
"""

from collections.abc import Mapping
from typing import Any

from app import outbound
from app.outbound import Response

_MAX_BYTES = 256 * 1024  # of a document: no metadata is larger


def send(
    method: str,
    url: str,
    *,
    seconds: float,
    accept: str = "application/json",
    json: Any = None,
    form: Mapping[str, str] | None = None,
    reads_body: bool = True,
) -> Response:
    """The answer, within `seconds`. Redirects are not followed. Raises OutboundError."""
    return outbound.send(
        method,
        url,
        headers={"Accept": accept},
        json=json,
        form=form,
        guarded=True,
        may_be_private=True,
        seconds=seconds,
        max_bytes=_MAX_BYTES,
        reads_body=reads_body,
    )
