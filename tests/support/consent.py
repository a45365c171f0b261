"""A sandbox process to connect to, and what a browser does on its consent page."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.support import processes
from tests.support.waiting import AT_MOST_SECONDS


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any) -> None:
        return None


_browser = urllib.request.build_opener(_Stay)


@dataclass(frozen=True)
class Sandbox:
    """The imitated services. A consent page is answered with `approve` or `deny`; both give our callback's
    path.
    """

    url: str

    def approve(self, consent_url: str, company: str | None = None, granted: list[str] | None = None) -> str:
        page = _browser.open(consent_url, timeout=AT_MOST_SECONDS).read().decode()
        companies = re.findall(r'name="company"[^>]*value="([^"]+)"', page)
        scopes = re.findall(r'name="granted"[^>]*value="([^"]+)"', page)
        form = [
            ("company", company or companies[0]),
            ("decision", "approve"),
            *(("granted", s) for s in (scopes if granted is None else granted)),
        ]
        return self._send(consent_url, form)

    def deny(self, consent_url: str) -> str:
        return self._send(consent_url, [("decision", "deny")])

    def companies(self, consent_url: str) -> list[str]:
        return re.findall(
            r'name="company"[^>]*value="([^"]+)"',
            _browser.open(consent_url, timeout=AT_MOST_SECONDS).read().decode(),
        )

    def lever(self, slug: str, name: str, **given: Any) -> Any:
        request = urllib.request.Request(
            f"{self.url}/_levers/{slug}/{name}",
            data=json.dumps(given).encode(),
            headers={"Content-Type": "application/json"},
        )
        return json.load(_browser.open(request, timeout=AT_MOST_SECONDS))

    def log(self, slug: str) -> Any:
        return json.load(_browser.open(f"{self.url}/_levers/{slug}/log", timeout=AT_MOST_SECONDS))

    def _send(self, consent_url: str, form: list[tuple[str, str]]) -> str:
        try:
            _browser.open(consent_url, data=urlencode(form).encode(), timeout=AT_MOST_SECONDS)
        except urllib.error.HTTPError as answer:
            assert answer.code == 302, answer.read().decode()
            parts = urlsplit(answer.headers["Location"])
            return f"{parts.path}?{parts.query}"
        raise AssertionError("the consent page did not send the browser back")


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[Sandbox]:
    with processes.run_sandbox() as url:
        yield Sandbox(url)


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Sandbox:
    for slug in ("xero", "gmail", "freshbooks", "quickbooks", "stripe", "servicefusion"):
        sandbox_process.lever(slug, "reset")
    return sandbox_process


@pytest.fixture
def environ(environ: dict[str, str], sandbox: Sandbox) -> dict[str, str]:
    return {**environ, "SANDBOX_URL": sandbox.url}


@pytest.fixture
def connect(sandbox: Sandbox):
    """`connect(visitor, "xero")` goes through the whole dance and gives the page it ends on."""

    def _connect(
        visitor: Any, slug: str, company: str | None = None, granted: list[str] | None = None, **form: str
    ) -> Any:
        visitor.get("/integrations")
        leaving = visitor.submit(f"/integrations/{slug}", form)
        assert leaving.status_code == 303, leaving.text
        back = visitor.get(sandbox.approve(leaving.headers["Location"], company, granted))
        assert back.status_code == 303, back.text
        return visitor.follow(back)

    return _connect


def connections_of(visitor: Any, slug: str) -> list[dict[str, Any]]:
    """What /integrations/status says about a service's connections."""
    found = next(c for c in visitor.get("/integrations/status").json["connectors"] if c["slug"] == slug)
    connections: list[dict[str, Any]] = found["connections"]
    return connections


def consent_parameters(consent_url: str) -> dict[str, str]:
    """The parameters of an authorization request."""
    return {name: values[0] for name, values in parse_qs(urlsplit(consent_url).query).items()}
