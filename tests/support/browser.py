"""A person at a real Chromium. They go by the names they see: labels, buttons, headings."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from app import clock
from tests.support import services
from tests.support.waiting import AT_MOST_SECONDS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

# No traffic of the browser's own: a test hears only what it did.
_QUIET = (
    "no-sandbox disable-gpu disable-quic no-first-run disable-background-networking "
    "disable-component-update disable-sync"
)
_numbers = itertools.count(1)


@contextlib.contextmanager
def open_chromium() -> Iterator[Browser]:
    """A headless Chromium; close to nothing starts with it."""
    from playwright.sync_api import sync_playwright  # half a second that only browser tests need

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=services.chromium(), args=[f"--{each}" for each in _QUIET.split()]
        )
        try:
            yield browser
        finally:
            browser.close()


def seconds_between_polls(page: Page) -> float:
    """The longest time after which the page asks for news by itself."""
    longest: float = page.evaluate(
        "Math.max(...[...document.querySelectorAll('[data-poll]')].map((each) => each.dataset.poll))"
    )
    return longest + 0.5  # it looks whether it is time twice a second


def poll_now(page: Page) -> None:
    """Have the board poll now, as when somebody returns to the page, and wait for the response."""
    page.evaluate(
        """() => new Promise((done) => {
          const shown = () => requestAnimationFrame(() => setTimeout(done));
          document.addEventListener('htmx:afterRequest', (event) => {
            if (event.detail.elt.id === 'board') shown();
          });
          document.dispatchEvent(new Event('visibilitychange'));
        })"""
    )


def stop_clock(page: Page) -> None:
    """From the next page on, timers run only with `page.clock.run_for(…)`."""
    page.clock.install()
    page.clock.pause_at(clock.host_now() + timedelta(minutes=1))


def choose_level(page: Page, service: str, words: str) -> None:
    """Open a card's menu of permission levels, choose one by its words, and wait until it applies."""
    page.locator(f".levels > summary[aria-label^='{service}: ']").click()
    page.locator(".levels[open]").get_by_role("button", name=re.compile(f"^{words}")).click()
    page.get_by_label(f"{service}: {words}", exact=True).wait_for()


