"""Why a handshake failed, in sentences a person can act on. The service's own text is never repeated."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from app.connectors.connector import Connector
from app.connectors.endpoints import Endpoints
from app.errors import InvalidInput, PatchbayError, ProviderUnavailable, Undecipherable
from app.vault.token_endpoint import TokenEndpointUnavailable, TokenRefused

_LONGEST_CODE = 4096
# RFC 6749 section 4.1.2.1, and OpenID Connect Core section 3.1.2.6.
_SENTENCES = {
    "access_denied": "{name} says that access was denied: nothing was connected.",
    "invalid_scope": (
        "{name} says that this account or app may not be given the access we ask for. Ask your administrator."
    ),
    "unauthorized_client": (
        "{name} says that this installation's app may not sign people in. Ask your administrator."
    ),
    "invalid_request": (
        "{name} says that our request was not right. Ask your administrator to check the "
        "app registered there."
    ),
    "invalid_client": (
        "{name} does not know this installation's client id. Ask your administrator to check it."
    ),
    "server_error": "{name} says that it has a problem of its own. Nothing was connected.",
    "temporarily_unavailable": "{name} says that it is too busy right now. Nothing was connected.",
    "login_required": "{name} says that you were not signed in there.",
    "consent_required": "{name} says that you did not finish its consent page.",
    "interaction_required": "{name} says that you did not finish its consent page.",
}


class SignInRefused(InvalidInput):
    """The service returned the browser without a code, or with a response that does not match the request."""

    code = "SIGN_IN_REFUSED"


def check_answer(connector: Connector, endpoints: Endpoints, answer: Mapping[str, str]) -> None:
    """Raises SignInRefused unless the response has a code and comes from the right service (RFC 9207)."""
    issuer = answer.get("iss")
    if issuer and _origin(issuer) not in {_origin(endpoints.authorize_url), _origin(endpoints.token_url)}:
        raise SignInRefused(
            f"The answer did not come from {connector.name}, so it was not used. Please try again."
        )
    if answer.get("error"):
        unknown = "{name} sent you back without saying why."
        sentence = _SENTENCES.get(answer["error"], unknown).format(name=connector.name)
        raise SignInRefused(connector.auth.error_sentences.get(answer["error"], sentence))
    code = answer.get("code", "")
    if not code or len(code) > _LONGEST_CODE or not code.isprintable():
        raise SignInRefused(f"{connector.name} sent you back without a sign-in code.")


def describe(connector: Connector, error: PatchbayError) -> str:
    """The sentence under "connection failed" for any error during the handshake."""
    if isinstance(error, Undecipherable):
        return "The sign-in could not be finished because the installation's keys changed meanwhile."
    if isinstance(error, TokenRefused):
        return f"{connector.name} says that the sign-in code is not valid or was used before."
    if isinstance(error, TokenEndpointUnavailable) and error.retry_after_seconds is not None:
        return ProviderUnavailable(error.message, retry_after_seconds=error.retry_after_seconds).message
    return error.message


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
