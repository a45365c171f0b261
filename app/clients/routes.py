"""The page `/ai-clients`: guides, what has access, tokens made by hand, and the connect doctor."""

from urllib.parse import urlencode

from flask import Blueprint, Flask, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.accounts import sessions
from app.clients import doctor, page
from app.config import Settings
from app.database import transaction
from app.errors import InvalidInput
from app.oauth_server import grants
from app.web.fragments import wants_fragment
from app.web.limits import limiter
from app.workspaces.guard import ask_for_proof, member, person_or_address

bp = Blueprint("clients", __name__)
_DAY = 86_400
_TOKEN_FIELDS = ("name", "scope", "days")


def install(app: Flask, settings: Settings) -> None:
    """Register the page."""
    app.register_blueprint(bp)
    app.jinja_env.filters["step_title"] = doctor.title


@bp.get("/ai-clients")
@member
def show() -> ResponseReturnValue:
    """The connector URL, a guide for each client, what has access, and a way to make a token by hand."""
    if wants_fragment():
        return render_template(
            "clients/_guide.html", waiting=page.waiting_for(g.member, request.args.get("client", ""))
        )
    return _page()


@bp.get("/ai-clients/live")
@limiter.limit("240/minute", key_func=person_or_address)
@member
def live() -> ResponseReturnValue:
    """The live line of one guide, asked for again every few seconds."""
    return render_template(
        "clients/_live.html", waiting=page.waiting_for(g.member, request.args.get("client", ""))
    )


@bp.get("/ai-clients/attempts")
@member
def attempts() -> ResponseReturnValue:
    """The connect doctor's findings: a page of its own, or for htmx the part of a page, and 204 when that
    is as it was `seen`.
    """
    found = page.load_attempts(g.member)
    if not wants_fragment():
        return render_template("clients/attempts.html", attempts=found)
    newest = str(found[0].last.id) if found else "0"
    if newest == request.args.get("seen"):
        return "", 204
    return render_template("clients/_attempts.html", attempts=found)


@bp.post("/ai-clients/<grant_id>/revoke")
@member
def revoke(grant_id: str) -> ResponseReturnValue:
    """End what an AI client was given, or a token; at once and everywhere."""
    with transaction() as db:
        grants.end(db, g.member, grant_id)
    return redirect("/ai-clients#access", 303)


@bp.post("/ai-clients/tokens")
@limiter.limit("30/hour", key_func=person_or_address)
@member
def make_token() -> ResponseReturnValue:
    """Make a bearer token by hand, shown this once. Only for somebody who signed in a short while ago."""
    if not sessions.is_proved(g.member.session):
        return ask_for_proof(
            "/ai-clients?" + urlencode({name: request.form.get(name, "")[:200] for name in _TOKEN_FIELDS})
        )
    days = request.form.get("days", "")
    if days not in {"1", "7", "30", "90", "365"}:
        raise InvalidInput("Choose how long the token lives.")
    try:
        with transaction() as db:
            token = grants.issue_personal_token(
                db, g.member, request.form.get("name", ""), request.form.get("scope", ""), int(days) * _DAY
            )
    except InvalidInput as error:
        return _page(error=error.message), 400
    return _page(new_token=token)


def _page(new_token: str | None = None, error: str | None = None) -> str:
    wanted = {} if new_token else {name: request.values.get(name, "")[:200] for name in _TOKEN_FIELDS}
    shown = page.load(g.member, request.args.get("client", ""))
    return render_template(
        "clients/page.html",
        shown=shown,
        waiting=shown.waiting,
        new_token=new_token,
        error=error,
        wanted=wanted,
    )
