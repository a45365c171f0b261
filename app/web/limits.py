"""Floods of anonymous requests, by address (Flask-Limiter).

Sign-in and code budgets are not here: they are exact, in the database. Redis missing falls back to
memory and never takes a page down.
"""

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from app.config import Settings

limiter = Limiter(get_remote_address, headers_enabled=False)


def install(app: Flask, settings: Settings) -> None:
    """Use Redis where there is one, memory where not or when it is away."""
    app.config.update(
        RATELIMIT_STORAGE_URI=settings.redis_url or "memory://",
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,
        RATELIMIT_STORAGE_OPTIONS={"socket_connect_timeout": 0.25, "socket_timeout": 0.25}
        if settings.redis_url
        else {},
        RATELIMIT_ENABLED=settings.environment != "test",
    )
    limiter.init_app(app)
