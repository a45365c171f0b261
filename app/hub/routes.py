"""Routes under /integrations."""

import functools
from urllib.parse import urlencode

from flask import (
    Blueprint,
    Flask,
    flash,
    g,
    jsonify,
    redirect,
    render_template,
    request,
)
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from app.config import Settings
from app.hub import aliases, cards, changes, connecting, flow_step, getting_started, page, status
from app.hub import handshake as handshakes
from app.hub.changes import Outcome
from app.hub.levels import LEVELS
from app.hub.notices import Banner
from app.hub.responses import go_on
from app.web import current
from app.web.fragments import redirect_whole_page, varying, wants_fragment
from app.workspaces.guard import SignInNeeded, check_active, current_member, member

bp = Blueprint("hub", __name__)
bp.url_value_preprocessor(aliases.read_slug)


def install(app: Flask, settings: Settings) -> None:
    """Registers the routes of this package."""
    app.register_blueprint(bp)
    app.register_blueprint(aliases.bp)
    app.jinja_env.globals["levels"] = LEVELS
    # for the landing page, which lists services too
    app.jinja_env.globals["is_listed"] = functools.partial(cards.is_listed, settings)


@bp.get("/integrations")
@member
def show() -> ResponseReturnValue:
    """The hub; with `?flow=ID` a step of an AI client's authorization."""
    return _page(request.args)


@bp.get("/integrations/live")
@member
def live() -> ResponseReturnValue:
    """The board if it changed since `?seen=`, else 204."""
    hub = page.load_board(current.settings(), g.member, request.args)
    if hub is None:
        return "", 204
    return render_template("hub/_board.html", hub=hub)


@bp.get("/integrations/status")
def state() -> ResponseReturnValue:
    """The hub as JSON."""
    found = current_member()
    if found is None:
        raise SignInNeeded()
    check_active(found)
    hub = page.load_status(current.settings(), found, request.args)
    return jsonify(status.as_json(current.settings(), found.workspace.id, hub.connections, hub.step))


@bp.post("/integrations/<slug>")
@member
def connect(slug: str) -> ResponseReturnValue:
    """Starts connecting: redirects to the service, or renders the credential form."""
    return go_on(connecting.to_service(current.settings(), g.member, slug, request.form))


@bp.post("/integrations/<slug>/keys")
@member
def fill_in(slug: str) -> ResponseReturnValue:
    """Submits a credential form."""
    return go_on(connecting.fill_in(current.settings(), g.member, slug, request.form))


@bp.post("/integrations/<slug>/way")
@member
def another_method(slug: str) -> ResponseReturnValue:
    """Switches the credential form to another auth method."""
    return go_on(connecting.another_method(current.settings(), g.member, slug, request.form))


@bp.get("/integrations/<slug>/callback")
def callback(slug: str) -> ResponseReturnValue:
    """The service's redirect URI. The sign-in page must not carry the code: who signed out starts again."""
    found = current_member()
    if found is None:
        return redirect("/login?next=%2Fintegrations", 303)
    check_active(found)
    connector, where = connecting.connectable(current.settings(), found.workspace.id, slug)
    try:
        handshake = handshakes.finish(current.settings(), found, connector, where, _once(request.args))
    except handshakes.HandshakeGone as error:
        g.member = found
        return _page(
            MultiDict(),
            [Banner("bad", f"{connector.name} connection failed. Please try again.", error.message)],
        ), error.status
    except handshakes.StartAgain as error:
        state = request.args["state"]
        return redirect(connecting.once_more(current.settings(), found, error.handshake, state), 303)
    return redirect(connecting.return_url(current.settings(), found, handshake), 303)


@bp.post("/integrations/<slug>/disconnect")
@member
def disconnect(slug: str) -> ResponseReturnValue:
    """Deletes the tokens and revokes them."""
    return _respond(changes.disconnect(current.settings(), g.member, slug, request.form))


