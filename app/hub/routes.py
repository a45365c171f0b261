"""Routes under /integrations. Each guards, parses, calls one verb and answers."""

import functools
from urllib.parse import urlencode

from flask import (
    Blueprint,
    Flask,
    current_app,
    flash,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
)
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from app.config import Settings
from app.hub import cards, changes, connecting, flow_step, handshake, page, status
from app.hub.changes import Done
from app.hub.credential_form import Sheet
from app.hub.notices import Notice
from app.web.fragments import wants_fragment
from app.workspaces.guard import SignInNeeded, check_active, current_member, member

bp = Blueprint("hub", __name__)


def install(app: Flask, settings: Settings) -> None:
    """Register the routes of this package."""
    app.register_blueprint(bp)
    app.jinja_env.globals["levels"] = cards.LEVELS
    # for the front door, which lists services too
    app.jinja_env.globals["is_shown"] = functools.partial(cards.is_shown, settings)


@bp.get("/integrations")
@member
def show() -> ResponseReturnValue:
    """The hub; with `?flow=ID` a step of an AI client's authorization."""
    return _page(request.args)


@bp.get("/integrations/live")
@member
def live() -> ResponseReturnValue:
    """The board if it changed since `?seen=`, else 204."""
    hub = page.load_board(_settings(), g.member, request.args)
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
    hub = page.load_status(_settings(), found, request.args)
    return jsonify(status.as_json(_settings(), hub.connections, hub.step))


@bp.post("/integrations/<slug>")
@member
def connect(slug: str) -> ResponseReturnValue:
    """Start connecting: off to the service, or the form it takes instead."""
    return _set_out(connecting.to_service(_settings(), g.member, slug, request.form))


@bp.post("/integrations/<slug>/keys")
@member
def fill_in(slug: str) -> ResponseReturnValue:
    """The form was filled in."""
    return _set_out(connecting.fill_in(_settings(), g.member, slug, request.form))


@bp.post("/integrations/<slug>/way")
@member
def another_way(slug: str) -> ResponseReturnValue:
    """Another way in than the form shown."""
    return _set_out(connecting.another_way(_settings(), g.member, slug, request.form))


@bp.get("/integrations/<slug>/callback")
def callback(slug: str) -> ResponseReturnValue:
    """Back from the service. Signed out meanwhile: the sign-in page must not carry the code on, so it
    starts afresh.
    """
    found = current_member()
    if found is None:
        return redirect("/login?next=%2Fintegrations", 303)
    check_active(found)
    connector, where = connecting.connectable(_settings(), slug)
    try:
        trip = handshake.finish(_settings(), found, connector, where, _once(request.args))
    except handshake.HandshakeGone as error:
        g.member = found
        return _page(
            MultiDict(),
            [Notice("bad", f"{connector.name} connection failed. Please try again.", error.message)],
        ), error.status
    return redirect(connecting.back(_settings(), trip), 303)


@bp.post("/integrations/<slug>/disconnect")
@member
def disconnect(slug: str) -> ResponseReturnValue:
    """Forget the tokens and revoke them."""
    return _done(changes.disconnect(_settings(), g.member, slug, request.form))


@bp.post("/integrations/<slug>/permission")
@member
def permission(slug: str) -> ResponseReturnValue:
    """Off, read, ask or write."""
    done = changes.permission(g.member, slug, request.form)
    if done.ask_service:
        return _leave(
            connecting.to_raise(_settings(), g.member, *done.ask_service, request.form.get("flow") or None)
        )
    return _done(done)


@bp.post("/integrations/<slug>/label")
@member
def label(slug: str) -> ResponseReturnValue:
    """Rename."""
    return _done(changes.label(g.member, slug, request.form))


@bp.post("/integrations/<slug>/visibility")
@member
def visibility(slug: str) -> ResponseReturnValue:
    """Personal or shared."""
    return _done(changes.visibility(g.member, slug, request.form))


@bp.post("/integrations/<slug>/test")
@member
def test(slug: str) -> ResponseReturnValue:
    """Ask the service now."""
    return _done(changes.test(_settings(), g.member, slug, request.form))


@bp.post("/integrations/complete", endpoint="complete")
@bp.post("/integrations/skip", endpoint="skip")
@member
def go_on() -> ResponseReturnValue:
    """Back to the AI client with a code, with or without anything connected."""
    try:
        return redirect(flow_step.complete(_settings(), g.member, request.form.get("flow", "")), 303)
    except flow_step.ConnectorRequired as error:
        return _page(request.form, [Notice("bad", error.message)]), error.status


@bp.post("/integrations/cancel")
@member
def cancel() -> ResponseReturnValue:
    """Back to the AI client with a refusal."""
    return redirect(flow_step.cancel(g.member, request.form.get("flow", "")), 303)


@bp.get("/integrations/connect/<link_id>")
@member
def link(link_id: str) -> ResponseReturnValue:
    """The page a one-time link from a chat opens."""
    found, connector, form = connecting.link_page(_settings(), g.member, link_id)
    page.allow_leaving(_settings())
    return render_template(
        "hub/link.html", link=found, link_id=link_id, connector=connector, form=form, bare=True
    )


@bp.post("/integrations/connect/<link_id>")
@member
def use_link(link_id: str) -> ResponseReturnValue:
    """Off to the service, as the chat asked."""
    return _set_out(connecting.from_link(_settings(), g.member, link_id, request.form))


def _page(query: MultiDict[str, str], more: list[Notice] | None = None) -> str:
    hub = page.load(_settings(), g.member, query)
    page.allow_leaving(_settings(), hub.step)
    return render_template(
        "hub/integrations.html",
        hub=hub,
        notices=[*(more or []), *hub.notices, *page.flashed()],
        bare=hub.step is not None,
    )


def _done(done: Done) -> ResponseReturnValue:
    """The card as it is now for htmx; for everyone else back to the hub, which says what happened."""
    if not wants_fragment():
        if done.sentence:
            flash(done.sentence, "good" if done.good else "bad")
        flow_id = request.form.get("flow")
        return redirect("/integrations" + (f"?{urlencode({'flow': flow_id})}" if flow_id else ""), 303)
    card = page.load_card(_settings(), g.member, done.slug, done.connection_id)
    said = [Notice("good" if done.good else "bad", done.sentence)] if done.sentence else []
    response = make_response(
        render_template("hub/_changed.html", card=card, flow_id=request.form.get("flow", ""), notices=said)
    )
    response.headers["HX-Trigger-After-Swap"] = "look"
    response.headers["Vary"] = "HX-Request"
    return response


def _set_out(way: str | Sheet) -> ResponseReturnValue:
    """Off to where a way in goes, or the form to fill in."""
    if isinstance(way, str):
        return _leave(way)
    page.allow_leaving(_settings())
    return render_template("hub/keys.html", sheet=way, bare=bool(way.flow_id or way.client_name)), way.status


def _leave(url: str) -> ResponseReturnValue:
    """Off this site: a redirect, which htmx must make in the whole window."""
    if wants_fragment():
        return "", 204, {"HX-Redirect": url}
    return redirect(url, 303)


def _once(query: MultiDict[str, str]) -> dict[str, str]:
    """The parameters that came exactly once (RFC 6749 section 3.1): a doubled one counts as missing."""
    return {name: query[name] for name in query if len(query.getlist(name)) == 1}


def _settings() -> Settings:
    settings: Settings = current_app.extensions["patchbay"]
    return settings
