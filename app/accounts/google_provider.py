"""Google's endpoints and our client there. The operator may set other endpoints (a test, a proxy)."""

from dataclasses import dataclass, field

from app.config import Settings

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
        """The accepted values of `iss`. Google writes it with and without the scheme."""
        return [self.issuer, self.issuer.removeprefix("https://")]


def find(settings: Settings) -> Provider | None:
    """Return Google if sign-in with it is configured; else None."""
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
