"""TLS sessions with other hosts: resumed with the host they are of, and no longer than they may be."""

import contextlib
import socket
import ssl
import threading
from types import SimpleNamespace

import pytest

from app import outbound
from app.outbound import CertificateRefused, sending, tls
from tests.support.certificates import self_signed

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


class Host:
    """A TLS server that answers one request per connection, and notes whether its session was resumed."""

    def __init__(self, certificate, *, version=ssl.TLSVersion.TLSv1_3):
        self.resumed = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        self.context.minimum_version = self.context.maximum_version = version
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.serve, daemon=True).start()

    @property
    def url(self):
        return f"https://localhost:{self.listener.getsockname()[1]}/"

    def serve(self):
        while True:
            try:
                accepted = self.listener.accept()[0]
            except OSError:
                return
            with contextlib.suppress(OSError), self.context.wrap_socket(accepted, server_side=True) as sock:
                self.resumed.append(sock.session_reused)
                sock.recv(65_536)
                sock.sendall(ANSWER)
                sock.unwrap()  # else OpenSSL takes the session for a broken one


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    """A certificate of localhost that is trusted, by its path."""
    path = tmp_path / "localhost.pem"
    path.write_text(self_signed())
    monkeypatch.setattr(tls, "DEFAULT_CA_BUNDLE_PATH", str(path))
    monkeypatch.setattr(sending, "_adapters", {})
    return path


@pytest.fixture
def host(certificate):
    with contextlib.ExitStack() as stack:

        def start(**options):
            started = Host(options.pop("certificate", certificate), **options)
            stack.callback(started.listener.close)
            return started

        yield start


def ask(url, **options):
    assert outbound.send("GET", url, **options).json() == {}


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_new_connection_resumes_the_last_session(host, version):
    subject = host(version=version)
    for _ in range(3):
        ask(subject.url)
    assert subject.resumed == [False, True, True]


def test_a_session_is_of_one_host_and_port(host):
    """Both share keys, so either would take the other's session."""
    first, second = host(), host()
    second.context = first.context
    ask(first.url)
    ask(second.url)
    assert (first.resumed, second.resumed) == ([False], [False])


def test_a_session_is_not_resumed_under_another_name(host):
    subject = host()
    ask(subject.url)
    with pytest.raises(CertificateRefused):
        ask(subject.url.replace("localhost", "127.0.0.1"))  # the certificate is not of that one
    assert subject.resumed == [False]


def test_a_session_is_not_resumed_past_the_guard(host, monkeypatch):
    subject = host()
    monkeypatch.setattr("app.outbound.guarded_http.is_public", lambda address: True)
    ask(subject.url)
    ask(subject.url, guarded=True)
    ask(subject.url, guarded=True)
    assert subject.resumed == [False, False, True]


def test_ten_minutes_later_the_certificate_is_checked_again_however_often_it_was_resumed(host, monkeypatch):
    subject = host()
    for seconds in (0, 300, 599, 601, 1_200):
        moment = SimpleNamespace(monotonic=lambda seconds=seconds: 5_000.0 + seconds)
        monkeypatch.setattr(tls, "time", moment)
        ask(subject.url)
    assert subject.resumed == [False, True, True, False, True]


def test_a_host_that_takes_no_session_must_have_a_good_certificate(host, tmp_path):
    subject = host()
    ask(subject.url)
    other = tmp_path / "expired.pem"
    other.write_text(self_signed(starts=-2, ends=-1))
    subject.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    subject.context.load_cert_chain(other)
    with pytest.raises(CertificateRefused):
        ask(subject.url)
    assert subject.resumed == [False]
