"""Routes of a connection's page and of "Try it"."""

from flask import Blueprint, Flask, current_app, flash, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.config import Settings
from app.connection_pages import changes, links, page, try_page
from app.connection_pages.try_page import TryPage
from app.hub import changes as hub_changes
from app.hub.page import allow_leaving
from app.mcp_server.toolbox import Toolbox
from app.web import current
from app.web.fragments import redirect_whole_page, varying, wants_fragment
from app.workspaces.guard import member

bp = Blueprint("connection_pages", __name__)


def install(app: Flask, settings: Settings) -> None:
    """Registers the routes of this package."""
    app.register_blueprint(bp)


@bp.get("/integrations/<slug>/<connection_id>")
@member
def show(slug: str, connection_id: str) -> ResponseReturnValue:
    """The page of a connection."""
    found = page.load(current.settings(), _toolbox(), g.member, slug, connection_id)
    allow_leaving(current.settings(), g.member.workspace.id)
    return render_template("connection_pages/show.html", page=found)


@bp.post("/integrations/<slug>/<connection_id>/test")
@member
def test(slug: str, connection_id: str) -> ResponseReturnValue:
    """Tests the connection at the service now, and returns to its page."""
    outcome = hub_changes.test(current.settings(), g.member, slug, {"connection": connection_id})
    flash(outcome.sentence, "good" if outcome.good else "bad")
    return redirect(links.connection_path(slug, connection_id), 303)


@bp.post("/integrations/<slug>/tools")
@member
def switch_tools(slug: str) -> ResponseReturnValue:
    """Switches a tool, or a group of them, on or off."""
    return _saved(slug, changes.switch_tools(g.member, slug, request.form), "tools")


@bp.post("/integrations/<slug>/approve-on-page")
@member
def approve_on_page(slug: str) -> ResponseReturnValue:
    """Sets whether changes are approved on this site only, never in a chat."""
    return _saved(slug, changes.approve_on_page(g.member, slug, request.form), "approvals")


@bp.get("/integrations/<slug>/<connection_id>/tools/<name>")
@member
def try_tool(slug: str, connection_id: str, name: str) -> ResponseReturnValue:
    """The form of a tool; its arguments can be filled in by the query."""
    return _trial(try_page.blank(current.settings(), g.member, slug, connection_id, name, request.args))


@bp.post("/integrations/<slug>/<connection_id>/tools/<name>")
@member
def run_tool(slug: str, connection_id: str, name: str) -> ResponseReturnValue:
    """Runs the tool, or previews a write, or adds a line to the form."""
    found = try_page.submit(current.settings(), g.member, slug, connection_id, name, request.form)
    if found.result is not None and found.result.approval_id:
        return redirect_whole_page(f"/approvals/{found.result.approval_id}")
    return _trial(found)


def _trial(found: TryPage) -> ResponseReturnValue:
    """The page, or for htmx the part below its heading; the status is for whoever gets a whole page."""
    allow_leaving(current.settings(), g.member.workspace.id)
    if wants_fragment():
        return varying(render_template("connection_pages/_trial.html", page=found))
    response = varying(render_template("connection_pages/try.html", page=found))
    if found.result is not None and found.result.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(found.result.retry_after_seconds)
    response.status_code = found.status
    return response


def _saved(slug: str, connection_id: str, part: str) -> ResponseReturnValue:
    """The changed part of the page for htmx; for everyone else a redirect to it."""
    if not wants_fragment():
        flash("Saved", "good")
        return redirect(f"{links.connection_path(slug, connection_id)}#{part}", 303)
    found = page.load_tools(_toolbox(), g.member, slug, connection_id)
    return varying(render_template("connection_pages/_saved.html", page=found, part=part))


def _toolbox() -> Toolbox:
    found: Toolbox = current_app.extensions["toolbox"]
    return found
