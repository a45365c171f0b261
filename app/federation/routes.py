"""Routes of MCP servers: adding one, and the page that manages it."""

from flask import Blueprint, Flask

from app.config import Settings
from app.connectors import services
from app.federation import source

bp = Blueprint("federation", __name__)


def install(app: Flask, settings: Settings) -> None:
    """Register the routes, and the servers as services of their workspaces."""
    source.SOURCE.forget()
    services.add_source(source.SOURCE)
    app.register_blueprint(bp)
