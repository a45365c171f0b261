"""Exchange what a person filled in for a token, and later for the next one: sends a `Form`'s requests.

What is filled in stays in this module and in the request; only what the form `stores` is sealed.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from app.connectors.connector import Connector
from app.connectors.credential_forms import Form, TokenRequest
from app.connectors.endpoints import Endpoints
from app.errors import PatchbayError
from app.outbound import Response
from app.vault.token_answers import (
    TOKEN,
    ClientMisconfigured,
    TokenRefused,
    TokenSet,
    json_object,
    refusal,
    seconds_of,
    send,
    unreadable,
)

_LONGEST_VALUE = 16_384


def obtain(connector: Connector, endpoints: Endpoints, form: Form, values: Mapping[str, str]) -> TokenSet:
    """The token for what was filled in. Raises TokenRefused or TokenEndpointUnavailable."""
    known, raw = _carry_out(connector, endpoints, form, form.requests, dict(values))
    return _token_set(connector, form, known, raw, renewal_values={name: known[name] for name in form.stores})


def renew(
    connector: Connector,
    endpoints: Endpoints,
    form: Form,
    *,
    renewal_values: str | None,
    access_token: str,
    refresh_token: str | None,
) -> TokenSet:
    """The next token, without the person. Raises TokenRefused if the form has no renewal or the service
    refuses, else TokenEndpointUnavailable.
    """
    if not form.renewals:
        raise TokenRefused()
    known: dict[str, str] = {
        **(json.loads(renewal_values) if renewal_values else {}),
        "access_token": access_token,
    }
    if refresh_token:
        known["refresh_token"] = refresh_token
    return _token_set(
        connector, form, *_carry_out(connector, endpoints, form, form.renewals, known), renewal_values={}
    )


def _carry_out(
    connector: Connector,
    endpoints: Endpoints,
    form: Form,
    requests: Sequence[TokenRequest],
    known: dict[str, str],
) -> tuple[dict[str, str], dict[str, Any]]:
    """Send the requests in order. Returns all values known afterwards, and everything that was answered."""
    raw: dict[str, Any] = {}
    for request in requests:
        answer = _send(connector, endpoints.request_urls[request.url], request, known)
        body = json_object(answer) if answer.status in {200, 201} else None
        if body is None and request.optional and answer.status not in {401, 403}:
            continue
        if answer.status not in {200, 201}:
            raise _refusal(connector, form, answer)
        if body is None:
            raise unreadable(connector)
        raw |= body
        known |= {name: text for name, member in request.takes.items() if (text := _text(body.get(member)))}
    return known, raw


def _send(connector: Connector, url: str, request: TokenRequest, known: Mapping[str, str]) -> Response:
    sent = {
        **request.constants,
        **{parameter: known.get(name, "") for parameter, name in request.sends.items()},
    }
    body: dict[str, Any] = (
        {} if request.method == "GET" else {"json": sent} if request.body == "json" else {"form": sent}
    )
    headers = {"Accept": "application/json"}
    if request.bearer:
        headers["Authorization"] = f"Bearer {known.get(request.bearer, '')}"
    basic = (known.get(request.basic[0], ""), known.get(request.basic[1], "")) if request.basic else None
    return send(connector, request.method, url, **body, headers=headers, auth=basic)


def _refusal(connector: Connector, form: Form, answer: Response) -> PatchbayError:
    """What a refusal means. The client is the workspace's own here, so only the workspace can correct it.

    A 401 or 403 counts as the service's answer only in JSON: a proxy in between has not checked the token.
    """
    found = refusal(connector, answer)
    is_refused = answer.status in {401, 403} and json_object(answer) is not None
    if is_refused or isinstance(found, TokenRefused | ClientMisconfigured):
        return TokenRefused(f"{connector.name} {form.refused}")
    return found


def _token_set(
    connector: Connector,
    form: Form,
    known: Mapping[str, str],
    raw: Mapping[str, Any],
    *,
    renewal_values: Mapping[str, str],
) -> TokenSet:
    token, refresh_token = known.get(form.token, ""), known.get("refresh_token")
    if not TOKEN.fullmatch(token) or (refresh_token is not None and not TOKEN.fullmatch(refresh_token)):
        raise unreadable(connector)
    expires_in = seconds_of(known.get("expires_in"))
    return TokenSet(
        access_token=token,
        refresh_token=refresh_token,
        expires_in=expires_in,
        scopes=known.get("scopes", "")[:4000] or None,
        raw=raw,
        auth_method=form.key,
        has_no_expiry=expires_in is None,
        renewal_values=renewal_values,
    )


def _text(value: Any) -> str:
    """A member of an answer as text, "" if it is none. Some services send scopes as a list."""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        value = " ".join(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)[:_LONGEST_VALUE]
