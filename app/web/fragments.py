"""One form, two answers: a fragment for htmx, a 303 for everyone else."""

from typing import Any

from flask import make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

_LONGEST_PATH = 16_000  # quoted once more, it still fits the request line of gunicorn.conf.py


def wants_fragment() -> bool:
    """True when htmx asks for a piece of the page (and not for a restored or boosted whole page)."""
    return (
        request.headers.get("HX-Request") == "true"
        and request.headers.get("HX-History-Restore-Request") != "true"
        and request.headers.get("HX-Boosted") != "true"
    )


def fragment_or_redirect(template: str, location: str, **context: Any) -> ResponseReturnValue:
    """Render `template` for htmx; otherwise redirect with 303 to `location`, a path of ours."""
    if wants_fragment():
        response = make_response(render_template(template, **context))
        response.headers["Vary"] = "HX-Request"
        return response
    return redirect(location, 303)


def local_path(target: str | None, default: str = "/integrations") -> str:
    """`target` if it is a path on this site, else `default`: no redirect to elsewhere after signing in."""
    if (
        not target
        or not target.startswith("/")
        or target.startswith(("//", "/\\"))
        or any(c == "\\" or not c.isprintable() for c in target)
        or len(target) > _LONGEST_PATH
    ):
        return default
    return target
