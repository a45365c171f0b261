"""Delivers mail to the mail server of MAIL_URL, in the background, trying again when that can help.

Whatever is not delivered is logged: the reason and the recipient's domain, never the address or the text.
"""

import atexit
import base64
import contextlib
import logging
import os
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from typing import Literal

from app import metrics
from app.url_settings import Url

log = logging.getLogger(__name__)
# Seconds before each further try. A server that greylists takes a mail after minutes (RFC 6647, section 2.1);
# a mailed code works for ten.
_PAUSES = (2.0, 20.0, 90.0, 300.0)
_SECONDS = 30  # per answer of the server: some greet late on purpose
_SECONDS_WAITED_FOR = 10  # the same, where somebody's turn to send lasts only so long
_MOST_WAITING = 1_000
_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}  # RFC 8314, section 7.3


# What keeps a mail from leaving. "policy": the server refuses by a rule, which may be about this recipient or
# about everything we send (RFC 3463, section 3.8).
Fault = Literal["setup", "server", "policy", "recipient"]
_RELAY_REFUSED = re.compile(r"\brelay|\bauthenticat|rcpthosts|\bsign[ -]?in\b|\blog ?in\b", re.IGNORECASE)


class NotDelivered(Exception):
    """The mail server did not take a mail.

    `is_final`: the same try made at once would end the same way. `fault`: what has to change first; only
    "recipient" says something about the one address.
    """

    def __init__(self, reason: str, *, is_final: bool, fault: Fault = "server") -> None:
        super().__init__(reason)
        self.is_final = is_final
        self.fault: Fault = fault


@dataclass(frozen=True)
class Envelope:
    """A mail under way."""

    sender: str
    to: str
    message: EmailMessage = field(repr=False)

    @property
    def domain(self) -> str:
        """The recipient's domain, for the log."""
        return domain_of(self.to)


def domain_of(address: str) -> str:
    """The domain of an address, safe to log; "an unknown domain" without one."""
    domain = address.rpartition("@")[2] if "@" in address else ""
    return domain if re.fullmatch(r"[A-Za-z0-9.:\[\]-]{1,255}", domain) else "an unknown domain"


def not_sent(to: str, reason: str) -> None:
    """Log and count that a mail was not sent."""
    metrics.MAILS.labels("failed").inc()
    log.error("a mail to %s was not sent: %s", domain_of(to), reason)


class Delivery:
    """Sends mails one after another in two threads per process. `pauses` are seconds between the tries."""

    def __init__(self, server: Url, host_name: str, *, pauses: tuple[float, ...] = _PAUSES) -> None:
        self._server = server
        self._host_name = host_name
        self._pauses = pauses
        self._lock = threading.Lock()
        self._pid = 0
        metrics.add_sampler("mail", self.sample)

    def add(self, envelope: Envelope) -> None:
        """Queue a mail. Returns at once and never raises."""
        with self._lock:
            if self._pid != os.getpid():  # threads do not survive a fork
                self._pid = os.getpid()
                self._pool = ThreadPoolExecutor(2, thread_name_prefix="mail")
                self._queued = 0
                self._paused: dict[threading.Timer, Envelope] = {}
                atexit.register(self._give_up)
            is_full = self._queued + len(self._paused) >= _MOST_WAITING
        if is_full:
            not_sent(envelope.to, "too many mails wait for the mail server")
        else:
            self._submit(envelope, 0)

    def deliver_now(self, envelope: Envelope) -> None:
        """Send a mail in this thread, once, waiting ten seconds for each answer. Raises NotDelivered."""
        deliver(self._server, self._host_name, envelope, seconds=_SECONDS_WAITED_FOR)

    def sample(self) -> None:
        """Set the gauge of the mails that wait here."""
        with self._lock:
            here = self._pid == os.getpid()
            metrics.MAILS_WAITING.set(self._queued + len(self._paused) if here else 0)

    def _submit(self, envelope: Envelope, tries: int) -> None:
        with self._lock:
            self._queued += 1
        try:
            self._pool.submit(self._try, envelope, tries)
        except RuntimeError:  # the interpreter is ending
            not_sent(envelope.to, "the process ended")

    def _try(self, envelope: Envelope, tries: int) -> None:
        with self._lock:
            self._queued -= 1
        try:
            deliver(self._server, self._host_name, envelope)
        except NotDelivered as problem:
            if problem.is_final or tries == len(self._pauses) or not threading.main_thread().is_alive():
                not_sent(envelope.to, str(problem))
                return
            pause = self._pauses[tries]
            metrics.MAILS.labels("retried").inc()
            log.warning(
                "a mail to %s has to wait %.0f s for another try: %s", envelope.domain, pause, problem
            )
            timer = threading.Timer(pause, lambda: self._resume(timer, tries + 1))
            timer.daemon = True
            with self._lock:
                self._paused[timer] = envelope
            timer.start()
        except Exception as error:  # its text could quote the mail
            not_sent(envelope.to, f"an unexpected {type(error).__name__}")

    def _resume(self, timer: threading.Timer, tries: int) -> None:
        with self._lock:
            envelope = self._paused.pop(timer, None)
        if envelope is not None:  # else it was given up: the process is ending
            self._submit(envelope, tries)

    def _give_up(self) -> None:
        """At the end of the process: what waits for another try will not get one."""
        if self._pid != os.getpid():
            return
        with self._lock:
            waiting, self._paused = list(self._paused.values()), {}
        for envelope in waiting:
            not_sent(envelope.to, "the process ended before another try")


