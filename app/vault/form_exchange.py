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
from app.vault import client_assertion
from app.vault.token_answers import (
    SUCCESSES,
    ClientMisconfigured,
    TokenEndpointUnavailable,
    TokenRefused,
    TokenSet,
    check_type,
    error_code,
    json_object,
    may_be_last_word,
    refusal,
    seconds_of,
    send,
    text_of,
    token_of,
    unreadable,
    without_token,
)

_ABOUT_THE_INPUT = {400, 401, 403, 422}  # a 404 may be a wrong address of ours


def obtain(connector: Connector, endpoints: Endpoints, form: Form, values: Mapping[str, str]) -> TokenSet:
    """The token for what was filled in. Raises TokenRefused or TokenEndpointUnavailable."""
    answered, raw = _carry_out(connector, endpoints, form, form.requests, values, renewing=False)
    known = {**form.constants, **values, **answered}
    # Typed in, it needs no answer, unless a request that must succeed brings the real one.
    is_due = any(form.token in request.takes for request in form.requests if not request.optional)
    token = (answered if is_due else known).get(form.token)
    return _token_set(
        connector, form, token, known, raw, renewal_values={name: known[name] for name in form.stores}
    )


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
    refuses in its documented form, else TokenEndpointUnavailable.

    Only what this answer brings counts as new: an answer without a token must not become the old token with a
    new life.
    """
    if not form.renewals:
        raise TokenRefused()
    known: dict[str, str] = {
        **(json.loads(renewal_values) if renewal_values else {}),
        "access_token": access_token,
    }
    if refresh_token:
        known["refresh_token"] = refresh_token
    answered, raw = _carry_out(connector, endpoints, form, form.renewals, known, renewing=True)
    return _token_set(connector, form, answered.get(form.token), answered, raw, renewal_values={})


def _carry_out(
    connector: Connector,
    endpoints: Endpoints,
    form: Form,
    requests: Sequence[TokenRequest],
    given: Mapping[str, str],
    *,
    renewing: bool,
) -> tuple[dict[str, str], dict[str, Any]]:
    """Send the requests in order. Returns the values they brought, and everything that was answered."""
    answered: dict[str, str] = {}
    raw: dict[str, Any] = {}
    due = {name for request in requests for name in request.takes} - given.keys()
    for request in requests:
        known = {**given, **answered}
        if any(name in due and not known.get(name) for name in _values_of(request)):
            raise without_token(connector, form.if_without_token)  # the request before was to bring it
        answer = _send(connector, endpoints.request_urls[request.url], request, known)
        body = json_object(answer) if answer.status in SUCCESSES else None
        is_error = bool(error_code(answer)) and not any((body or {}).get(m) for m in request.takes.values())
        if (body is None or is_error) and request.optional and answer.status not in {401, 403}:
            continue
        if answer.status not in SUCCESSES or is_error:
            raise _refusal(connector, form, request, answer, renewing=renewing)
        if body is None:
            raise unreadable(connector)
        check_type(connector, body)
        raw |= body
        for name, member in request.takes.items():
            read = token_of if name in {form.token, "refresh_token"} else text_of
            if text := read(body.get(member)):
                answered[name] = text
    return answered, raw


def _values_of(request: TokenRequest) -> list[str]:
    """The known values a request sends."""
    signed = (request.signed or ())[:2]
    bearer = [request.bearer] if request.bearer else []
    return [*request.sends.values(), *(request.basic or ()), *signed, *bearer]


def _send(connector: Connector, url: str, request: TokenRequest, known: Mapping[str, str]) -> Response:
    sent: dict[str, str] = {
        **request.constants,
        **{parameter: known.get(name, "") for parameter, name in request.sends.items()},
    }
    headers = {"Accept": "application/json"}
    if request.bearer:
        headers["Authorization"] = f"Bearer {known.get(request.bearer, '')}"
    if request.signed:
        client_id, key, audience = request.signed
        try:
            assertion = client_assertion.sign(known.get(client_id, ""), known.get(key, ""), audience)
        except ValueError:
            raise TokenRefused("This private key can't be used. Paste an EC or RSA key.") from None
        sent |= {"client_assertion_type": client_assertion.TYPE, "client_assertion": assertion}
    body: dict[str, Any] = (
        {} if request.method == "GET" else {"json": sent} if request.body == "json" else {"form": sent}
    )
    basic = (known.get(request.basic[0], ""), known.get(request.basic[1], "")) if request.basic else None
    return send(connector, request.method, url, **body, headers=headers, auth=basic)


def _refusal(
    connector: Connector, form: Form, request: TokenRequest, answer: Response, *, renewing: bool
) -> PatchbayError:
    """What a refusal means. The client is the workspace's own here, so only the workspace can correct it.

    While the person waits at the form, a refusal in JSON is about what was filled in. A renewal ends the
    access only with a code of RFC 6749 or a refusal that the form declares (`TokenRequest.refused_with`): any
    other 401 or 403 may be a gateway's, which has not checked what was sent.
    """
    found, body = refusal(connector, answer), json_object(answer)
    is_refused = body is not None and (
        (_is_documented(request, body) and (not renewing or may_be_last_word(answer.status)))
        or (not renewing and answer.status in _ABOUT_THE_INPUT)
    )
    if is_refused or isinstance(found, TokenRefused | ClientMisconfigured):
        return TokenRefused(f"{connector.name} {form.refused}")
    if answer.status == 404 and request.setting_required:
        return TokenEndpointUnavailable(
            f"{connector.name} has nothing at the address set for this connection. Ask your administrator to "
            f"check {connector.slug.upper()}_{request.setting}.",
            retryable=False,
            refused=True,
        )
    return found


def _is_documented(request: TokenRequest, body: Mapping[str, Any]) -> bool:
    return any(
        all(body.get(name) == value for name, value in members.items()) for members in request.refused_with
    )


def _token_set(
    connector: Connector,
    form: Form,
    token: str | None,
    values: Mapping[str, str],
    raw: Mapping[str, Any],
    *,
    renewal_values: Mapping[str, str],
) -> TokenSet:
    access_token = token_of(token)
    if not access_token:
        raise without_token(connector, form.if_without_token)
    expires_in = seconds_of(values.get("expires_in")) or form.access_seconds
    return TokenSet(
        access_token=access_token,
        refresh_token=values.get("refresh_token"),
        expires_in=expires_in,
        scopes=values.get("scopes", "")[:4000] or None,
        raw=raw,
        auth_method=form.key,
        has_no_expiry=expires_in is None and not form.tells_life,
        renewal_values=renewal_values,
    )
