"""The sandbox's table of contents: every service under `/<slug>`, the levers, an index page."""

from collections.abc import Mapping
from pathlib import Path

from flask import Flask, Response, jsonify, make_response, render_template

from app.sandbox import lever_routes, oauth
from app.sandbox.fault_middleware import FaultMiddleware
from app.sandbox.refusals import RequestRefused
from app.sandbox.service import ImitatedService
from app.sandbox.services import find_services
from app.sandbox.state import State
from app.sandbox.store import Store


def create_app(
    state_file: Path | None = None, services: Mapping[str, ImitatedService] | None = None
) -> FaultMiddleware:
    """The sandbox as a WSGI application. Without a file its state ends with the process."""
    services = services or find_services()
    state = State(services, Store(state_file))
    app = Flask("app.sandbox", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.compact = True  # type: ignore[attr-defined]
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.config["MAX_CONTENT_LENGTH"] = 40 * 1024 * 1024
    app.extensions["sandbox"] = state
    app.register_blueprint(lever_routes.bp)
    for slug, service in services.items():
        app.register_blueprint(service.blueprint, url_prefix=f"/{slug}")
        if service.oauth:
            oauth.mount(app, slug, service.oauth)
    app.add_url_rule("/", "index", _index(services))
    app.add_url_rule("/_ready", "ready", lambda: jsonify(ok=True))
    app.register_error_handler(RequestRefused, lambda refused: refused.answer)
    app.after_request(_own_page)
    return FaultMiddleware(app, state)


def _index(services: Mapping[str, ImitatedService]):  # type: ignore[no-untyped-def]
    return lambda: make_response(render_template("index.html", services=services.values()))


def _own_page(response: Response) -> Response:
    """No other site may frame a page with a consent button, even here."""
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = "frame-ancestors 'none'"
        response.headers["Cache-Control"] = "no-store"
    return response
