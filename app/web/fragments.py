"""One form, two responses: a fragment for htmx, a 303 for everyone else."""

from typing import Any

from flask import Response, make_response, redirect, render_template
from flask.typing import ResponseReturnValue
from flask_htmx import HTMX

htmx = HTMX()

_LONGEST_PATH = 16_000  # URL-quoted, it still fits the request line limit in gunicorn.conf.py


def wants_fragment() -> bool:
    """True if htmx requests a part of the page, and not a restored or boosted whole page."""
    return bool(htmx) and not htmx.history_restore_request and not htmx.boosted


def fragment_or_redirect(template: str, location: str, **context: Any) -> ResponseReturnValue:
    """Render `template` for htmx; otherwise redirect with 303 to `location`, a path of ours."""
    if wants_fragment():
        return varying(render_template(template, **context))
    return redirect(location, 303)


def varying(html: str, status: int = 200) -> Response:
    """A response whose HTML depends on `wants_fragment`; caches keep the two apart."""
    response = make_response(html, status)
    response.headers["Vary"] = "HX-Request"
    return response


def redirect_whole_page(location: str) -> Response:
    """Redirect with 303. htmx would follow that inside its fragment, so it gets HX-Redirect instead."""
    if wants_fragment():
        return make_response("", 204, {"HX-Redirect": location})
    return make_response(redirect(location, 303))


def local_path(target: str | None, default: str = "/integrations") -> str:
    """Return `target` if it is a path on this site, else `default`: no open redirect after sign-in."""
    if (
        not target
        or not target.startswith("/")
        or target.startswith(("//", "/\\"))
        or any(c == "\\" or not c.isprintable() for c in target)
        or len(target) > _LONGEST_PATH
    ):
        return default
    return target
