"""The page `/approvals`: what waits for an approval, live; and the endpoints for approve and reject."""

from flask import Blueprint, Flask, flash, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.approvals import carrying_out, page
from app.config import Settings
from app.errors import Unavailable
from app.web import current
from app.web.fragments import wants_fragment
from app.workspaces.guard import member, member_or_nobody

bp = Blueprint("approvals", __name__)


def install(app: Flask, settings: Settings) -> None:
    """Register the page, the count in the navigation, and the headlines for the page of activity."""
    app.register_blueprint(bp)
    app.extensions["approvals.headlines"] = page.headlines
    app.jinja_env.globals["count_approvals"] = _count


@bp.get("/approvals")
@member
def show() -> ResponseReturnValue:
    """What waits, and recent decisions."""
    return render_template("approvals/show.html", board=page.load(current.settings(), g.member))


@bp.get("/approvals/live")
@member
def live() -> ResponseReturnValue:
    """The board if it changed since `?seen=`, else 204. With `?only=` the one request a page is about."""
    board = page.load(current.settings(), g.member, request.args.get("only", ""))
    if board.fingerprint == request.args.get("seen"):
        return "", 204
    return render_template("approvals/_update.html", board=board)


@bp.get("/approvals/count")
@member
def count() -> ResponseReturnValue:
    """How many wait, for the navigation; 204 if it still shows that."""
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
    return render_template("approvals/show.html", board=page.load(current.settings(), g.member, approval_id))


@bp.post("/approvals/<approval_id>/approve")
@member
def approve(approval_id: str) -> ResponseReturnValue:
    """Approve: it is done now."""
    carrying_out.approve(current.settings(), g.member, approval_id)
    return _decided(approval_id)


@bp.post("/approvals/<approval_id>/reject")
@member
def reject(approval_id: str) -> ResponseReturnValue:
    """Reject."""
    carrying_out.reject(g.member, approval_id)
    return _decided(approval_id)


def _decided(approval_id: str) -> ResponseReturnValue:
    """The board as it is now for htmx, else a redirect to the page. Both show the outcome."""
    only = approval_id if request.form.get("only") == approval_id else ""
    notice = page.outcome_notice(page.load(current.settings(), g.member, approval_id))
    if wants_fragment():
        return render_template(
            "approvals/_update.html", board=page.load(current.settings(), g.member, only), notice=notice
        )
    flash(notice.sentence, notice.kind)
    return redirect(f"/approvals/{approval_id}" if only else "/approvals", 303)


def _count() -> int:
    """How many wait for the person, for the navigation. Error pages are drawn without a database too."""
    found = member_or_nobody()
    try:
        return page.count(found) if found else 0
    except Unavailable:
        return 0
