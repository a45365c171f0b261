"""Requests that are not what they seem: forged from another site, or sent to a host name that is not ours.

A token on every form and htmx request, the Origin compared besides, and the Host (DNS rebinding). API and
MCP routes take no cookie, only a bearer, so they are exempt; /mcp compares both on its own.
"""

import ipaddress
from urllib.parse import urlsplit

from flask import Blueprint, Flask, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, CSRFProtect

from app.config import Settings
from app.errors import Forbidden, InvalidInput

protect = CSRFProtect()
_exempt: set[str] = set()


class ForgedRequest(Forbidden):
    """The form did not come from our own page, or is too old."""

    status = 400
    message = "This form has expired or was opened in another place. Go back, reload the page and try again."


class UnknownHost(InvalidInput):
    """The Host header names no address of this installation."""

    message = "This host name is not served here. Use the address in the installation's settings."


def exempt(blueprint: Blueprint) -> Blueprint:
    """Mark a blueprint whose routes never read a cookie."""
    protect.exempt(blueprint)
    _exempt.add(blueprint.name)
    return blueprint


def install(app: Flask, settings: Settings) -> None:
    """Check every state-changing browser request of the application."""
    app.config.update(WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False, WTF_CSRF_HEADERS=["X-CSRFToken"])
    protect.init_app(app)
    allowed = {
        settings.public_url,
        *(f"http://{host}" for host in settings.allowed_hosts if not settings.production),
    }

    @app.before_request
    def _compare_host() -> None:
        # A platform asks after our health by whatever address it reaches us.
        host = request.host.lower()
        if (
            request.blueprint not in {*_exempt, "health"}
            and host not in settings.allowed_hosts
            and not _is_here(host)
        ):
            raise UnknownHost()

    @app.before_request
    def _compare_origin() -> None:
        if request.method in {"GET", "HEAD", "OPTIONS"} or request.blueprint in _exempt:
            return
        origin = request.headers.get("Origin")
        if origin is not None and origin != "null" and origin not in allowed:
            raise ForgedRequest()

    @app.errorhandler(CSRFError)
    def _forged(_error: CSRFError) -> ResponseReturnValue:
        return app.handle_user_exception(ForgedRequest())


def _is_here(host: str) -> bool:
    """True for a name of this machine itself, which no stranger's DNS can make ours."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
