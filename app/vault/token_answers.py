"""What a token endpoint's answer means (RFC 6749 sections 5.1 and 5.2), and how it is read without trusting
it.

Three things can go wrong, and the difference matters: the grant is dead (`TokenRefused`), we are not
accepted as a client (`ClientMisconfigured`), or there is no usable answer (`TokenEndpointUnavailable`),
in which case the grant may well be alive.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.connectors.api import retry_after
from app.connectors.connector import Connector
from app.connectors.credential_forms import OAUTH
from app.errors import PatchbayError
from app.outbound import Answer

MAX_BYTES = 256 * 1024
TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_LONGEST_LIFE_SECONDS = 400 * 86_400
_DEAD = {"invalid_grant"}
_MISCONFIGURED = {"invalid_client", "unauthorized_client"}


@dataclass(frozen=True)
class TokenSet:
    """A successful token answer. `raw` is all of it, for `identify`. Secrets stay out of its repr.

    `way` is how one signed in. What forms bring: `lasts` when the token ends on no known day, `kept` for
    what is sealed beside it to ask anew with.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_in: int | None = None
    scopes: str | None = None
    refresh_expires_in: int | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    way: str = OAUTH
    lasts: bool = False
    kept: Mapping[str, str] = field(default_factory=dict, repr=False)


class TokenRefused(PatchbayError):
    """The service says the code or the refresh token is not valid (any more): `invalid_grant`."""

    code = "PROVIDER_ERROR"
    status = 400


class ClientMisconfigured(PatchbayError):
    """The service does not accept our client id, secret or redirect address. Only the operator can mend
    it.
    """

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


def read_tokens(connector: Connector, answer: Answer) -> TokenSet:
    """The tokens in an answer to the standard. Raises TokenRefused, ClientMisconfigured or
    TokenEndpointUnavailable.
    """
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
    """The error for an answer that says neither yes nor no; it may have held new tokens."""
    return TokenEndpointUnavailable(
        f"{connector.name} sent an answer that could not be read. Please try again later.", lost=True
    )


def refusal(connector: Connector, answer: Answer) -> PatchbayError:
    """What a token endpoint's error means. Its own words are not repeated: only the known codes count."""
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


def json_object(answer: Answer) -> dict[str, Any] | None:
    """The body when it is a JSON object and is not declared to be something else, such as an HTML page."""
    media_type = answer.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if media_type and media_type != "text/plain" and not media_type.endswith(("/json", "+json")):
        return None
    body = answer.json()
    if isinstance(body, list) and len(body) == 1:  # seen in the wild
        body = body[0]
    return body if isinstance(body, dict) else None


def error_code(answer: Answer) -> str:
    """The `error` of a refusal, or ""."""
    code = (json_object(answer) or {}).get("error")
    return code if isinstance(code, str) else ""


def seconds_of(value: Any) -> int | None:
    """A lifetime in whole seconds, also when it came as text or a fraction; None when it makes no sense."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = int(float(value))
    except (ValueError, OverflowError):
        return None
    return min(seconds, _LONGEST_LIFE_SECONDS) if seconds > 0 else None
