"""Send one delivery. No transaction is open while the receiver answers."""

import logging
import time
from datetime import timedelta
from email.utils import parsedate_to_datetime

from app import clock, outbound
from app.config import Settings
from app.errors import InvalidInput
from app.mail import Mailer
from app.webhooks import letters, queue, signing
from app.webhooks.addresses import NOT_PUBLIC, check_form, is_local
from app.webhooks.queue import SendResult, Work

log = logging.getLogger(__name__)

SECONDS = 10.0  # for the whole request


def deliver(settings: Settings, mailer: Mailer, work: Work) -> SendResult:
    """Send what was claimed, record the attempt, and email the owners if that turned the endpoint off."""
    result = _send(settings, work)
    reason = queue.finish(work, result)
    if reason:
        letters.mail_turned_off(settings, mailer, work.workspace_id, work.endpoint_id, reason)
    return result


def deliver_now(settings: Settings, mailer: Mailer, endpoint_id: str, delivery_id: str) -> SendResult | None:
    """Send one pending delivery in this thread. None if another process is sending to the endpoint."""
    work = queue.claim(settings, endpoint_id, delivery_id)
    return deliver(settings, mailer, work) if work is not None else None


def send_due(settings: Settings, mailer: Mailer) -> int:
    """Send everything that is due, one after another. Returns how many attempts were made."""
    attempts = 0
    while found := queue.due_endpoints(50):
        claimed = [work for each in found if (work := queue.claim(settings, each.id)) is not None]
        for work in claimed:
            deliver(settings, mailer, work)
        attempts += len(claimed)
        if not claimed:
            break
    return attempts


def _send(settings: Settings, work: Work) -> SendResult:
    at, started = clock.now(), time.monotonic()
    status: int | None = None
    retry_after: timedelta | None = None
    try:
        if not work.signing_secrets:
            error = (
                "The signing secret could not be opened. Rotate it, or ask the operator to check the keys."
            )
        else:
            check_form(settings, work.url)
            response = _post(settings, work, int(at.timestamp()))
            status, retry_after = response.status, _retry_after(response.headers.get("Retry-After", ""))
            error = _describe(status)
    except InvalidInput as refused:
        error = refused.message
    except (outbound.AddressRefused, outbound.HostUnknown):
        error = NOT_PUBLIC
    except outbound.OutboundTimeout:
        error = f"The receiver did not answer within {SECONDS:.0f} seconds."
    except outbound.OutboundError as failure:
        error = str(failure).replace("other side", "receiver")
    milliseconds = int((time.monotonic() - started) * 1000)
    return SendResult(at, status, milliseconds, error, retry_after)


def _post(settings: Settings, work: Work, timestamp: int) -> outbound.Response:
    body = work.body.encode()
    signed = signing.headers(work.signing_secrets, work.event_id, timestamp, body)
    return outbound.send(
        "POST",
        work.url,
        body=body,
        headers={"Content-Type": "application/json", **signed},
        guarded=not is_local(settings, work.url),
        seconds=SECONDS,
        reads_body=False,
    )


def _describe(status: int) -> str:
    """Why this status is no success, or ""."""
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"The receiver redirected ({status}). We don't follow redirects: enter the final URL."
    return f"The receiver answered {status}. Only a status from 200 to 299 confirms a delivery."


def _retry_after(header: str) -> timedelta | None:
    """The wait that a Retry-After header asks for, in seconds or until a date (RFC 9110, section 10.2.3)."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), 86_400))
    try:
        return max(parsedate_to_datetime(text) - clock.now(), timedelta())
    except (ValueError, TypeError, OverflowError):
        return None
