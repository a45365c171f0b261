"""From what a person filled in to a token, and later to the next one: the requests a `Form` declares, carried
out.

What is filled in stays in this module and in the request; only what the form `keeps` is sealed.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from app import outbound
from app.connectors.connector import Connector
from app.connectors.credential_forms import Ask, Form
from app.connectors.endpoints import Endpoints
from app.errors import PatchbayError
from app.outbound import Answer, OutboundError
from app.vault.token_answers import (
    MAX_BYTES,
    TOKEN,
    ClientMisconfigured,
    TokenEndpointUnavailable,
    TokenRefused,
    TokenSet,
    json_object,
    refusal,
    seconds_of,
    unreadable,
)

_LONGEST_VALUE = 16_384


def obtain(connector: Connector, endpoints: Endpoints, form: Form, values: Mapping[str, str]) -> TokenSet:
    """The token for what was filled in. Raises TokenRefused when the service says no, or
    TokenEndpointUnavailable.
    """
    known, raw = _carry_out(connector, endpoints, form, form.asks, dict(values))
    return _token_set(connector, form, known, raw, kept={name: known[name] for name in form.keeps})


def renew(
    connector: Connector,
    endpoints: Endpoints,
    form: Form,
    *,
    kept: str | None,
    access_token: str,
    refresh_token: str | None,
) -> TokenSet:
    """The next token, without the person. Raises TokenRefused when there is no way to it, or
    TokenEndpointUnavailable.
    """
    if not form.renews:
        raise TokenRefused()
    known: dict[str, str] = {**(json.loads(kept) if kept else {}), "access_token": access_token}
    if refresh_token:
        known["refresh_token"] = refresh_token
    return _token_set(connector, form, *_carry_out(connector, endpoints, form, form.renews, known), kept={})


def _carry_out(
    connector: Connector, endpoints: Endpoints, form: Form, asks: Sequence[Ask], known: dict[str, str]
) -> tuple[dict[str, str], dict[str, Any]]:
    """Send the requests one after the other. Gives everything known afterwards, and all that was answered."""
    raw: dict[str, Any] = {}
    for ask in asks:
        answer = _send(connector, endpoints.asks[ask.url], ask, known)
        body = json_object(answer) if answer.status in {200, 201} else None
        if body is None and ask.optional and answer.status not in {401, 403}:
            continue
        if answer.status not in {200, 201}:
            raise _refusal(connector, form, answer)
        if body is None:
            raise unreadable(connector)
        raw |= body
        known |= {name: text for name, member in ask.takes.items() if (text := _text(body.get(member)))}
    return known, raw


def _send(connector: Connector, url: str, ask: Ask, known: Mapping[str, str]) -> Answer:
    sent = {**ask.constants, **{parameter: known.get(name, "") for parameter, name in ask.sends.items()}}
    body: dict[str, Any] = (
        {} if ask.method == "GET" else {"json": sent} if ask.body == "json" else {"form": sent}
    )
    headers = {"Accept": "application/json"}
    if ask.bearer:
        headers["Authorization"] = f"Bearer {known.get(ask.bearer, '')}"
    try:
        return outbound.send(
            ask.method,
            url,
            **body,
            headers=headers,
            auth=(known.get(ask.basic[0], ""), known.get(ask.basic[1], "")) if ask.basic else None,
            max_bytes=MAX_BYTES,
        )
    except OutboundError as error:
        raise TokenEndpointUnavailable(
            f"{connector.name} cannot be reached right now. Please try again later.", lost=error.sent
        ) from None


def _refusal(connector: Connector, form: Form, answer: Answer) -> PatchbayError:
    """What a refusal means. The client is the workspace's own here, so one that is not accepted is its to
    mend.

    A 401 or 403 counts as the service's word only in JSON: a proxy's page in between has not looked at the
    token.
    """
    found = refusal(connector, answer)
    said_no = answer.status in {401, 403} and json_object(answer) is not None
    if said_no or isinstance(found, TokenRefused | ClientMisconfigured):
        return TokenRefused(f"{connector.name} {form.refused}")
    return found


def _token_set(
    connector: Connector,
    form: Form,
    known: Mapping[str, str],
    raw: Mapping[str, Any],
    *,
    kept: Mapping[str, str],
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
        way=form.key,
        lasts=expires_in is None,
        kept=kept,
    )


def _text(value: Any) -> str:
    """A member of an answer as text; "" for what is none. Scopes come as a list in places."""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        value = " ".join(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)[:_LONGEST_VALUE]
