"""Reads a response as it arrives, and says why it broke off."""

from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from typing import Any

from urllib3.exceptions import DecodeError, HTTPError, InvalidChunkLength, InvalidHeader, ReadTimeoutError

from app.outbound import request_deadline
from app.outbound.errors import OutboundError, OutboundTimeout, ResponseUnreadable

_CHUNK_BYTES = 65536
_ENDED = (RemoteDisconnected, IncompleteRead)
_UNREADABLE = (DecodeError, InvalidChunkLength, InvalidHeader)


def read_next(body: Any) -> bytes:
    """What arrived next of urllib3's response, decompressed; b"" at its end. Raises OutboundError."""
    if request_deadline.has_passed():  # what was decompressed is read without the connection
        raise OutboundTimeout("The other side did not answer in time.", sent=True)
    try:
        chunk: bytes = body.read1(_CHUNK_BYTES, decode_content=True)
        return chunk
    except ReadTimeoutError:
        raise OutboundTimeout("The other side did not answer in time.", sent=True) from None
    except (HTTPError, OSError, ValueError) as error:
        raise broken(error) from None


def broken(error: BaseException) -> OutboundError:
    """The error for a response that ended in this one of urllib3's, or in one that holds it."""
    pending, unreadable = [error], False
    while pending:
        found = pending.pop()
        # http.client's own are about lines that are none of HTTP, but for those of a connection that ended
        is_framing = isinstance(found, HTTPException) and not isinstance(found, _ENDED)
        unreadable = unreadable or is_framing or isinstance(found, _UNREADABLE)
        pending.extend(each for each in found.args if isinstance(each, BaseException))
    if unreadable:
        return ResponseUnreadable()
    return OutboundError("The other side broke off.", sent=True)
