"""A service's token endpoint (RFC 6749 sections 4.1.3 and 6) and revocation endpoint (RFC 7009).

The one place that speaks to them; `token_answers` says what their answers mean.
"""

from collections.abc import Mapping

from app import outbound
from app.connectors.connector import Connector
from app.connectors.endpoints import Endpoints
from app.outbound import Answer, OutboundError
from app.vault.token_answers import (
    MAX_BYTES,
    ClientMisconfigured,
    TokenEndpointUnavailable,
    TokenRefused,
    TokenSet,
    error_code,
    read_tokens,
)

__all__ = [
    "ClientMisconfigured",
    "TokenEndpointUnavailable",
    "TokenRefused",
    "TokenSet",
    "exchange_code",
    "refresh",
    "revoke",
]


def exchange_code(connector: Connector, endpoints: Endpoints, *, code: str, verifier: str | None) -> TokenSet:
    """Spend an authorization code. Raises TokenRefused, ClientMisconfigured or TokenEndpointUnavailable."""
    form = {"grant_type": "authorization_code", "code": code}
    if connector.auth.exchange_sends_redirect_uri:
        form["redirect_uri"] = endpoints.redirect_uri
    if verifier and connector.auth.pkce:
        form["code_verifier"] = verifier
    return read_tokens(connector, _post(connector, endpoints, endpoints.token_url, form))


def refresh(connector: Connector, endpoints: Endpoints, refresh_token: str) -> TokenSet:
    """Spend a refresh token. Raises TokenRefused, ClientMisconfigured or TokenEndpointUnavailable."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    if connector.auth.refresh_sends_redirect_uri:
        form["redirect_uri"] = endpoints.redirect_uri
    return read_tokens(connector, _post(connector, endpoints, endpoints.token_url, form))


def revoke(connector: Connector, endpoints: Endpoints, token: str) -> bool:
    """End a token at the service. True when it is dead there now, False when that is worth another try."""
    if endpoints.revoke_url is None:
        return True
    try:
        answer = _post(
            connector, endpoints, endpoints.revoke_url, {"token": token}, json=connector.auth.revokes_by_json
        )
    except TokenEndpointUnavailable:
        return False
    # RFC 7009 section 2.2: an unknown token is answered 200 too; Google says 400 invalid_token instead.
    dead_before = connector.auth.revokes_by_json or error_code(answer) in {"invalid_token", "invalid_grant"}
    return answer.status < 300 or (answer.status == 400 and dead_before)


def _post(
    connector: Connector, endpoints: Endpoints, url: str, form: Mapping[str, str], *, json: bool = False
) -> Answer:
    pair = (endpoints.client_id, endpoints.client_secret)
    basic = {"basic": pair, "secret": (endpoints.client_secret, ""), "post": None}[connector.auth.client_auth]
    client = {} if basic else dict(zip(("client_id", "client_secret"), pair, strict=True))
    try:
        return outbound.send(
            "POST",
            url,
            form=None if json else {**form, **client},
            json={**form, **client} if json else None,
            auth=basic,
            headers={"Accept": "application/json"},
            max_bytes=MAX_BYTES,
        )
    except OutboundError as error:
        raise TokenEndpointUnavailable(
            f"{connector.name} cannot be reached right now. Please try again later.", lost=error.sent
        ) from None
