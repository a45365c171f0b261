"""The one request for new tokens under a claim: by the refresh token, or by what a form has stored."""

from app.config import Settings
from app.connectors import endpoints as addresses
from app.connectors.connector import Connector
from app.vault import form_exchange, seal, token_endpoint
from app.vault.claims import Claim
from app.vault.token_endpoint import ClientMisconfigured, TokenRefused, TokenSet


def request_tokens(settings: Settings, claim: Claim, connector: Connector) -> TokenSet:
    """The service's answer. Raises TokenRefused, ClientMisconfigured, TokenEndpointUnavailable,
    Undecipherable.
    """
    where = addresses.resolve(connector, settings)
    if where is None:
        raise ClientMisconfigured(f"{connector.name} is no longer configured here. Ask your administrator.")
    if (form := connector.find_form(claim.connection.auth_method)) is not None:
        if form.key not in where.auth_methods:
            raise ClientMisconfigured(
                f"{connector.name} is not configured here for this way of connecting. Ask your administrator."
            )
        return form_exchange.renew(
            connector,
            where,
            form,
            renewal_values=_unsealed(settings, claim, "key_sealed"),
            access_token=_unsealed(settings, claim, "access_token_sealed") or "",
            refresh_token=_unsealed(settings, claim, "refresh_token_sealed"),
        )
    refresh_token = _unsealed(settings, claim, "refresh_token_sealed")
    if refresh_token is None or not connector.auth_of(claim.connection.auth_method):
        raise TokenRefused()
    return token_endpoint.refresh(connector, where, refresh_token)


def _unsealed(settings: Settings, claim: Claim, column: str) -> str | None:
    """The secret in a column of the credential, or None if it is empty."""
    if not getattr(claim.credential, column):
        return None
    return seal.unseal(settings.vault_keys, claim.credential, column)
