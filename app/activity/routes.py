"""The page `/activity`, its files, and the button that verifies."""

from collections.abc import Iterator

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
    stream_with_context,
)
from flask.typing import ResponseReturnValue

from app import clock
from app.activity import exporting, page
from app.activity.trail import Asked
from app.config import Settings
from app.errors import Forbidden, InvalidInput
from app.web.fragments import wants_fragment
from app.web.limits import limiter
from app.workspaces.guard import member, person_or_address

bp = Blueprint("activity", __name__)


def install(app: Flask, settings: Settings) -> None:
    """Register the page."""
    app.register_blueprint(bp)


@bp.get("/activity")
@member
def show() -> ResponseReturnValue:
    """The newest entries that fit the filter; for htmx the list alone."""
    try:
        shown, error = page.load(g.member, request.args), None
    except InvalidInput as refused:
        shown, error = page.load(g.member, {}), refused
    template = "activity/_entries.html" if wants_fragment() else "activity/activity.html"
    drawn = render_template(template, shown=shown, error=error.message if error else "", typed=request.args)
    response = make_response(drawn, error.status if error else 200)
    response.headers["Vary"] = "HX-Request"
    return response


@bp.post("/activity/verify")
@limiter.limit("120/minute", key_func=person_or_address)
@member
def verify() -> ResponseReturnValue:
    """Check that nothing was changed; owners and admins only."""
    if not g.member.manages:
        raise Forbidden()
    proof = page.verify(_settings(), g.member, request.form.get("place", ""))
    if wants_fragment():
        return render_template("activity/_proof.html", proof=proof)
    if proof.go_on:
        return render_template("activity/verifying.html", proof=proof)
    return redirect("/activity", 303)


@bp.get("/activity/trail.csv")
@limiter.limit("10/minute", key_func=person_or_address)
@member
def export_csv() -> ResponseReturnValue:
    """The entries that fit the filter, for a spreadsheet."""
    return _file(exporting.as_csv(_asked()), "csv", "text/csv")


@bp.get("/activity/trail.jsonl")
@limiter.limit("10/minute", key_func=person_or_address)
@member
def export_json_lines() -> ResponseReturnValue:
    """The entries that fit the filter, for a program: everything it takes to check the links."""
    return _file(exporting.as_json_lines(_asked()), "jsonl", "application/jsonl")


def _asked() -> Asked:
    page.seal_quietly(g.member)
    return page.asked_for(g.member, request.args)


def _file(lines: Iterator[str], ending: str, kind: str) -> Response:
    response = Response(stream_with_context(lines), mimetype=kind)
    response.headers["Content-Disposition"] = (
        f'attachment; filename="activity-{clock.now():%Y-%m-%d}.{ending}"'
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _settings() -> Settings:
    settings: Settings = current_app.extensions["patchbay"]
    return settings
