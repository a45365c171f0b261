"""What a token endpoint's answer means (RFC 6749 sections 5.1 and 5.2), read without trusting it.

Three failures differ: the grant is dead (`TokenRefused`), our client is not accepted (`ClientMisconfigured`),
or there is no usable answer (`TokenEndpointUnavailable`). After the last one the grant may well be alive.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app import outbound
from app.connectors.api_errors import retry_after
from app.connectors.connector import Connector
from app.connectors.credential_forms import OAUTH
from app.errors import PatchbayError
from app.outbound import OutboundError, Response

_MAX_BYTES = 256 * 1024
TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_LONGEST_LIFE_SECONDS = 400 * 86_400
_DEAD = {"invalid_grant"}
_MISCONFIGURED = {"invalid_client", "unauthorized_client"}


@dataclass(frozen=True)
class TokenSet:
    """A successful token answer. `raw` is all of it, for `identify`. Secrets stay out of its repr.

    Only forms set these: `has_no_expiry` when no end of the token is known, and `renewal_values`, which are
    sealed beside the token to renew it with.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_in: int | None = None
    scopes: str | None = None
    refresh_expires_in: int | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    auth_method: str = OAUTH
    has_no_expiry: bool = False
    renewal_values: Mapping[str, str] = field(default_factory=dict, repr=False)


class TokenRefused(PatchbayError):
    """The service says the code or the refresh token is not valid, or no longer: `invalid_grant`."""

    code = "PROVIDER_ERROR"
    status = 400


class ClientMisconfigured(PatchbayError):
    """The service rejects our client id, secret or redirect address. Only the operator can correct it."""

    code = "PROVIDER_ERROR"
    status = 502


class TokenEndpointUnavailable(PatchbayError):
    """No usable answer. `lost`: the service may have acted, and its answer may have held new tokens."""

    code = "PROVIDER_UNAVAILABLE"
    status = 502

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = True,
        retry_after_seconds: int | None = None,
        lost: bool = False,
    ) -> None:
        self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds
        self.lost = lost
        super().__init__(message)


def read_tokens(connector: Connector, answer: Response) -> TokenSet:
    """The tokens in an answer. Raises TokenRefused, ClientMisconfigured or TokenEndpointUnavailable."""
    if answer.status != 200:
        raise refusal(connector, answer)
    body = json_object(answer)
    access_token = body.get("access_token") if body else None
    if body is None or not isinstance(access_token, str) or not TOKEN.fullmatch(access_token):
        raise unreadable(connector)
    refresh_token, scope = body.get("refresh_token"), body.get("scope")
    return TokenSet(
        access_token=access_token,
        refresh_token=refresh_token
        if isinstance(refresh_token, str) and TOKEN.fullmatch(refresh_token)
        else None,
        expires_in=seconds_of(body.get("expires_in")) or connector.auth.access_seconds,
        scopes=scope[:4000] if isinstance(scope, str) and scope.strip() else None,
        refresh_expires_in=seconds_of(
            body.get("refresh_token_expires_in") or body.get("x_refresh_token_expires_in")
        ),
        raw=body,
    )


def unreadable(connector: Connector) -> TokenEndpointUnavailable:
    """The error for an answer that is neither success nor refusal; it may have held new tokens."""
    return TokenEndpointUnavailable(
        f"{connector.name} sent an answer that could not be read. Please try again later.", lost=True
    )


def refusal(connector: Connector, answer: Response) -> PatchbayError:
    """What a token endpoint's error means. Only known codes count; the service's words are not repeated."""
    code = error_code(answer) if 400 <= answer.status < 500 else ""
    if answer.status == 429:
        return TokenEndpointUnavailable(
            f"{connector.name} asks to slow down. Please try again later.",
            retry_after_seconds=retry_after(answer),
        )
    if code in _DEAD:
        return TokenRefused(f"{connector.name} says this sign-in is not valid any more.")
    if code in _MISCONFIGURED:
        return ClientMisconfigured(
            f"{connector.name} does not accept this installation's client id and secret. Ask your "
            "administrator to check them."
        )
    if 400 <= answer.status < 500 and code:
        return TokenEndpointUnavailable(f"{connector.name} refused the request for a token.", retryable=False)
    return TokenEndpointUnavailable(
        f"{connector.name} is having trouble right now. Please try again later.",
        retry_after_seconds=retry_after(answer),
        lost=answer.status >= 500,
    )


def json_object(answer: Response) -> dict[str, Any] | None:
    """The body if it is a JSON object and not declared as something else, such as an HTML page."""
    media_type = answer.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if media_type and media_type != "text/plain" and not media_type.endswith(("/json", "+json")):
        return None
    body = answer.json()
    if isinstance(body, list) and len(body) == 1:  # seen in the wild
        body = body[0]
    return body if isinstance(body, dict) else None


def send(connector: Connector, method: str, url: str, **request: Any) -> Response:
    """The answer to a request, whatever its status. Raises TokenEndpointUnavailable."""
    try:
        return outbound.send(method, url, guarded=connector.is_guarded, max_bytes=_MAX_BYTES, **request)
    except OutboundError as error:
        raise TokenEndpointUnavailable(
            f"{connector.name} cannot be reached right now. Please try again later.", lost=error.sent
        ) from None


def error_code(answer: Response) -> str:
    """The `error` of a refusal, or ""."""
    code = (json_object(answer) or {}).get("error")
    return code if isinstance(code, str) else ""


def seconds_of(value: Any) -> int | None:
    """A lifetime in whole seconds, also from text or a fraction. None if it is no valid lifetime."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = int(float(value))
    except (ValueError, OverflowError):
        return None
    return min(seconds, _LONGEST_LIFE_SECONDS) if seconds > 0 else None
