"""A real SMTP server (aiosmtpd) in a thread, and what it received."""

import ssl
from datetime import timedelta
from email import message_from_bytes, policy
from ipaddress import ip_address

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app import clock
from tests.support.product import free_port
from tests.support.waiting import AT_MOST_SECONDS, until

HOST = "127.0.0.1"


class Received:
    """The handler: keeps each mail, and answers by the list `replies`, one entry per recipient named."""

    def __init__(self, replies=(), drops=0):
        self.envelopes, self.sessions, self.logins, self.dropped = [], [], [], []
        self.replies, self.drops = list(replies), drops

    async def handle_RCPT(self, server, session, envelope, address, options):
        reply = self.replies.pop(0) if self.replies else "250 OK"
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server, session, envelope):
        if self.drops:
            self.drops -= 1
            self.dropped.append(envelope.content)
            server.transport.abort()
            return "250 never arrives"
        self.envelopes.append(envelope)
        self.sessions.append(session)
        return "250 OK"

    def authenticate(self, server, session, envelope, mechanism, login):
        """Takes the user `hub` with the password `pä/ss#w@rd%`, or `plain`."""
        pair = (login.login.decode(), login.password.decode())
        self.logins.append((mechanism, *pair))
        known = pair in {("hub", "pä/ss#w@rd%"), ("hub", "plain")}
        return AuthResult(success=known, handled=known)

    @property
    def mails(self):
        """The parsed mails."""
        contents = [envelope.content.replace(b"\r\n", b"\n") for envelope in self.envelopes]
        return [message_from_bytes(content, policy=policy.default) for content in contents]

    def wait_for(self, count=1):
        """The mails, once there are so many."""
        until(lambda: len(self.envelopes) >= count)
        return self.mails


class SmtpServer:
    """`with SmtpServer(...) as server:`; its address is `server.authority`."""

    def __init__(self, received, *, certificate=None, implicit_tls=False, **options):
        self.received = received
        context = None
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
        if options.get("auth_required"):
            options.update(
                authenticator=received.authenticate, auth_require_tls=bool(context) and not implicit_tls
            )
        self._controller = Controller(
            received,
            hostname=HOST,
            port=free_port(),
            ready_timeout=AT_MOST_SECONDS,
            ssl_context=context if implicit_tls else None,
            tls_context=None if implicit_tls else context,
            **options,
        )

    def __enter__(self):
        self._controller.start()
        self.authority = f"{HOST}:{self._controller.port}"
        return self

    def __exit__(self, *_):
        self._controller.stop()


def new_certificate(path, address=HOST):
    """Write a certificate and its key for that address; returns the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = clock.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + certificate.public_bytes(pem))
    return path
