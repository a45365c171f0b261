"""Refuses forged requests: sent from another site, or to a host name that is not ours.

Every form and htmx request carries a token; the Origin is compared too, and the Host (DNS rebinding). API and
MCP routes read no cookie, only a bearer token, so they are exempt; `/mcp` compares both headers itself.
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
    """The Host header is not an address of this installation."""

    message = "This host name is not served here. Use the address in the installation's settings."


def exempt(blueprint: Blueprint) -> Blueprint:
    """Exempt a blueprint whose routes never read a cookie."""
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
        # A hosting platform checks our health by whatever address it reaches us.
        host = request.host.lower()
        if (
            request.blueprint not in {*_exempt, "health"}
            and host not in settings.allowed_hosts
            and not _is_this_machine(host)
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


def _is_this_machine(host: str) -> bool:
    """True for a loopback name, which no attacker's DNS can point to us."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
