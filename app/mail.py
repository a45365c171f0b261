"""Mail: over SMTP if MAIL_URL is set, else to the log and the development mailbox. In production without
MAIL_URL it is lost, with a warning.

Mail is sent in the background, after the response is decided. So the time of a response does not reveal
whether a mail was sent, and a slow mail server holds no request.
"""

import contextlib
import json
import logging
import os
import smtplib
import ssl
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import unquote, urlsplit

from app import clock

log = logging.getLogger(__name__)
_TRIES = 3


@dataclass(frozen=True)
class SentMail:
    """A mail that was sent, or would have been without a development mailbox."""

    to: str
    subject: str
    text: str
    at: datetime


class Mailer:
    """Sends mail. One per process. `outbox` is a file shared by workers, in development only."""

    def __init__(self, url: str | None, sender: str, outbox: Path | None) -> None:
        self._url = url
        self._sender = sender
        self._outbox = outbox
        self._pool: ThreadPoolExecutor | None = None
        self._pid = 0

    def send(self, to: str, subject: str, text: str) -> None:
        """Queue a plain-text mail. Never raises for mail server trouble, which is logged and retried."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, to, subject
        message.set_content(text)
        if self._url is None:
            self._store(SentMail(to, subject, text, clock.now()))
            return
        if self._pool is None or self._pid != os.getpid():
            self._pool, self._pid = ThreadPoolExecutor(2, thread_name_prefix="mail"), os.getpid()
        self._pool.submit(self._deliver, message)

    def letters(self) -> list[SentMail]:
        """Return the mails in the development mailbox, newest first (at most 100)."""
        if self._outbox is None or not self._outbox.exists():
            return []
        last = deque(self._outbox.read_text().splitlines(), maxlen=100)
        rows = [json.loads(line) for line in reversed(last)]
        return [SentMail(r["to"], r["subject"], r["text"], datetime.fromisoformat(r["at"])) for r in rows]

    def _store(self, letter: SentMail) -> None:
        if self._outbox is None:
            log.warning("a mail was NOT sent, because MAIL_URL is not set: %s", letter.subject)
            return
        log.info("mail to %s: %s\n%s", letter.to, letter.subject, letter.text)
        line = (
            json.dumps(
                {"to": letter.to, "subject": letter.subject, "text": letter.text, "at": letter.at.isoformat()}
            )
            + "\n"
        )
        self._outbox.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._outbox, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(line)

    def _deliver(self, message: EmailMessage) -> None:
        for attempt in range(1, _TRIES + 1):
            try:
                with self._connect() as server:
                    server.send_message(message)
                return
            except (OSError, smtplib.SMTPException) as error:
                log.warning(
                    "mail could not be sent (try %d of %d): %s", attempt, _TRIES, type(error).__name__
                )

    @contextlib.contextmanager
    def _connect(self):  # type: ignore[no-untyped-def]
        parts = urlsplit(self._url or "")
        host, port = parts.hostname or "localhost", parts.port
        if parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, port or 465, timeout=10, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(host, port or 25, timeout=10)
            if parts.scheme == "smtp+tls":
                server.starttls(context=ssl.create_default_context())
        try:
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            yield server
        finally:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()