def deliver(server: Url, host_name: str, envelope: Envelope, *, seconds: float = _SECONDS) -> None:
    """Send one mail now, and count it. `seconds`: how long to wait for each answer. Raises NotDelivered."""
    try:
        with _connected(server, host_name, seconds) as smtp:
            # not send_message, which changes lines that begin with "From"
            smtp.sendmail(envelope.sender, [envelope.to], envelope.message.as_bytes(policy=policy.SMTP))
        metrics.MAILS.labels("sent").inc()
    except (OSError, smtplib.SMTPException) as error:
        raise _explained(error) from None


@contextlib.contextmanager
def _connected(server: Url, host_name: str, seconds: float) -> Iterator[smtplib.SMTP]:
    port = server.port or _PORTS[server.scheme]
    context = ssl.create_default_context()
    if server.scheme == "smtps":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.host, port, host_name, timeout=seconds, context=context)
    else:
        smtp = smtplib.SMTP(server.host, port, host_name, timeout=seconds)
    try:
        smtp.ehlo_or_helo_if_needed()
        if server.scheme == "smtp+tls":
            if not smtp.has_extn("starttls"):
                raise NotDelivered("the mail server offers no STARTTLS", is_final=True)
            smtp.starttls(context=context)
            smtp.ehlo_or_helo_if_needed()
        if server.user and server.password:
            _sign_in(smtp, server.user, server.password)
        yield smtp
    finally:
        with contextlib.suppress(smtplib.SMTPException, OSError):
            smtp.quit()


def _sign_in(smtp: smtplib.SMTP, user: str, password: str) -> None:
    if not smtp.has_extn("auth"):
        raise NotDelivered(
            "the mail server takes no user and password on this connection; MAIL_URL may have to start with "
            "smtp+tls:// or smtps://",
            is_final=True,
        )
    if (user + password).isascii():
        smtp.login(user, password)
        return
    # smtplib signs in with ASCII only; the mechanisms take UTF-8 (RFC 4616, section 2).
    if "PLAIN" in smtp.esmtp_features["auth"].upper().split():
        code, reply = smtp.docmd("AUTH", "PLAIN " + _base64(f"\0{user}\0{password}"))
    else:
        code, reply = smtp.docmd("AUTH", "LOGIN " + _base64(user))
        if code == 334:
            code, reply = smtp.docmd(_base64(password))
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, reply)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _explained(error: OSError | smtplib.SMTPException) -> NotDelivered:
    """The error in our words. What the server wrote could quote the mail: only its numbers are repeated."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        [(code, reply)] = list(error.recipients.values())[:1]
        return _refused("the recipient", code, reply, fault=_fault_of_refusal(code, reply))
    if isinstance(error, smtplib.SMTPDataError):
        return _refused("the mail", error.smtp_code, error.smtp_error, fault="policy")
    if isinstance(error, smtplib.SMTPResponseException):
        if isinstance(error, smtplib.SMTPSenderRefused) and error.smtp_code == 530:  # RFC 4954, section 6
            return _refused(
                "mail without signing in; add the user and password to MAIL_URL", 530, error.smtp_error
            )
        what = {
            smtplib.SMTPSenderRefused: "the sender; check MAIL_FROM",
            smtplib.SMTPAuthenticationError: "the user or password of MAIL_URL",
            smtplib.SMTPConnectError: "the connection",
        }.get(type(error), "the conversation")
        return _refused(what, error.smtp_code, error.smtp_error)
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return NotDelivered("the mail server closed the connection", is_final=False)
    if isinstance(error, smtplib.SMTPException):
        return NotDelivered("the mail server offers no way to sign in that is known here", is_final=True)
    if isinstance(error, ssl.SSLCertVerificationError):
        return NotDelivered("the mail server's certificate is not valid for its name", is_final=True)
    if isinstance(error, ssl.SSLError):
        return NotDelivered(
            "TLS with the mail server failed; smtps:// begins with TLS, smtp+tls:// changes to it",
            is_final=False,
        )
    if isinstance(error, socket.gaierror):
        return NotDelivered("the name of the mail server cannot be resolved", is_final=False)
    if isinstance(error, TimeoutError):
        return NotDelivered("the mail server did not answer in time", is_final=False)
    return NotDelivered("the mail server cannot be reached", is_final=False)


def _refused(what: str, code: int, reply: bytes | str, *, fault: Fault = "server") -> NotDelivered:
    """Codes from 500 on are final (RFC 5321, section 4.2.1)."""
    status = _status(reply)
    numbers = f"{code} {status}" if status else str(code)
    return NotDelivered(f"the mail server refused {what} ({numbers})", is_final=code >= 500, fault=fault)


def _fault_of_refusal(code: int, reply: bytes | str) -> Fault:
    """Whether a refusal after RCPT is about that address, or about us.

    421 closes the connection, 530 and 535 want a sign-in (RFC 4954, section 6), and a server that relays for
    nobody says so. Status x.7.x is a rule of the server (RFC 3463, section 3.8), also about senders.
    """
    if code in {421, 530, 535} or _RELAY_REFUSED.search(_ascii(reply)):
        return "server"
    return "policy" if ".7." in _status(reply) else "recipient"


def _status(reply: bytes | str) -> str:
    """The enhanced status code (RFC 3463), or ""."""
    found = re.match(r"[245]\.\d{1,3}\.\d{1,3}\b", _ascii(reply))
    return found[0] if found else ""


def _ascii(reply: bytes | str) -> str:
    return reply if isinstance(reply, str) else reply.decode("ascii", "replace")
