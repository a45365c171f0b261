"""RFC 9207: the authorization answer names its issuer, in success and in error, exactly once."""

from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import current_app

from app.config import Settings

_OURS = {"code", "state", "iss", "error", "error_description", "error_uri"}


def issuer() -> str:
    """Our identifier: the configured address, never the Host header."""
    settings: Settings = current_app.extensions["patchbay"]
    return settings.public_url


def answer(redirect_uri: str, parameters: Iterable[tuple[str, str | None]]) -> str:
    """The redirect URI with the answer's parameters and `iss`, each set once.

    A query the client registered stays, except for names that are part of the answer.
    """
    parts = urlsplit(redirect_uri)
    kept = [
        (name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in _OURS
    ]
    given = [(name, value) for name, value in parameters if value]
    return urlunsplit(parts._replace(query=urlencode([*kept, *given, ("iss", issuer())])))
