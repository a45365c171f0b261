"""Real proxies with the files we ship: only ports, names, certificates and folders are the test's own."""

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

from tests.support.databases import ROOT
from tests.support.product import free_port
from tests.support.waiting import AT_MOST_SECONDS

UNVERIFIED = ssl.create_default_context()
UNVERIFIED.check_hostname = False
UNVERIFIED.verify_mode = ssl.CERT_NONE
RunProxy = Callable[[Path, int, int], contextlib.AbstractContextManager["Proxy"]]


@dataclass
class Proxy:
    port: int
    plain_port: int

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def connect(self, data: bytes = b"") -> ssl.SSLSocket:
        """A TLS connection that has sent these bytes."""
        sock = UNVERIFIED.wrap_socket(
            socket.create_connection(("127.0.0.1", self.port), timeout=AT_MOST_SECONDS),
            server_hostname="localhost",
        )
        sock.sendall(data)
        return sock

    def open(self, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any, bytes]:
        """Status, headers and body of an answer, redirects not followed."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, body, given)
        opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=UNVERIFIED), _Stay, urllib.request.ProxyHandler({})
        )
        try:
            answer: HTTPResponse = opener.open(request, timeout=60)
            return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


@contextlib.contextmanager
def run_nginx(folder: Path, upstream: int, port: int) -> Iterator[Proxy]:
    """nginx with deploy/nginx.conf among its sites, beside the site of another service."""
    folder.mkdir(parents=True, exist_ok=True)
    plain_port = free_port()
    certificate = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost"
    subprocess.run(
        [*certificate.split(), "-keyout", f"{folder}/privkey.pem", "-out", f"{folder}/fullchain.pem"],
        check=True,
        capture_output=True,
    )
    site = (ROOT / "deploy/nginx.conf").read_text()
    for shipped, here in (
        ("127.0.0.1:8000", f"127.0.0.1:{upstream}"),
        ("/etc/letsencrypt/live/hub.example.com", str(folder)),
        ("hub.example.com", "localhost"),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("listen 80;", f"listen 127.0.0.1:{plain_port};"),
    ):
        assert shipped in site, f"deploy/nginx.conf lacks {shipped}"
        site = site.replace(shipped, here)
    lines = [line for line in site.splitlines() if "[::]" not in line]
    (folder / "site.conf").write_text("\n".join(lines))
    (folder / "nginx.conf").write_text(
        f"""
        daemon off; pid {folder}/pid; error_log {folder}/error.log;
        {"user root;" if os.geteuid() == 0 else ""}
        events {{ worker_connections 2048; }}
        http {{
            access_log off; types {{ }} default_type application/octet-stream;
            client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
            uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
            server {{ listen 127.0.0.1:{port} ssl default_server; server_name other.example.com;
                ssl_certificate {folder}/fullchain.pem; ssl_certificate_key {folder}/privkey.pem;
                location / {{ return 200 "another service"; }} }}
            include {folder}/site.conf;
        }}
        """
    )
    with _running(["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)], folder, port):
        yield Proxy(port, plain_port)


@contextlib.contextmanager
def run_caddy(folder: Path, upstream: int, port: int) -> Iterator[Proxy]:
    """Caddy with deploy/Caddyfile. It certifies localhost itself."""
    folder.mkdir(parents=True, exist_ok=True)
    plain_port = free_port()
    shipped = (ROOT / "deploy/Caddyfile").read_text()
    options = f"admin off\n\tskip_install_trust\n\thttp_port {plain_port}\n\thttps_port {port}\n\tservers {{"
    assert shipped.count("servers {") == 1
    (folder / "Caddyfile").write_text(shipped.replace("servers {", options))
    environ = {"PUBLIC_URL": f"https://localhost:{port}", "UPSTREAM": f"127.0.0.1:{upstream}"}
    environ |= {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    command = ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    with _running(command, folder, port, environ):
        yield Proxy(port, plain_port)


@contextlib.contextmanager
def _running(
    command: list[str], folder: Path, port: int, environ: dict[str, str] | None = None
) -> Iterator[None]:
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            command,
            env={"PATH": os.environ["PATH"] + ":/usr/sbin"} | (environ or {}),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            end = time.monotonic() + AT_MOST_SECONDS
            while True:
                assert process.poll() is None and time.monotonic() < end, (folder / "log.txt").read_text()
                with (
                    contextlib.suppress(OSError),
                    socket.create_connection(("127.0.0.1", port), timeout=2) as sock,
                ):
                    UNVERIFIED.wrap_socket(sock, server_hostname="localhost").close()
                    break
                time.sleep(0.05)
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
