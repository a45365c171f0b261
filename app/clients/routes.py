"""The page `/ai-clients`: guides, what has access, personal tokens, and the connect doctor."""

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
    """Registers the page."""
    app.register_blueprint(bp)
    app.jinja_env.filters["step_title"] = doctor.title


@bp.get("/ai-clients")
@member
def show() -> ResponseReturnValue:
    """The connector URL, a guide per client, what has access, and the form for a personal token."""
    if wants_fragment():
        return render_template(
            "clients/_guide.html", view=page.load_guide(g.member, request.args.get("client", ""))
        )
    return _page()


@bp.get("/ai-clients/live")
@limiter.limit("240/minute", key_func=person_or_address)
@member
def live() -> ResponseReturnValue:
    """The live line of one guide, polled every few seconds."""
    return render_template(
        "clients/_arrival.html", view=page.load_guide(g.member, request.args.get("client", ""))
    )


@bp.get("/ai-clients/attempts")
@member
def attempts() -> ResponseReturnValue:
    """The connect doctor's attempts: a page, or for htmx a part of one; 204 when unchanged since `seen`."""
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
    """Revokes what an AI client was given, or a token; at once and everywhere."""
    with transaction() as db:
        grants.end(db, g.member, grant_id)
    return redirect("/ai-clients#access", 303)


@bp.post("/ai-clients/tokens")
@limiter.limit("30/hour", key_func=person_or_address)
@member
def make_token() -> ResponseReturnValue:
    """Issues a personal token, displayed this once. Requires a recent sign-in."""
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
    typed = {} if new_token else {name: request.values.get(name, "")[:200] for name in _TOKEN_FIELDS}
    view = page.load(g.member, request.args.get("client", ""))
    return render_template(
        "clients/show.html",
        page=view,
        view=view.guide,
        new_token=new_token,
        error=error,
        typed=typed,
    )
