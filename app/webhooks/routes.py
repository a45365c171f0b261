"""The pages `/webhooks`, for owners and admins."""

from flask import Blueprint, Flask, abort, flash, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app import events
from app.config import Settings
from app.database import transaction
from app.errors import InvalidInput
from app.web import current
from app.web.fragments import varying, wants_fragment
from app.web.limits import limiter
from app.webhooks import addresses, endpoints, outbox, page, sending
from app.webhooks.endpoints import EndpointForm
from app.webhooks.page import TypedEndpoint
from app.workspaces.guard import member, person_or_address

bp = Blueprint("webhooks", __name__)
_LIMIT = "120/minute"
_LOOKUPS = "20/minute"  # a slow name server holds one of the few threads that look names up


def install(app: Flask, settings: Settings) -> None:
    """Register the pages, and store events for delivery from now on."""
    app.register_blueprint(bp)
    outbox.bind(settings)
    events.subscribe(outbox.store)


@bp.get("/webhooks")
@member
def show() -> ResponseReturnValue:
    """The endpoints, and the form for another one."""
    return _list_page()


@bp.post("/webhooks")
@limiter.limit(_LOOKUPS, key_func=person_or_address)
@member
def create() -> ResponseReturnValue:
    """Add an endpoint. The response displays its secret, this once."""
    endpoints.check_manages(g.member)
    try:
        form = _checked_form()
        with transaction() as db:
            endpoint, secret = endpoints.create(db, current.settings(), g.member, form)
    except InvalidInput as refused:
        return _list_page(error=refused.message), refused.status
    return _endpoint_page(endpoint.id, secret=secret)


@bp.get("/webhooks/<endpoint_id>")
@member
def show_one(endpoint_id: str) -> ResponseReturnValue:
    """One endpoint with its log."""
    return _endpoint_page(endpoint_id)


@bp.post("/webhooks/<endpoint_id>")
@limiter.limit(_LOOKUPS, key_func=person_or_address)
@member
def change(endpoint_id: str) -> ResponseReturnValue:
    """Change URL, description and events."""
    page.load_one(g.member, endpoint_id)  # before the URL is looked up
    try:
        form = _checked_form()
        with transaction() as db:
            changed = endpoints.change(db, g.member, endpoint_id, form)
    except InvalidInput as refused:
        return _endpoint_page(endpoint_id, error=refused.message), refused.status
    flash("Saved. It applies to events from now on." if changed else "Nothing changed.", "good")
    return redirect(f"/webhooks/{endpoint_id}", 303)


@bp.post("/webhooks/<endpoint_id>/rotate")
@limiter.limit(_LIMIT, key_func=person_or_address)
@member
def rotate(endpoint_id: str) -> ResponseReturnValue:
    """Make a new secret. The response displays it, this once."""
    with transaction() as db:
        secret = endpoints.rotate(db, current.settings(), g.member, endpoint_id)
    return _endpoint_page(endpoint_id, secret=secret)


@bp.post("/webhooks/<endpoint_id>/enabled")
@limiter.limit(_LIMIT, key_func=person_or_address)
@member
def set_enabled(endpoint_id: str) -> ResponseReturnValue:
    """Turn an endpoint on or off."""
    wanted = request.form.get("enabled")
    endpoints.check_manages(g.member)
    if wanted not in {"yes", "no"}:
        abort(400)
    with transaction() as db:
        endpoints.set_enabled(db, g.member, endpoint_id, wanted == "yes")
    flash("Turned on." if wanted == "yes" else "Turned off. It gets no events until you turn it on.", "good")
    return redirect(f"/webhooks/{endpoint_id}", 303)


@bp.post("/webhooks/<endpoint_id>/delete")
@limiter.limit(_LIMIT, key_func=person_or_address)
@member
def delete(endpoint_id: str) -> ResponseReturnValue:
    """Delete an endpoint with its log."""
    with transaction() as db:
        host = endpoints.remove(db, g.member, endpoint_id)
    flash(f"Webhook to {host} deleted.", "good")
    return redirect("/webhooks", 303)


@bp.post("/webhooks/<endpoint_id>/test")
@limiter.limit(_LIMIT, key_func=person_or_address)
@member
def test(endpoint_id: str) -> ResponseReturnValue:
    """Send a test event now."""
    with transaction() as db:
        delivery_id = endpoints.test(db, current.settings(), g.member, endpoint_id)
    return _send(endpoint_id, delivery_id)


@bp.post("/webhooks/deliveries/<delivery_id>/resend")
@limiter.limit(_LIMIT, key_func=person_or_address)
@member
def resend(delivery_id: str) -> ResponseReturnValue:
    """Send a delivery of the log again, now."""
    with transaction() as db:
        delivery = endpoints.send_again(db, current.settings(), g.member, delivery_id)
    return _send(delivery.endpoint_id, delivery.id)


@bp.get("/webhooks/<endpoint_id>/log")
@limiter.limit("240/minute", key_func=person_or_address)
@member
def show_log(endpoint_id: str) -> ResponseReturnValue:
    """The newest part of the log, or 204 if it is still what `?seen=` names. Polled by the page."""
    loaded = page.load_one(g.member, endpoint_id)
    if loaded.log.version == request.args.get("seen"):
        return "", 204
    return render_template("webhooks/_log.html", page=loaded, notice=None)


def _send(endpoint_id: str, delivery_id: str) -> ResponseReturnValue:
    """Send within this request, so that the person sees the result."""
    result = sending.deliver_now(current.settings(), current.mailer(), endpoint_id, delivery_id)
    notice = page.notice_of(result)
    if wants_fragment():
        loaded = page.load_one(g.member, endpoint_id)
        return varying(render_template("webhooks/_log.html", page=loaded, notice=notice))
    flash(notice[1], notice[0])
    return redirect(f"/webhooks/{endpoint_id}#log", 303)


def _checked_form() -> EndpointForm:
    typed = _typed()
    return EndpointForm(addresses.check(current.settings(), typed.url), typed.description, typed.events)


def _typed() -> TypedEndpoint:
    form = request.form
    return TypedEndpoint(form.get("url", ""), form.get("description", ""), form.getlist("events"))


def _list_page(error: str = "") -> str:
    return render_template(
        "webhooks/show.html",
        page=page.load(g.member),
        typed=_typed() if error else TypedEndpoint(),
        event_types=page.event_types(),
        error=error,
    )


def _endpoint_page(endpoint_id: str, *, secret: str = "", error: str = "") -> str:
    loaded = page.load_one(g.member, endpoint_id, request.args.get("before", ""))
    return render_template(
        "webhooks/endpoint.html",
        page=loaded,
        typed=_typed() if error else page.typed_of(loaded.view.endpoint),
        event_types=page.event_types(),
        error=error,
        secret=secret,
    )
