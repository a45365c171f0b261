"""Why a handshake failed, in sentences a person can act on. The service's own text is never repeated."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from app.connectors.connector import Connector
from app.connectors.endpoints import Endpoints
from app.errors import InvalidInput, PatchbayError, ProviderUnavailable, Undecipherable
from app.vault.token_answers import CLIENT_UNKNOWN, client_forgotten
from app.vault.token_endpoint import TokenEndpointUnavailable, TokenRefused

_LONGEST_CODE = 4096
# RFC 6749 section 4.1.2.1, and OpenID Connect Core section 3.1.2.6.
_SENTENCES = {
    "invalid_scope": (
        "{name} doesn't let this account or app give the access we requested. Ask your administrator."
    ),
    "unauthorized_client": (
        "{name} doesn't let this installation's app connect accounts. Ask your administrator."
    ),
    "invalid_request": (
        "{name} rejected our request as invalid. Ask your administrator to check the app registered there."
    ),
    "invalid_client": (
        "{name} doesn't recognize this installation's client ID. Ask your administrator to check it."
    ),
    "server_error": "{name} reported an error of its own.",
    "temporarily_unavailable": "{name} is too busy right now.",
    "login_required": "You weren't signed in to {name}.",
}
# The person said no, or left the page: nothing is wrong, so the page doesn't say so.
_DENIALS = {"access_denied", "consent_required", "interaction_required"}
_WHAT_TO_DO = "To connect, choose Allow on the {name} page and tick everything you want AI clients to use."


class SignInRefused(InvalidInput):
    """The service returned the browser without a code, or with a response that does not match the request."""

    code = "SIGN_IN_REFUSED"


class AccessDenied(SignInRefused):
    """The person did not allow access on the service's page. The message says what to do to connect."""

    code = "ACCESS_DENIED"


def check_answer(connector: Connector, endpoints: Endpoints, answer: Mapping[str, str]) -> None:
    """Raises SignInRefused unless the response has a code and comes from the right service (RFC 9207).

    Raises ClientForgotten if the service does not know our client there any more.
    """
    if not _is_from(connector, endpoints, answer.get("iss", "")):
        raise SignInRefused(
            f"The response did not come from {connector.name}, so it was not used. Please try again."
        )
    if answer.get("error") in CLIENT_UNKNOWN and connector.auth.client_is_registered:
        raise client_forgotten(connector)
    if answer.get("error") in _DENIALS:
        advice = _WHAT_TO_DO.format(name=connector.name)
        raise AccessDenied(connector.auth.error_sentences.get(answer["error"], advice))
    if answer.get("error"):
        unknown = "{name} returned you without a reason."
        sentence = _SENTENCES.get(answer["error"], unknown).format(name=connector.name)
        raise SignInRefused(connector.auth.error_sentences.get(answer["error"], sentence))
    code = answer.get("code", "")
    if not code or len(code) > _LONGEST_CODE or not code.isprintable():
        raise SignInRefused(f"{connector.name} returned you without an authorization code.")


def _is_from(connector: Connector, endpoints: Endpoints, issuer: str) -> bool:
    """Whether `iss` of an answer names the service. Compared as it is (RFC 9207 section 2.4); where the
    issuer is not known, by its origin.
    """
    auth = connector.auth
    if not issuer:
        return not auth.sends_iss
    if not auth.issuer:
        return _origin(issuer) in {_origin(endpoints.authorize_url), _origin(endpoints.token_url)}
    return issuer == auth.issuer or (
        not auth.issuer_is_exact and issuer.rstrip("/") == auth.issuer.rstrip("/")
    )


def without_writing(connector: Connector) -> str:
    """Connected, but with less than the level needs: what is so now, and what to tick."""
    return (
        f"You didn't allow writing at {connector.name}, so the permission is unchanged. To allow it, choose "
        f"the permission again and tick everything {connector.name} lists."
    )


def describe(connector: Connector, error: PatchbayError) -> str:
    """The sentence under "connection failed" for any error during the handshake."""
    if isinstance(error, Undecipherable):
        return "The installation's keys changed in the meantime. Please connect again."
    if isinstance(error, TokenRefused):
        return f"{connector.name} says the authorization code is invalid or was already used."
    if isinstance(error, TokenEndpointUnavailable) and error.retry_after_seconds is not None:
        return ProviderUnavailable(error.message, retry_after_seconds=error.retry_after_seconds).message
    return error.message


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