@dataclass
class Person:
    """Somebody with a browser of their own, at a running installation (`url`)."""

    browser: Browser
    url: str
    name: str = "anna"
    javascript: bool = True
    accepts_any_certificate: bool = False
    company: str = "Kraus & Daughters"
    password: str = "violet-anchor-meadow-62"
    has_account: bool = False
    context: BrowserContext = field(init=False)
    page: Page = field(init=False)
    email: str = field(init=False)

    def __post_init__(self) -> None:
        self.email = f"{self.name}.{next(_numbers)}@example.com"
        self.context = self.browser.new_context(
            java_script_enabled=self.javascript, ignore_https_errors=self.accepts_any_certificate
        )
        self.context.set_default_timeout(AT_MOST_SECONDS * 1000)
        self.page = self.context.new_page()

    # --- what is on the page ---

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def card(self, slug: str) -> Locator:
        """The card of a service that has one connection or none."""
        return self.page.locator(f"[data-slug={slug}]")

    def sees(self, words: str | re.Pattern[str]) -> None:
        """Wait until the words are on the page."""
        self.page.get_by_text(words).first.wait_for()

    def is_at(self, path: str) -> bool:
        return urlsplit(self.page.url).path == path and self.page.url.startswith(self.url)

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)

    # --- account ---

    def create_account(self) -> None:
        """From the front door to the hub."""
        self.go("/")
        self.page.get_by_role("link", name="Create account").first.click()
        self.fill_in_registration()

    def fill_in_registration(self) -> None:
        """The form, then the code from the mail."""
        self.page.get_by_label("Company").fill(self.company)
        self.page.get_by_label("Email").fill(self.email)
        self.page.get_by_label("Password").fill(self.password)
        self.button("Create account").click()
        self.type_mailed_code()
        self.has_account = True

    def type_mailed_code(self) -> None:
        field = self.page.get_by_label("Code")
        field.wait_for()  # a click does not wait for the page it leads to; with that, the mail is sent
        field.fill(self.mailed_code())
        self.button("Confirm").click()
        self.page.wait_for_url(lambda url: urlsplit(url).path != "/confirm")

    def mailed_code(self) -> str:
        """The newest code, read where a developer reads it: in the mailbox page, in another tab."""
        tab = self.context.new_page()
        tab.goto(f"{self.url}/dev/mailbox?to={self.email}")
        code = re.search(r"\b\d{6}\b", tab.locator("article").first.inner_text())
        tab.close()
        assert code, "the mailbox shows no code"
        return code[0]

    def sign_in(self) -> None:
        """On the sign-in page, wherever that was asked for."""
        self.page.get_by_label("Email").fill(self.email)
        self.page.get_by_label("Password").fill(self.password)
        self.button("Sign in").click()
        self.page.wait_for_url(lambda url: urlsplit(url).path != "/login")

    def sign_out(self) -> None:
        self.page.get_by_label("Your account").click()
        self.button("Sign out").click()
        self.page.get_by_role("link", name="Sign in").first.wait_for()

    # --- hub ---

    def connect(self, service: str, *, company: str | None = None, again: bool = False) -> None:
        """Connect or reconnect on the hub, and come back to it."""
        self.button(f"{'Reconnect' if again else 'Connect'} {service}").click()
        self.approve(company)
        self.sees(re.compile(f"^{service} connected: "))

    def approve(self, company: str | None = None) -> None:
        """The service's own consent page; or our form, which comes filled with what the sandbox takes."""
        approve = self.page.get_by_role("button", name="Approve")
        form = self.page.locator("form[action$='/keys'] button[type=submit]")
        approve.or_(form).wait_for()
        if form.count():
            form.click()
            return
        if company:
            self.page.get_by_label(company).check()
        approve.click()

    def permit(self, service: str, words: str) -> None:
        """Choose a permission by its words, such as "Read and write"."""
        choose_level(self.page, service, words)

    def status(self) -> dict:  # type: ignore[type-arg]
        """The hub as JSON, asked by this person's browser: services by slug."""
        answer = self.context.request.get(f"{self.url}/integrations/status")
        return {each["slug"]: each for each in json.loads(answer.text())["connectors"]}

    def connection(self, slug: str) -> dict:  # type: ignore[type-arg]
        [only] = self.status()[slug]["connections"]
        return only  # type: ignore[no-any-return]

    # --- an AI client's authorization ---

    def authorize(
        self, url: str, *, connect: tuple[str, ...] = (), permit: dict[str, str] | None = None
    ) -> None:
        """Walk an authorization URL to its end: account, consent, hub, "Continue to …"."""
        self.page.goto(url)
        if self.is_at("/login"):
            if self.has_account:
                self.sign_in()
            else:
                self.page.get_by_role("link", name="Create account").click()
                self.fill_in_registration()
            # a click does not wait for the page it leads to
            self.page.wait_for_url(re.compile(rf"^{re.escape(self.url)}/((oauth/)?authorize|integrations)\?"))
        if self.is_at("/oauth/authorize") or self.is_at("/authorize"):
            self.button("Allow").click()
        self.page.wait_for_url(re.compile(r"/integrations\?.*flow="))
        for service in connect:
            self.connect(service)
        for service, words in (permit or {}).items():
            self.permit(service, words)
        self.page.get_by_role("button", name=re.compile("^Continue to ")).click()
        self.page.wait_for_url(lambda now: not now.startswith(self.url))


class Loopback:
    """A program's own listener for the way back from the browser, as native clients have."""

    def __init__(self, path: str = "/callback") -> None:
        self.arrived: Queue[dict[str, str]] = Queue()
        arrived = self.arrived

        class _Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if parts.path == path:
                    arrived.put(dict(parse_qsl(parts.query)))
                self.send_response(200 if parts.path == path else 404)
                self.send_header("Content-Type", "text/plain")
                self.end_headers()
                self.wfile.write(b"You can close this window.")

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}{path}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
