"""A service's token endpoint (RFC 6749 sections 4.1.3 and 6) and revocation endpoint (RFC 7009).

The only module that sends to them; `token_answers` says what their answers mean.
"""

from collections.abc import Mapping
from urllib.parse import quote_plus

from app.connectors.connector import Connector
from app.connectors.endpoints import Endpoints
from app.outbound import Response
from app.vault.token_answers import (
    ClientForgotten,
    ClientMisconfigured,
    TokenEndpointUnavailable,
    TokenRefused,
    TokenSet,
    error_code,
    read_tokens,
    send,
)

__all__ = [
    "ClientForgotten",
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
    form = {"grant_type": "authorization_code", "code": code, **connector.auth.token_params}
    if connector.auth.exchange_sends_redirect_uri:
        form["redirect_uri"] = endpoints.redirect_uri
    if verifier and connector.auth.pkce:
        form["code_verifier"] = verifier
    return read_tokens(connector, _post(connector, endpoints, endpoints.token_url, form))


def refresh(connector: Connector, endpoints: Endpoints, refresh_token: str) -> TokenSet:
    """Spend a refresh token. Raises TokenRefused, ClientMisconfigured or TokenEndpointUnavailable."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, **connector.auth.token_params}
    if connector.auth.refresh_sends_redirect_uri:
        form["redirect_uri"] = endpoints.redirect_uri
    return read_tokens(connector, _post(connector, endpoints, endpoints.token_url, form))


def revoke(connector: Connector, endpoints: Endpoints, token: str) -> bool:
    """Revoke a token at the service. True if it is dead there now, False if another attempt may help."""
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
) -> Response:
    is_own = connector.own_client is not None
    pair = (endpoints.client_id, endpoints.client_secret)
    if is_own:  # RFC 6749 section 2.3.1; elsewhere it would change what services are known to take
        pair = (quote_plus(endpoints.client_id), quote_plus(endpoints.client_secret))
    basic = {"basic": pair, "secret": (endpoints.client_secret, "")}.get(connector.auth.client_auth)
    # servers made with the official SDK look for the client id in the form whatever the method
    client = {} if basic and not is_own else {"client_id": endpoints.client_id}
    if connector.auth.client_auth == "post":
        client["client_secret"] = endpoints.client_secret
    body = {"json" if json else "form": {**form, **client}}
    headers = {"Accept": "application/json", **connector.auth.token_headers}
    return send(connector, "POST", url, **body, auth=basic, headers=headers)
