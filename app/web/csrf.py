"""Refuses forged requests: sent from another site, or to a host name that is not ours.

Every form and htmx request carries a token; the Origin is compared too, and the Host (DNS rebinding). API and
MCP routes read no cookie, only a bearer token, so they are exempt; `/mcp` compares both headers itself.
"""

import base64
import binascii
import ipaddress
import secrets
from urllib.parse import urlsplit

from flask import Blueprint, Flask, g, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, CSRFProtect, generate_csrf

from app.config import Settings
from app.errors import Forbidden, InvalidInput


class _MaskedTokens(CSRFProtect):  # type: ignore[misc]
    """Accepts the tokens of `masked_token`."""

    def _get_csrf_token(self) -> str:
        return _unmask(super()._get_csrf_token() or "")


protect = _MaskedTokens()
_exempt: set[str] = set()


class ForgedRequest(Forbidden):
    """The form did not come from our own page, or is too old."""

    status = 400
    message = "This form expired or was opened elsewhere. Go back, reload the page and try again."


class UnknownHost(InvalidInput):
    """The Host header is not an address of this installation."""

    message = "This host name isn't served here. Use the address in the installation's settings."


def exempt(blueprint: Blueprint) -> Blueprint:
    """Exempt a blueprint whose routes never read a cookie."""
    protect.exempt(blueprint)
    _exempt.add(blueprint.name)
    return blueprint


def masked_token() -> str:
    """Return the token for the forms of this response.

    The session's token is the same on all pages, and pages are compressed. XOR with fresh random bytes makes
    it another text in every response, so that sizes do not give it away (BREACH). One response has one mask,
    since a page repeats its token.
    """
    if "masked_csrf_token" not in g:
        token = generate_csrf().encode()
        pad = secrets.token_bytes(len(token))
        g.masked_csrf_token = base64.urlsafe_b64encode(pad + _xor(pad, token)).decode()
    masked: str = g.masked_csrf_token
    return masked


def _unmask(masked: str) -> str:
    """Return the token under the mask; "" if it is none of ours."""
    try:
        both = base64.urlsafe_b64decode(masked.encode())
        return _xor(both[: len(both) // 2], both[len(both) // 2 :]).decode()
    except (binascii.Error, ValueError):
        return ""


def _xor(pad: bytes, text: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(pad, text, strict=True))


def install(app: Flask, settings: Settings) -> None:
    """Check every state-changing browser request of the application."""
    app.config.update(WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False, WTF_CSRF_HEADERS=["X-CSRFToken"])
    protect.init_app(app)
    app.jinja_env.globals["csrf_token"] = masked_token
    app.context_processor(lambda: {"csrf_token": masked_token})  # Flask-WTF has set its own in both places
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
