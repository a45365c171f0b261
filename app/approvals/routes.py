"""Doors of this package."""

from flask import Blueprint, Flask

from app.config import Settings

bp = Blueprint("approvals", __name__)


def install(app: Flask, settings: Settings) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