@bp.post("/integrations/<slug>/permission")
@member
def permission(slug: str) -> ResponseReturnValue:
    """Sets the level: off, read, ask or write."""
    outcome = changes.permission(g.member, slug, request.form)
    if outcome.ask_service:
        return redirect_whole_page(
            connecting.to_raise(
                current.settings(), g.member, *outcome.ask_service, request.form.get("flow") or None
            )
        )
    return _respond(outcome)


@bp.post("/integrations/<slug>/label")
@member
def label(slug: str) -> ResponseReturnValue:
    """Renames a connection."""
    return _respond(changes.label(g.member, slug, request.form))


@bp.post("/integrations/<slug>/visibility")
@member
def visibility(slug: str) -> ResponseReturnValue:
    """Sets personal or shared."""
    return _respond(changes.visibility(g.member, slug, request.form))


@bp.post("/integrations/<slug>/test")
@member
def test(slug: str) -> ResponseReturnValue:
    """Tests the connection at the service now."""
    return _respond(changes.test(current.settings(), g.member, slug, request.form))


@bp.post("/integrations/complete", endpoint="complete")
@bp.post("/integrations/skip", endpoint="skip")
@member
def finish_flow() -> ResponseReturnValue:
    """Back to the AI client with a code, with or without a connection."""
    try:
        return redirect(flow_step.complete(current.settings(), g.member, request.form.get("flow", "")), 303)
    except flow_step.ConnectorRequired as error:
        return _page(request.form, [Banner("bad", error.message)]), error.status


@bp.post("/integrations/cancel")
@member
def cancel() -> ResponseReturnValue:
    """Back to the AI client with a refusal."""
    return redirect(flow_step.cancel(g.member, request.form.get("flow", "")), 303)


@bp.get("/integrations/connect/<link_id>")
@member
def link(link_id: str) -> ResponseReturnValue:
    """The page a one-time link from a chat opens."""
    found, connector, form = connecting.link_page(current.settings(), g.member, link_id)
    page.allow_leaving(current.settings(), g.member.workspace.id)
    return render_template(
        "hub/connect_link.html", link=found, link_id=link_id, connector=connector, form=form, bare=True
    )


@bp.post("/integrations/connect/<link_id>")
@member
def use_link(link_id: str) -> ResponseReturnValue:
    """Starts connecting, as the chat requested."""
    return go_on(connecting.from_link(current.settings(), g.member, link_id, request.form))


@bp.post("/integrations/getting-started")
@member
def dismiss() -> ResponseReturnValue:
    """Dismisses the "Getting started" list for good."""
    getting_started.finish(g.member)
    return "" if wants_fragment() else redirect("/integrations", 303)


def _page(query: MultiDict[str, str], more: list[Banner] | None = None) -> str:
    hub = page.load(current.settings(), g.member, query)
    page.allow_leaving(current.settings(), g.member.workspace.id, hub.step)
    return render_template(
        "hub/show.html",
        hub=hub,
        notices=[*(more or []), *hub.notices, *page.flashed()],
        bare=hub.step is not None,
        returned="connected" in query,
    )


def _respond(outcome: Outcome) -> ResponseReturnValue:
    """The current card for htmx; for everyone else a redirect to the hub with a flash message."""
    if not wants_fragment():
        if outcome.sentence:
            flash(outcome.sentence, "good" if outcome.good else "bad")
        flow_id = request.form.get("flow")
        return redirect("/integrations" + (f"?{urlencode({'flow': flow_id})}" if flow_id else ""), 303)
    card = page.load_card(current.settings(), g.member, outcome.slug, outcome.connection_id)
    toast = outcome.sentence and not outcome.saved
    banners = [Banner("good" if outcome.good else "bad", outcome.sentence)] if toast else []
    flow_id = request.form.get("flow", "")
    response = varying(
        render_template("hub/_update.html", card=card, flow_id=flow_id, notices=banners, saved=outcome.saved)
    )
    response.headers["HX-Trigger-After-Swap"] = "refresh"
    return response


def _once(query: MultiDict[str, str]) -> dict[str, str]:
    """The parameters that appear exactly once (RFC 6749 section 3.1): a repeated one counts as missing."""
    return {name: query[name] for name in query if len(query.getlist(name)) == 1}
