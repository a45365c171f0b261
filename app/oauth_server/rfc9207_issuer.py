"""RFC 9207: the authorization response names its issuer, on success and on error, exactly once."""

from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from app.web import current

_OURS = {"code", "state", "iss", "error", "error_description", "error_uri"}


def issuer() -> str:
    """Our issuer identifier: the configured address, never the Host header."""
    settings = current.settings()
    return settings.public_url


def answer(redirect_uri: str, parameters: Iterable[tuple[str, str | None]]) -> str:
    """The redirect URI with the response parameters and `iss`, each set once.

    A query the client registered stays, except for the names of response parameters.
    """
    parts = urlsplit(redirect_uri)
    registered = [
        (name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in _OURS
    ]
    given = [(name, value) for name, value in parameters if value]
    return urlunsplit(parts._replace(query=urlencode([*registered, *given, ("iss", issuer())])))
