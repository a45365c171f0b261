"""The browser that sent a request: its address, and the two cookies it holds besides the session.

The holder cookie binds a mailed code to the browser that requested it. The known cookie says that this
browser has signed in to an account before. It grants nothing but a separate budget of attempts, so that
somebody who spends an account's budgets from elsewhere does not lock its owner out (OWASP: device cookies).
"""

import hmac
from dataclasses import dataclass, replace

from flask import Request, Response

from app import crypto
from app.accounts import sessions
from app.accounts.budgets import source_of
from app.accounts.keyed_hash import keyed_digest
from app.config import Settings
from app.web import local_access, times

_HOLDER_SECONDS = 3_600
_KNOWN_SECONDS = 365 * 86_400
_PLAUSIBLE = range(40, 120)
# The first match counts: Edge also names Chrome, Chrome also names Safari, an iPhone also names Mac OS X.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True)
class Browser:
    """What a request says about its sender. Limits count by `source`. A missing cookie is ""."""

    address: str
    source: str
    user_agent: str
    holder: str
    known: str
    session: str
    time_zone: str = ""  # an IANA name the browser reported with a form; "" where it did not

    @property
    def holder_digest(self) -> str:
        """The digest a mailed code is bound to."""
        return crypto.digest(self.holder) if self.holder else ""


def read(request: Request, settings: Settings) -> Browser:
    """Return the browser that sent this request."""
    address = request.remote_addr or ""
    zone = request.form.get("time_zone", "")
    holder = request.cookies.get(_name(settings, "holder"), "")
    known = request.cookies.get(_name(settings, "known"), "")
    return Browser(
        address=address,
        source=source_of(address),
        user_agent=request.headers.get("User-Agent", ""),
        holder=holder if len(holder) in _PLAUSIBLE else "",
        known=known if len(known) in _PLAUSIBLE else "",
        session=request.cookies.get(sessions.cookie_name(settings), ""),
        time_zone=zone if times.is_zone(zone) else "",
    )


def with_holder(browser: Browser) -> Browser:
    """Return the browser with a holder token. An existing token stays, because two tabs may share it."""
    if browser.holder:
        return browser
    return replace(browser, holder=crypto.new_token())


def is_known_to(settings: Settings, browser: Browser, email: str) -> bool:
    """True if this browser has signed in to the account of this address before."""
    token, _, mark = browser.known.rpartition(".")
    return bool(token) and hmac.compare_digest(mark.encode(), _mark(settings, token, email).encode())


def set_holder(response: Response, settings: Settings, browser: Browser) -> None:
    """Set the holder cookie, to which a mailed code is bound."""
    _set(response, settings, "holder", browser.holder, _HOLDER_SECONDS)


def set_known(response: Response, settings: Settings, email: str) -> None:
    """Set the cookie that proves later that this browser has signed in to this account."""
    token = crypto.new_token()
    _set(response, settings, "known", f"{token}.{_mark(settings, token, email)}", _KNOWN_SECONDS)


def _mark(settings: Settings, token: str, email: str) -> str:
    return keyed_digest(settings, "known browser", token, email)[:40]


def _name(settings: Settings, kind: str) -> str:
    return f"__Host-{kind}" if settings.secure else kind


def _set(response: Response, settings: Settings, kind: str, value: str, seconds: int) -> None:
    response.set_cookie(
        _name(settings, kind),
        value,
        max_age=seconds,
        path="/",
        secure=settings.secure,
        httponly=True,
        samesite="Lax",
    )


def sees_mailbox(request: Request, settings: Settings) -> bool:
    """True if mail goes to the development mailbox and this browser may open it."""
    return not settings.mail_url and local_access.has_mailbox(settings, request.environ)


def name_of(user_agent: str) -> str:
    """Return a readable name of a browser, such as "Firefox on Windows"."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "A browser")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return f"{browser} on {system}" if system else browser
