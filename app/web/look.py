"""What templates render with: versioned assets, icons, the navigation, the brand accent."""

import hashlib
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    redirect,
    request,
    send_from_directory,
    url_for,
)
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from app.config import ROOT, Settings
from app.web import current
from app.web.palette import accent_set, stylesheet

bp = Blueprint("look", __name__)
STATIC = ROOT / "static"

# Listed in this order, each only if its page exists.
_MAIN_LINKS = (
    ("/integrations", "Integrations"),
    ("/ai-clients", "AI clients"),
    ("/approvals", "Approvals"),
    ("/usage", "Usage"),
    ("/team", "Team"),
)
_ACCOUNT_LINKS = (
    ("/account", "Account"),
    ("/activity", "Activity"),
    ("/webhooks", "Webhooks"),
    ("/memory", "Saved notes"),
)
_FOOTER_LINKS = (
    ("/docs", "Docs"),
    ("/privacy", "Privacy"),
    ("/terms", "Terms"),
)
_OPERATOR_LINKS = (("/admin", "Administration"),)

# A word in an AI client's name, and its icon. The first match counts.
_CLIENT_ICONS = (
    ("claude code", "lines/terminal"),
    ("claude", "clients/claude"),
    ("cursor", "clients/cursor"),
    ("gemini", "clients/gemini"),
    ("windsurf", "clients/windsurf"),
    ("chatgpt", "lines/message-circle"),
    ("openai", "lines/message-circle"),
    ("visual studio", "lines/code"),
    ("vs code", "lines/code"),
    ("python", "clients/python"),
    ("inspector", "clients/mcp"),
)


@dataclass(frozen=True)
class NavigationLink:
    """A link of the navigation. `is_current`: it leads to the current page."""

    path: str
    label: str
    is_current: bool


def install(app: Flask, settings: Settings) -> None:
    """Register the template globals and filters, and serve `/brand.css`."""
    app.register_blueprint(bp)
    app.jinja_env.globals.update(
        asset=asset,
        icon=icon,
        client_icon=client_icon,
        body_font=body_font,
        service_icon=service_icon,
        navigation=navigation,
        footer_links=footer_links,
    )
    app.jinja_env.filters.update(initials=initials, number=number)

    @app.after_request
    def _keep_assets(response: Response) -> Response:
        if request.endpoint == "static" and response.status_code in {200, 304} and _is_named_by_content():
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


@bp.get("/brand.css")
def brand() -> Response:
    """The brand accent as a style sheet. 404 if BRAND_ACCENT is not set."""
    settings = current.settings()
    if settings.brand_accent is None:
        abort(404)
    response = Response(stylesheet(settings.brand_accent), mimetype="text/css")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@bp.get("/brand.svg")
def favicon() -> Response:
    """Our favicon in the brand accent. 404 if BRAND_ACCENT is not set."""
    settings = current.settings()
    if settings.brand_accent is None:
        abort(404)
    colours = accent_set(settings.brand_accent, "light")
    ours = (STATIC / "icons" / "favicon.svg").read_text()
    mark = ours.replace('fill="#0f766e"', f'fill="{colours["accent"]}"').replace(
        'stroke="#fff"', f'stroke="{colours["on-accent"]}"'
    )
    response = Response(mark, mimetype="image/svg+xml")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@bp.get("/favicon.ico")
def favicon_ico() -> ResponseReturnValue:
    """The favicon where browsers, search engines and AI clients look without having read a page: the brand's
    logo, else our mark in the brand accent, else our mark.
    """
    settings = current.settings()
    if settings.brand_logo_url or settings.brand_accent:
        return redirect(settings.brand_logo_url or url_for("look.favicon"), 302)
    response = send_from_directory(STATIC / "icons", "favicon.ico", mimetype="image/vnd.microsoft.icon")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


def _is_named_by_content() -> bool:
    """Whether the URL holds the file's digest. During an upgrade a page may ask a process of another version
    for its style sheet, and what it gets must not be cached as if it were the right one.
    """
    if request.path.startswith("/static/fonts/"):
        return True
    file = (STATIC / (request.view_args or {})["filename"]).resolve()
    return request.args.get("v") == _digest(file, file.stat().st_mtime_ns)


def asset(path: str) -> str:
    """Return the URL of a file in `static/` with a content digest, so browsers may cache it for good."""
    file = STATIC / path
    return url_for("static", filename=path, v=_digest(file, file.stat().st_mtime_ns))


@cache
def _digest(file: Path, _changed: int) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


@cache
def icon(name: str) -> Markup:
    """Return a line icon as markup in the text colour. It is decorative: the words beside it say the same."""
    return _inline(f"lines/{name}")


@cache
def client_icon(client_name: str) -> Markup:
    """Return the icon of an AI client by its name; a robot for an unknown one."""
    name = client_name.casefold()
    return _inline(next((file for word, file in _CLIENT_ICONS if word in name), "lines/bot"))


@cache
def service_icon(slug: str) -> Markup | None:
    """Return the icon of a service in its own colour, or None if `static/icons/services` has none."""
    return _inline(f"services/{slug}") if (STATIC / "icons" / "services" / f"{slug}.svg").is_file() else None


@cache
def body_font() -> str:
    """Return the URL of the font every page needs, as its style sheet names it: the digest is in the name."""
    [file] = (STATIC / "fonts").glob("inter-latin.*.woff2")
    return url_for("static", filename=f"fonts/{file.name}")


def _inline(name: str) -> Markup:
    svg = (STATIC / "icons" / f"{name}.svg").read_text()
    return Markup(svg.strip().replace("<svg ", '<svg class="icon" aria-hidden="true" focusable="false" ', 1))  # noqa: S704  our own file


def navigation(group: str = "main", *, is_operator: bool = False) -> list[NavigationLink]:
    """Return the links of a navigation group whose pages exist on this installation."""
    listed = {"main": _MAIN_LINKS, "account": _ACCOUNT_LINKS + (_OPERATOR_LINKS if is_operator else ())}[
        group
    ]
    current_path, existing = request.path, _pages()
    return [
        NavigationLink(path, label, current_path == path or current_path.startswith(path + "/"))
        for path, label in listed
        if path in existing
    ]


def footer_links() -> list[tuple[str, str]]:
    """Return path and label of the pages about the product that exist on this installation."""
    existing = _pages()
    return [(path, label) for path, label in _FOOTER_LINKS if path in existing]


def _pages() -> frozenset[str]:
    """Return the paths that can be opened. An application's routes are complete before its first request."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    return _pages_of(app)


@lru_cache(maxsize=4)
def _pages_of(app: Flask) -> frozenset[str]:
    rules = app.url_map.iter_rules()
    return frozenset(rule.rule.rstrip("/") for rule in rules if rule.methods and "GET" in rule.methods)


def initials(name: str) -> str:
    """Return one or two capitals for an avatar, from a name or an email address."""
    words = re.findall(r"[^\W_]+", name.split("@")[0])
    return "".join(word[0] for word in words[:2]).upper() or "?"


def number(value: int) -> str:
    """Return a whole number with thousands separators: 50,000."""
    return f"{value:,}"
