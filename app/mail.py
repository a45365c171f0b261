"""Mail: over SMTP if MAIL_URL is set, else to the log and the development mailbox. In production without
MAIL_URL it is lost, which is logged.

Mail is sent in the background, after the response is decided. So the time of a response does not reveal
whether a mail was sent, and a slow mail server holds no request.
"""

import json
import logging
import os
import secrets
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.errors import MessageError
from email.headerregistry import Address, HeaderRegistry
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from app import clock, metrics, smtp, url_settings

log = logging.getLogger(__name__)
_LONGEST_SUBJECT = 250


@dataclass(frozen=True)
class SentMail:
    """A mail that was sent, or would have been without a development mailbox."""

    to: str
    subject: str
    text: str
    at: datetime


class Mailer:
    """Sends mail. One per process. `outbox` is a file shared by workers, in development only."""

    def __init__(
        self,
        url: str | None,
        sender: str,
        outbox: Path | None,
        *,
        pauses: tuple[float, ...] | None = None,
    ) -> None:
        """`pauses` are the seconds between tries to deliver. Raises ConfigError for an invalid `url`."""
        header: Any = HeaderRegistry()("From", sender)
        self._sender: Address = header.addresses[0]
        self._outbox = outbox
        self._delivery: smtp.Delivery | None = None
        if url is not None:
            server = url_settings.parse("MAIL_URL", url)
            more = {} if pauses is None else {"pauses": pauses}
            self._delivery = smtp.Delivery(server, self._sender.domain, **more)

    def send(self, to: str, subject: str, text: str) -> None:
        """Queue a plain-text mail to one address. Never raises: a mail that is not sent is logged."""
        subject = _one_line(subject)
        try:
            message = compose(self._sender, to, subject, text)
        except (ValueError, IndexError, MessageError):
            smtp.not_sent(to, "it is not a valid mail to one address")
            return
        if self._delivery is not None:
            self._delivery.add(smtp.Envelope(self._sender.addr_spec, to, message))
        elif self._outbox is not None:
            self._store(self._outbox, SentMail(to, subject, text, clock.now()))
        else:
            smtp.not_sent(to, "MAIL_URL is not set")

    def deliver(
        self, to: str, subject: str, text: str, *, reference: str, headers: Mapping[str, str] = {}
    ) -> None:
        """Send a plain-text mail now, in this thread. Raises smtp.NotDelivered.

        `reference` makes the Message-ID: the same mail sent twice has the same one.
        """
        subject = _one_line(subject)
        try:
            message = compose(self._sender, to, subject, text)
        except (ValueError, IndexError, MessageError):
            raise smtp.NotDelivered(
                "it is not a valid mail to one address", is_final=True, fault="recipient"
            ) from None
        message.replace_header("Message-ID", f"<{reference}@{self._sender.domain}>")
        for name, value in headers.items():
            message[name] = value
        if self._delivery is not None:
            self._delivery.deliver_now(smtp.Envelope(self._sender.addr_spec, to, message))
        elif self._outbox is not None:
            self._store(self._outbox, SentMail(to, subject, text, clock.now()))
        else:
            raise smtp.NotDelivered("MAIL_URL is not set", is_final=True, fault="setup")

    def letters(self) -> list[SentMail]:
        """Return the mails in the development mailbox, newest first (at most 100)."""
        if self._outbox is None or not self._outbox.exists():
            return []
        last = deque(self._outbox.read_text().splitlines(), maxlen=100)
        rows = [json.loads(line) for line in reversed(last)]
        return [SentMail(r["to"], r["subject"], r["text"], datetime.fromisoformat(r["at"])) for r in rows]

    @staticmethod
    def _store(outbox: Path, letter: SentMail) -> None:
        metrics.MAILS.labels("sent").inc()
        log.info("mail to %s: %s\n%s", letter.to, letter.subject, letter.text)
        line = (
            json.dumps(
                {"to": letter.to, "subject": letter.subject, "text": letter.text, "at": letter.at.isoformat()}
            )
            + "\n"
        )
        outbox.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(outbox, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(line)


def _one_line(subject: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in subject).split())[:_LONGEST_SUBJECT]


def compose(sender: Address, to: str, subject: str, text: str) -> EmailMessage:
    """A mail with the headers that receiving servers require. Raises ValueError, IndexError or MessageError
    unless `to` is exactly one address.
    """
    # Python decodes encoded words (RFC 2047) in what it is given, and writes the line breaks they may hold.
    subject = subject.replace("=?", "= ?")
    message = EmailMessage(policy.SMTP)
    message["Date"] = format_datetime(clock.now())  # RFC 5322, section 3.6.1
    # Gmail refuses mail without one, and relays do not always add it (RFC 5322, section 3.6.4).
    message["Message-ID"] = f"<{secrets.token_hex(16)}@{sender.domain}>"
    message["From"], message["To"], message["Subject"] = sender, Address(addr_spec=to), subject
    # No vacation notice in return: RFC 3834, section 5, and Exchange's own header.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    # 7-bit whatever the text: not every server takes 8-bit mail, and lines must not exceed 998 characters.
    message.set_content(text, cte="quoted-printable")
    return message
