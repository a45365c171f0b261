"""The pages under `/ai-clients`: guides, what has access, one AI client, tokens, and the connect doctor."""

from urllib.parse import urlencode

from flask import Blueprint, Flask, flash, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.accounts import sessions
from app.clients import client_page, doctor, page
from app.config import Settings
from app.database import reading, transaction
from app.errors import InvalidInput
from app.oauth_server import grants, selection_store
from app.web import current
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


@bp.get("/ai-clients/<grant_id>")
@member
def client(grant_id: str) -> ResponseReturnValue:
    """One AI client: what it has, and the connections and tools that it sees."""
    return _client_page("clients/client.html", grant_id)


@bp.post("/ai-clients/<grant_id>")
@member
def save_selection(grant_id: str) -> ResponseReturnValue:
    """Stores what this client sees; it applies from its next request."""
    with transaction() as db:
        found = client_page.find(db, g.member, grant_id)
        chosen = client_page.read_form(page.toolbox(), found, request.form)
        sentence = client_page.saved_sentence(current.settings(), page.toolbox(), found, chosen)
        selection_store.save(db, found.row.newest, chosen, by=g.member.user.id)
    if wants_fragment():
        return _client_page("clients/_selection.html", grant_id, saved_sentence=sentence)
    flash(sentence, "good")
    return redirect(f"/ai-clients/{grant_id}", 303)


@bp.post("/ai-clients/<grant_id>/price")
@limiter.limit("240/minute", key_func=person_or_address)
@member
def price(grant_id: str) -> ResponseReturnValue:
    """What the list of tools would cost with what is ticked, before it is saved."""
    with reading() as db:
        found = client_page.find(db, g.member, grant_id)
    chosen = client_page.read_form(page.toolbox(), found, request.form)
    now, ticked = (
        client_page.price_of(current.settings(), page.toolbox(), found, each)
        for each in (found.selection, chosen)
    )
    return render_template("clients/_price.html", client=found, now=now, ticked=ticked)


@bp.get("/ai-clients")
@member
def show() -> ResponseReturnValue:
    """The connector URL, a guide per client, what has access, and the form for a personal token."""
    if wants_fragment():
        update = page.load_update(g.member, request.args.get("client", ""), "")
        return render_template("clients/_guide.html", view=update.view, version=update.access.version)
    return _page()


@bp.get("/ai-clients/live")
@limiter.limit("240/minute", key_func=person_or_address)
@member
def live() -> ResponseReturnValue:
    """The live line of one guide, and the list of what has access if it changed; polled every few seconds."""
    return render_template(
        "clients/_update.html",
        update=page.load_update(g.member, request.args.get("client", ""), request.args.get("seen", "")),
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
        name = grants.get(db, g.member, grant_id).client_name
        grants.end(db, g.member, grant_id)
    flash(f"Revoked. {name} no longer has access.", "good")
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
        raise InvalidInput("Choose when the token expires.")
    try:
        with transaction() as db:
            token = grants.issue_personal_token(
                db, g.member, request.form.get("name", ""), request.form.get("scope", ""), int(days) * _DAY
            )
    except InvalidInput as error:
        return _page(error=error.message), 400
    return _page(new_token=token)


def _client_page(template: str, grant_id: str, **more: str) -> str:
    with reading() as db:
        found = client_page.find(db, g.member, grant_id)
    loaded = client_page.load(current.settings(), page.toolbox(), found)
    return render_template(template, page=loaded, client=found, **more)


def _page(new_token: str | None = None, error: str | None = None) -> str:
    typed = {} if new_token else {name: request.values.get(name, "")[:200] for name in _TOKEN_FIELDS}
    view = page.load(g.member, request.values.get("client", ""))
    return render_template(
        "clients/show.html",
        page=view,
        view=view.guide,
        version=view.access.version,
        new_token=new_token,
        error=error,
        typed=typed,
    )
