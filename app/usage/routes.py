"""The page `/usage`, its live tile, and its files."""

from functools import partial

from flask import Blueprint, Flask, Response, g, render_template, request
from flask.typing import ResponseReturnValue

from app import clock
from app.config import Settings
from app.usage import breakdowns, outcomes, page, remaining, tables
from app.usage.exporting import Export
from app.web.fragments import varying, wants_fragment
from app.web.limits import limiter
from app.workspaces.guard import member, person_or_address

bp = Blueprint("usage", __name__)


def install(app: Flask, settings: Settings) -> None:
    """Register the page."""
    app.register_blueprint(bp)
    app.jinja_env.filters.update(
        duration=page.duration, percent=page.percent, outcome_words=outcomes.describe
    )
    app.jinja_env.globals.update(usage_change=page.change, usage_points=page.points)


@bp.get("/usage")
@member
def show() -> ResponseReturnValue:
    """The page, or for htmx the part below its heading."""
    usage_page = page.load(g.member, request.args)
    template = "usage/_figures.html" if wants_fragment() else "usage/show.html"
    title_of = partial(breakdowns.tool_title, g.member.workspace.id)
    return varying(render_template(template, page=usage_page, title_of=title_of))


@bp.get("/usage/limits")
@member
def show_limits() -> ResponseReturnValue:
    """What is left of the limits, for the tile that polls while the page is open."""
    return render_template("usage/_limits.html", allowance=remaining.of(g.member.workspace))


@bp.get("/usage/calls.csv")
@limiter.limit("10/minute", key_func=person_or_address)
@member
def export_calls() -> ResponseReturnValue:
    """The filtered calls, one per line, newest first."""
    export = Export(g.member, page.filter_for(g.member, request.args))
    response = Response(iter(export), mimetype="text/csv")
    response.call_on_close(export.close)
    return _as_file(response, "calls")


@bp.get("/usage/table.csv")
@limiter.limit("60/minute", key_func=person_or_address)
@member
def export_table() -> ResponseReturnValue:
    """One table of the page: `by` is tool, connector, member, client, outcome or day."""
    text = tables.csv_of(page.load(g.member, request.args), request.args.get("by", ""))
    return _as_file(Response(text, mimetype="text/csv"), "usage")


def _as_file(response: Response, name: str) -> Response:
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-{clock.now():%Y-%m-%d}.csv"'
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response
