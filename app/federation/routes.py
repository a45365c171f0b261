"""Routes of MCP servers: adding one, and the page that manages it."""

from flask import Blueprint, Flask, jsonify
from flask.typing import ResponseReturnValue

from app.config import Settings
from app.connectors import services
from app.federation import registration, source
from app.web import current

bp = Blueprint("federation", __name__)


def install(app: Flask, settings: Settings) -> None:
    """Register the routes, and the servers as services of their workspaces."""
    source.SOURCE.forget()
    services.add_source(source.SOURCE)
    app.register_blueprint(bp)


@bp.get(registration.DOCUMENT_PATH)
def client_document() -> ResponseReturnValue:
    """Our client id metadata document: who we are to the authorization servers of MCP servers."""
    response = jsonify(registration.document(current.settings()))
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response
