"""The browser that sent a request: its address, and the cookies it holds besides the session.

The holder cookie binds a mailed code to the browser that requested it. The known cookie is in
`known_browsers.py`.
"""

from dataclasses import dataclass, replace

from flask import Request, Response

from app import crypto
from app.accounts import sessions
from app.accounts.budgets import source_of
from app.config import Settings
from app.web import local_access, times

_HOLDER_SECONDS = 3_600
_PLAUSIBLE = range(40, 160)
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
    return Browser(
        address=address,
        source=source_of(address),
        user_agent=request.headers.get("User-Agent", ""),
        holder=cookie_value_of(request, settings, "holder"),
        known=cookie_value_of(request, settings, "known"),
        session=request.cookies.get(sessions.cookie_name(settings), ""),
        time_zone=zone if times.is_zone(zone) else "",
    )


def with_holder(browser: Browser) -> Browser:
    """Return the browser with a holder token. An existing token stays, because two tabs may share it."""
    if browser.holder:
        return browser
    return replace(browser, holder=crypto.new_token())


def set_holder(response: Response, settings: Settings, browser: Browser) -> None:
    """Set the holder cookie, to which a mailed code is bound."""
    set_cookie(response, settings, "holder", browser.holder, _HOLDER_SECONDS)


def cookie_value_of(request: Request, settings: Settings, kind: str) -> str:
    """Return the value of one of these cookies, or "" if there is none or it cannot be ours."""
    value = request.cookies.get(_name(settings, kind), "")
    return value if len(value) in _PLAUSIBLE else ""


def _name(settings: Settings, kind: str) -> str:
    return f"__Host-{kind}" if settings.secure else kind


def set_cookie(response: Response, settings: Settings, kind: str, value: str, seconds: int) -> None:
    """Set one of these cookies, which no script reads and no other site gets."""
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
