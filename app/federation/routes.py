"""Routes of MCP servers: adding one, and the page that manages it."""

from collections.abc import Mapping

from flask import Blueprint, Flask, flash, g, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.config import Settings
from app.connectors import services
from app.errors import InvalidInput
from app.federation import (
    adding_routes,
    exporting,
    own_app,
    page,
    policy,
    registration,
    removal,
    review,
    source,
    typed_choice,
)
from app.federation.typed_choice import TypedChoice
from app.hub.page import allow_leaving
from app.web import current
from app.workspaces.guard import member

bp = Blueprint("federation", __name__)


def install(app: Flask, settings: Settings) -> None:
    """Register the routes, and the servers as services of their workspaces."""
    source.SOURCE.forget()
    services.add_source(source.SOURCE)
    exporting.register()
    app.register_blueprint(bp)
    app.register_blueprint(adding_routes.bp)


@bp.get(registration.DOCUMENT_PATH)
def client_document() -> ResponseReturnValue:
    """Our client id metadata document: who we are to the authorization servers of MCP servers."""
    response = jsonify(registration.document(current.settings()))
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@bp.get("/integrations/servers/<slug>")
@member
def show(slug: str) -> ResponseReturnValue:
    """What a server is, and what was decided about its tools."""
    return _server_page(slug)


@bp.post("/integrations/servers/<slug>/allow")
@member
def allow(slug: str) -> ResponseReturnValue:
    """Allow tools as they were displayed."""
    form = request.form
    try:
        displayed = zip(form.getlist("tool"), form.getlist("digest"), strict=False)
        only = form.get("only")  # the button of one tool
        seen = {tool: digest for tool, digest in displayed if only in {None, tool}}
        count = review.allow(g.member, slug, seen, form.getlist("reads_only"))
    except InvalidInput as refused:
        return _server_page(slug, refused.message), refused.status
    return _done(slug, "1 tool allowed." if count == 1 else f"{count} tools allowed.")


@bp.post("/integrations/servers/<slug>/off")
@member
def turn_off(slug: str) -> ResponseReturnValue:
    """Take a tool from AI clients, or keep it from them."""
    review.turn_off(g.member, slug, request.form.get("tool", ""))
    return _done(slug, "Tool turned off.")


@bp.post("/integrations/servers/<slug>/reading")
@member
def accept_reading(slug: str) -> ResponseReturnValue:
    """Whether an allowed tool counts as reading only."""
    accepted = request.form.get("accepted") == "1"
    review.accept_reading(g.member, slug, request.form.get("tool", ""), accepted=accepted)
    return _done(
        slug,
        "This tool now needs read permission only." if accepted else "This tool now needs write permission.",
    )


@bp.post("/integrations/servers/<slug>/name")
@member
def rename(slug: str) -> ResponseReturnValue:
    """Rename a server."""
    try:
        review.rename(g.member, slug, request.form.get("name", ""))
    except InvalidInput as refused:
        return _server_page(slug, refused.message), refused.status
    return _done(slug, "Saved.")


@bp.post("/integrations/servers/<slug>/client")
@member
def replace_client(slug: str) -> ResponseReturnValue:
    """Use another app at the server's sign-in page."""
    policy.check_manages(g.member)
    typed = typed_choice.read(request.form, "oauth")
    try:
        pasted = typed_choice.pasted_client(request.form, typed)
        own_app.replace_client(current.settings(), g.member, slug, pasted)
    except InvalidInput as refused:
        return _server_page(slug, typed=typed, problems={"client_id": refused.message}), refused.status
    return _done(slug, "App saved. Reconnect this server's connections to use it.")


@bp.post("/integrations/servers/<slug>/remove")
@member
def remove(slug: str) -> ResponseReturnValue:
    """Remove a server with its connections."""
    name = removal.remove(current.settings(), g.member, slug)
    flash(f"{name} removed. Its tools no longer work, and its access is being revoked.", "good")
    return redirect("/integrations", 303)


def _server_page(
    slug: str,
    error: str = "",
    typed: TypedChoice | None = None,
    problems: Mapping[str, str] | None = None,
) -> str:
    settings = current.settings()
    found = page.load(settings, g.member, slug)
    allow_leaving(settings, g.member.workspace.id)
    return render_template(
        "federation/server.html",
        page=found,
        error=error,
        typed=typed or page.typed_of(found.server),
        problems=problems or {},
        notices=page.arrival(g.member, request.args) if "connected" in request.args else (),
    )


def _done(slug: str, sentence: str) -> ResponseReturnValue:
    flash(sentence, "good")
    return redirect(page.path_of(slug), 303)
