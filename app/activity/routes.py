"""The page `/activity`, its files, and the button that verifies."""

from collections.abc import Iterator
from functools import partial

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    g,
    redirect,
    render_template,
    request,
    stream_with_context,
)
from flask.typing import ResponseReturnValue

from app import clock
from app.activity import exporting, page
from app.activity.trail import TrailFilter
from app.config import Settings
from app.errors import Forbidden, InvalidInput
from app.web import current
from app.web.fragments import varying, wants_fragment
from app.web.limits import limiter
from app.workspaces.guard import member, person_or_address

bp = Blueprint("activity", __name__)


def install(app: Flask, settings: Settings) -> None:
    """Register the page."""
    app.register_blueprint(bp)


@bp.get("/activity")
@member
def show() -> ResponseReturnValue:
    """The newest entries that match the filter; for htmx the list alone."""
    load = partial(
        page.load,
        g.member,
        current.settings(),
        headlines_of=current_app.extensions.get("approvals.headlines"),  # approvals stands above
    )
    try:
        activity_page, error = load(given=request.args), None
    except InvalidInput as refused:
        activity_page, error = load(given={}), refused
    template = "activity/_entries.html" if wants_fragment() else "activity/show.html"
    drawn = render_template(
        template, page=activity_page, error=error.message if error else "", typed=request.args
    )
    return varying(drawn, error.status if error else 200)


@bp.post("/activity/verify")
@limiter.limit("120/minute", key_func=person_or_address)
@member
def verify() -> ResponseReturnValue:
    """Check that no entry was changed; owners and admins only."""
    if not g.member.manages:
        raise Forbidden()
    verification = page.verify(current.settings(), g.member, request.form.get("place", ""))
    if wants_fragment():
        return render_template("activity/_verification.html", verification=verification)
    if verification.resume_token:
        return render_template("activity/verification.html", verification=verification)
    return redirect("/activity", 303)


@bp.get("/activity/trail.csv")
@limiter.limit("10/minute", key_func=person_or_address)
@member
def export_csv() -> ResponseReturnValue:
    """The entries that match the filter, for a spreadsheet."""
    return _file(exporting.as_csv(_requested_filter()), "csv", "text/csv")


@bp.get("/activity/trail.jsonl")
@limiter.limit("10/minute", key_func=person_or_address)
@member
def export_json_lines() -> ResponseReturnValue:
    """The entries that match the filter, for a program, with everything that checks the links."""
    return _file(exporting.as_json_lines(_requested_filter()), "jsonl", "application/jsonl")


def _requested_filter() -> TrailFilter:
    page.seal_quietly(g.member)
    return page.filter_for(g.member, request.args)


def _file(lines: Iterator[str], ending: str, kind: str) -> Response:
    response = Response(stream_with_context(lines), mimetype=kind)
    response.headers["Content-Disposition"] = (
        f'attachment; filename="activity-{clock.now():%Y-%m-%d}.{ending}"'
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response
