"""TLS to other hosts. Certificates are always checked: of a host, once for each session with it."""

import socket
import ssl
import time

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.ssl_ import create_urllib3_context

# A session that is resumed shows no certificate. After this time the host must again.
_SESSION_SECONDS = 600.0


def new_context() -> ssl.SSLContext:
    """A context with the certificates of the usual issuers, which take long to read."""
    context = create_urllib3_context()
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    context.set_alpn_protocols(["http/1.1"])
    return context


class ResumedTLS:
    """TLS to one host, whose last session a new connection resumes: that saves sending and checking the
    certificates, and with TLS 1.2 a round trip.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context
        self._session: ssl.SSLSession | None = None
        self._until = 0.0  # on the monotonic clock

    def over(self, sock: socket.socket, host: str) -> ssl.SSLSocket:
        """Return the socket with TLS. Raises OSError; SSLCertVerificationError for a bad certificate."""
        session = self._session if time.monotonic() < self._until else None
        try:
            return self.context.wrap_socket(sock, server_hostname=host, session=session)
        except BaseException:
            self._session = None  # whatever the reason is, the next connection starts anew
            raise

    def keep_session(self, sock: ssl.SSLSocket) -> bool:
        """Keep the session of a connection for the next one. False: there is none to resume yet. With TLS 1.3
        the host sends it after the handshake, so usually with its first response.
        """
        if sock.session_reused:
            return True  # the next one resumes the same, whose certificate was checked
        session = sock.session
        if session is None or not (session.has_ticket or sock.version() == "TLSv1.2"):
            return False
        self._session, self._until = session, time.monotonic() + _SESSION_SECONDS
        return True
