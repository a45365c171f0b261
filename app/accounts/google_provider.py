"""Where Google is, and as whom we ask it. Google's own addresses, unless the operator names others (a
test, a proxy).
"""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from app.config import Settings
from app.errors import ConfigError

_PREFIX = "google_sign_in"
# https://accounts.google.com/.well-known/openid-configuration
_ADDRESSES = {
    "ISSUER_URL": "https://accounts.google.com",
    "AUTHORIZE_URL": "https://accounts.google.com/o/oauth2/v2/auth",
    "TOKEN_URL": "https://oauth2.googleapis.com/token",
    "CERTS_URL": "https://www.googleapis.com/oauth2/v3/certs",
}


@dataclass(frozen=True)
class Provider:
    """Google as this installation reaches it."""

    client_id: str
    client_secret: str = field(repr=False)
    issuer: str
    authorize_url: str
    token_url: str
    certs_url: str
    redirect_uri: str

    @property
    def issuers(self) -> list[str]:
        """What `iss` may say. Google writes it with and without the scheme."""
        return [self.issuer, self.issuer.removeprefix("https://")]


def find(settings: Settings) -> Provider | None:
    """Google, when people may sign in with it here; else None."""
    if not (settings.google_sign_in_client_id and settings.google_sign_in_client_secret):
        return None
    issuer, authorize, token, certs = (
        settings.service(_PREFIX, name) or usual for name, usual in _ADDRESSES.items()
    )
    return Provider(
        client_id=settings.google_sign_in_client_id,
        client_secret=settings.google_sign_in_client_secret,
        issuer=issuer,
        authorize_url=authorize,
        token_url=token,
        certs_url=certs,
        redirect_uri=settings.public_url + "/login/google/callback",
    )


def check(settings: Settings) -> None:
    """Raises ConfigError with one sentence that names what is missing or wrong."""
    given = {
        "CLIENT_ID": settings.google_sign_in_client_id,
        "CLIENT_SECRET": settings.google_sign_in_client_secret,
    }
    for name, value in given.items():
        if value is None and any(given.values()):
            raise ConfigError(
                f"GOOGLE_SIGN_IN_{name} must be set too: a client id and its secret belong together."
            )
    for name in _ADDRESSES:
        address = settings.service(_PREFIX, name)
        if address and not _is_usable(address, settings.production):
            raise ConfigError(
                f"GOOGLE_SIGN_IN_{name} must be an address such as https://accounts.example.com, with "
                "https in production."
            )


def _is_usable(address: str, production: bool) -> bool:
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises on a port that is no number
    except ValueError:
        return False
    return (
        bool(parts.hostname)
        and not parts.username
        and parts.scheme in ({"https"} if production else {"https", "http"})
    )
