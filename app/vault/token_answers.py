"""What a token endpoint's answer means (RFC 6749 sections 5.1 and 5.2), read without trusting it.

Three failures differ: the grant is dead (`TokenRefused`), our client is not accepted (`ClientMisconfigured`),
or there is no usable answer (`TokenEndpointUnavailable`). After the last one the grant may well be alive.

Only a code that the service sent, `invalid_grant`, proves a dead grant, and only with a status below 500 that
does not say "not now" (408, 425, 429). Any other answer may come from something in between. If it is a clear
one all the same (`refused`: a 4xx, a redirect, an object without a token), it is counted:
`connection_state.is_refused_for_good` says when that is enough.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app import outbound
from app.connectors.api_errors import retry_after, why_unavailable
from app.connectors.connector import Connector
from app.connectors.credential_forms import OAUTH
from app.errors import PatchbayError
from app.outbound import OutboundError, Response
from app.plain_text import plain

_MAX_BYTES = 256 * 1024
TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
SUCCESSES = {200, 201}
# Request Timeout, Too Early, Too Many Requests: the same request may work later
_NOT_NOW = {408, 425, 429}
_LONGEST_VALUE = 16_384
_LONGEST_LIFE_SECONDS = 400 * 86_400  # of an access token
_LONGEST_ACCESS_SECONDS = 36_500 * 86_400
_DEAD = {"invalid_grant"}
CLIENT_UNKNOWN = {"invalid_client", "unauthorized_client"}


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
    hard_expires_in: int | None = None  # the access ends so long from now, however often it is refreshed
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    auth_method: str = OAUTH
    has_no_expiry: bool = False
    renewal_values: Mapping[str, str] = field(default_factory=dict, repr=False)


class TokenRefused(PatchbayError):
    """The service says the code or the refresh token is not valid, or no longer: `invalid_grant`.

    `because`: sentences about the cause, if the service names it.
    """

    code = "PROVIDER_ERROR"
    status = 400

    def __init__(self, message: str | None = None, *, because: str = "") -> None:
        self.because = because
        super().__init__(message)


class ClientForgotten(TokenRefused):
    """The service does not know our client any more, which registered itself: its tokens are dead with it."""


class ClientMisconfigured(PatchbayError):
    """The service rejects our client id, secret or redirect address. Only the operator can correct it."""

    code = "PROVIDER_ERROR"
    status = 502


class TokenEndpointUnavailable(PatchbayError):
    """No usable answer. `lost`: the service may have acted, and its answer may have held new tokens.

    `refused`: a clear answer that is not a token, without a code that says why.
    """

    code = "PROVIDER_UNAVAILABLE"
    status = 502

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = True,
        retry_after_seconds: int | None = None,
        lost: bool = False,
        refused: bool = False,
    ) -> None:
        self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds
        self.lost = lost
        self.refused = refused
        super().__init__(message)


def read_tokens(connector: Connector, answer: Response) -> TokenSet:
    """The tokens in an answer. Raises TokenRefused, ClientMisconfigured or TokenEndpointUnavailable."""
    body = json_object(answer) if answer.status in SUCCESSES else None
    if answer.status not in SUCCESSES or (body is not None and _is_error(body)):
        raise refusal(connector, answer)
    if body is None:
        raise unreadable(connector)
    access_token, scopes = token_of(body.get("access_token")), text_of(body.get("scope")).strip()
    if not access_token:
        raise without_token(connector)
    check_type(connector, body)
    return TokenSet(
        access_token=access_token,
        refresh_token=token_of(body.get("refresh_token")) or None,
        expires_in=seconds_of(body.get("expires_in")) or connector.auth.access_seconds,
        scopes=scopes[:4000] or None,
        refresh_expires_in=seconds_of(
            body.get("refresh_token_expires_in") or body.get("x_refresh_token_expires_in"),
            most=_LONGEST_ACCESS_SECONDS,
        ),
        hard_expires_in=seconds_of(body.get("x_refresh_token_hard_expires_in"), most=_LONGEST_ACCESS_SECONDS),
        raw=body,
    )


def _is_error(body: Mapping[str, Any]) -> bool:
    """Whether it is an error sent with a success status, as GitHub and Slack do."""
    return not token_of(body.get("access_token")) and bool(_codes(body))


def check_type(connector: Connector, body: Mapping[str, Any]) -> None:
    """Raises TokenEndpointUnavailable for a token that is not a bearer token (RFC 6749 section 7.1).

    A missing type counts as Bearer, as many services leave it out.
    """
    kind = body.get("token_type")
    if kind is None or (isinstance(kind, str) and kind.strip().lower() in {"", "bearer"}):
        return
    raise TokenEndpointUnavailable(
        f"{connector.name} issued a token of a type other than Bearer, which cannot be used here. Ask your "
        "administrator to check the app registered there.",
        retryable=False,
        lost=True,
        refused=True,
    )


def unreadable(connector: Connector) -> TokenEndpointUnavailable:
    """The error for an answer that is neither success nor refusal; it may have held new tokens."""
    return TokenEndpointUnavailable(
        f"{connector.name} sent an answer that could not be read. Please try again later.", lost=True
    )


def without_token(connector: Connector, advice: str = "") -> TokenEndpointUnavailable:
    """The error for a success whose answer holds no usable token."""
    return TokenEndpointUnavailable(
        f"{connector.name} responded without a token. {advice or 'Please try again later.'}",
        lost=True,
        refused=True,
    )


def refusal(connector: Connector, answer: Response) -> PatchbayError:
    """What a token endpoint's error means. Only known codes count; the service's words are not repeated."""
    status, name = answer.status, connector.name
    if status == 429:
        return TokenEndpointUnavailable(
            f"{name} is rate limiting us. Please try again later.", retry_after_seconds=retry_after(answer)
        )
    code = error_code(answer) if may_be_last_word(status) else ""
    if code in _DEAD:
        subtype = str((json_object(answer) or {}).get("error_subtype", ""))
        because = connector.auth.error_sentences.get(subtype, "")
        return TokenRefused(f"{name} says that this access is no longer valid.", because=because)
    if (sentence := connector.auth.error_sentences.get(code)) is not None:
        return ClientMisconfigured(sentence)
    if code in CLIENT_UNKNOWN and connector.auth.client_is_registered:
        return client_forgotten(connector)
    # A secret that is sent alone is an API key: one that was rolled gets the API's own error object.
    is_rolled = status == 401 and code != "" and connector.auth.client_auth == "secret"
    if code in CLIENT_UNKNOWN or is_rolled:
        return ClientMisconfigured(
            f"{name} does not accept this installation's client id and secret. Ask your administrator to "
            "check them."
        )
    if status >= 500 or status in _NOT_NOW:
        return TokenEndpointUnavailable(
            f"{name} is having trouble right now. Please try again later.",
            retry_after_seconds=retry_after(answer),
            lost=status >= 500,
        )
    return TokenEndpointUnavailable(
        f"{name} refused the request for a token (status {status}). Please try again later.",
        retryable=not code,
        retry_after_seconds=retry_after(answer),
        refused=True,
    )


def client_forgotten(connector: Connector) -> ClientForgotten:
    """The error for a client that registered itself and is unknown now."""
    sentence = f"{connector.name} no longer recognizes this installation."
    return ClientForgotten(sentence, because=sentence)


def may_be_last_word(status: int) -> bool:
    """Whether an answer with this status can end an access: not an outage, a redirect or "not now"."""
    return status < 300 or (400 <= status < 500 and status not in _NOT_NOW)


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
        return outbound.send(
            method,
            url,
            guarded=connector.is_guarded,
            may_be_private=connector.may_be_private,
            max_bytes=_MAX_BYTES,
            **request,
        )
    except OutboundError as error:
        raise TokenEndpointUnavailable(why_unavailable(connector.name, error), lost=error.sent) from None


def error_code(answer: Response) -> str:
    """The code of a refusal in lower case, or "". Some services nest it: {"error": {"code": "…"}}."""
    found = _codes(json_object(answer) or {})
    return next((code for code in found if code in _DEAD | CLIENT_UNKNOWN), found[0] if found else "")


def _codes(body: Mapping[str, Any]) -> list[str]:
    error = body.get("error")
    nested = [error.get(name) for name in ("code", "type", "error")] if isinstance(error, Mapping) else []
    return [text.strip().lower() for text in (error, *nested) if isinstance(text, str) and text.strip()]


def token_of(value: Any) -> str:
    """A token without the white space around it, "" if it cannot be sent in a header."""
    token = value.strip() if isinstance(value, str) else ""
    return token if TOKEN.fullmatch(token) else ""


def text_of(value: Any) -> str:
    """A member of an answer as text, "" if it is none. Some services send scopes as a list."""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        value = " ".join(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(plain(str(value)))[:_LONGEST_VALUE]


def seconds_of(value: Any, *, most: int = _LONGEST_LIFE_SECONDS) -> int | None:
    """A lifetime in whole seconds, also from text or a fraction, at most `most`. None if it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = int(float(value))
    except (ValueError, OverflowError):
        return None
    return min(seconds, most) if seconds > 0 else None
