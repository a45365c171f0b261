"""The page `/approvals`: what waits for a yes, live; and the doors for yes and no."""

from flask import Blueprint, Flask, current_app, flash, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.approvals import carrying_out, page
from app.config import Settings
from app.errors import Unavailable
from app.web.fragments import wants_fragment
from app.workspaces.guard import member, member_or_nobody

bp = Blueprint("approvals", __name__)


def install(app: Flask, settings: Settings) -> None:
    """Register the page, and the count the navigation shows."""
    app.register_blueprint(bp)
    app.jinja_env.globals["count_approvals"] = _count


@bp.get("/approvals")
@member
def show() -> ResponseReturnValue:
    """What waits, and what was decided lately."""
    return render_template("approvals/approvals.html", board=page.load(_settings(), g.member))


@bp.get("/approvals/live")
@member
def live() -> ResponseReturnValue:
    """The board if it changed since `?seen=`, else 204. With `?only=` the one request a page is about."""
    board = page.load(_settings(), g.member, request.args.get("only", ""))
    if board.fingerprint == request.args.get("seen"):
        return "", 204
    return render_template("approvals/_live.html", board=board)


@bp.get("/approvals/count")
@member
def count() -> ResponseReturnValue:
    """How many wait, for the navigation; 204 when it still shows that."""
    waiting = page.count(g.member)
    return (
        ("", 204)
        if str(waiting) == request.args.get("seen")
        else render_template("approvals/_count.html", waiting=waiting)
    )


@bp.get("/approvals/<approval_id>")
@member
def show_one(approval_id: str) -> ResponseReturnValue:
    """One request, as the links in chats and mails open it. Opening does nothing."""
    return render_template("approvals/approvals.html", board=page.load(_settings(), g.member, approval_id))


@bp.post("/approvals/<approval_id>/approve")
@member
def approve(approval_id: str) -> ResponseReturnValue:
    """Say yes: it is done now."""
    carrying_out.approve(_settings(), g.member, approval_id)
    return _decided(approval_id)


@bp.post("/approvals/<approval_id>/reject")
@member
def reject(approval_id: str) -> ResponseReturnValue:
    """Say no."""
    carrying_out.reject(g.member, approval_id)
    return _decided(approval_id)


def _decided(approval_id: str) -> ResponseReturnValue:
    """The board as it is now for htmx; for everyone else back to the page. Both say what became of it."""
    only = approval_id if request.form.get("only") == approval_id else ""
    said = page.outcome_notice(page.load(_settings(), g.member, approval_id))
    if wants_fragment():
        return render_template(
            "approvals/_live.html", board=page.load(_settings(), g.member, only), notice=said
        )
    flash(said.sentence, said.kind)
    return redirect(f"/approvals/{approval_id}" if only else "/approvals", 303)


def _count() -> int:
    """For the navigation: how many wait for whoever is signed in. The page of an error is drawn without a
    database too.
    """
    found = member_or_nobody()
    try:
        return page.count(found) if found else 0
    except Unavailable:
        return 0


def _settings() -> Settings:
    settings: Settings = current_app.extensions["patchbay"]
    return settings
