"""Routes of the pages about the installation. They read no cookie and change nothing."""

from datetime import timedelta

from flask import Blueprint, Flask, Response, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app import clock
from app.config import Settings
from app.page_settings import LegalText
from app.pages import documentation, legal
from app.web import current

bp = Blueprint("pages", __name__)
_SECURITY_TXT = "/.well-known/security.txt"
_SECURITY_TXT_DAYS = 180  # RFC 9116 section 2.5.5: less than a year


def install(app: Flask, settings: Settings) -> None:
    """Register the routes."""
    app.register_blueprint(bp)


@bp.get("/docs")
def docs() -> ResponseReturnValue:
    """The index of the documentation."""
    page = documentation.load(documentation.INDEX, current.settings().brand_name)
    return render_template("pages/documentation.html", page=page, is_index=True)


@bp.get("/docs/<name>")
def document(name: str) -> ResponseReturnValue:
    """A page of the documentation; with `.md`, as the files link to each other, too."""
    page_name = name.removesuffix(".md")
    page = documentation.load(page_name, current.settings().brand_name)
    if page_name == documentation.INDEX:
        return redirect("/docs", 301)
    if page_name != name:
        return redirect(f"/docs/{page_name}", 301)
    return render_template("pages/documentation.html", page=page, is_index=False)


@bp.get("/privacy")
def privacy() -> ResponseReturnValue:
    """What is stored about whom."""
    return _legal("privacy", current.settings().pages.privacy)


@bp.get("/terms")
def terms() -> ResponseReturnValue:
    """The terms of use."""
    return _legal("terms", current.settings().pages.terms)


@bp.get(_SECURITY_TXT)
def security_txt() -> Response:
    """RFC 9116: whom to tell about a vulnerability. 404 if SECURITY_CONTACT is not set."""
    settings = current.settings()
    if settings.pages.security_contact is None:
        abort(404)
    expires = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    expires += timedelta(days=_SECURITY_TXT_DAYS)
    lines = (
        f"Contact: {settings.pages.security_contact}",
        f"Expires: {expires.strftime('%Y-%m-%dT%H:%M:%SZ')}",
        "Preferred-Languages: en",
        f"Canonical: {settings.public_url}{_SECURITY_TXT}",
        f"Policy: {settings.public_url}/docs/security",
    )
    return Response("".join(f"{line}\n" for line in lines), content_type="text/plain; charset=utf-8")


def _legal(name: str, own: LegalText) -> ResponseReturnValue:
    if own.url:
        return redirect(own.url, 302)
    page = legal.load(name, own, current.settings())
    return render_template("pages/legal.html", page=page, path=request.path)
