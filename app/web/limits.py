"""Rate limits for anonymous requests, by address (Flask-Limiter).

Sign-in and code budgets are not here: they are exact, in the database. If Redis is down, counting falls back
to memory, so a page never fails because of it.
"""

import math

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from app import clock
from app.config import Settings

limiter = Limiter(get_remote_address, headers_enabled=False)


def seconds_to_wait() -> int:
    """Return when the limit that refused this request has room again, at the latest; a minute if unknown."""
    spent = limiter.current_limit
    if spent is None:
        return 60
    # Flask-Limiter rounds the end up to the next second, which may be later than the whole window.
    return min(spent.limit.get_expiry(), max(1, math.ceil(spent.reset_at - clock.timestamp())))


def install(app: Flask, settings: Settings) -> None:
    """Use Redis if configured, and memory if it is not or is down."""
    app.config.update(
        RATELIMIT_STORAGE_URI=settings.redis_url or "memory://",
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,
        RATELIMIT_STORAGE_OPTIONS={"socket_connect_timeout": 0.25, "socket_timeout": 0.25}
        if settings.redis_url
        else {},
        RATELIMIT_ENABLED=settings.environment != "test",
    )
    limiter.init_app(app)
