"""The connected Xero person and the organisations they allowed."""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field

from app.connectors.api import Api
from app.connectors.spec import Account, Business
from app.connectors.xero.values import XeroRow, read_as, unreadable
from app.errors import NothingReached, ProviderError


class XeroTenant(XeroRow):
    """One thing a Xero token reaches: mostly an organisation, sometimes an accountant's practice."""

    organisation_id: str = Field(
        validation_alias="tenantId", description="Pass as `organisation_id` to the other tools."
    )
    name: str = Field("Xero organisation", validation_alias="tenantName")
    type: str | None = Field(
        None, validation_alias="tenantType", description="ORGANISATION has books; PRACTICE and others do not."
    )
    connected_at: str | None = Field(None, validation_alias="createdDateUtc", description="UTC.")
    event: str | None = Field(None, validation_alias="authEventId", exclude=True)


def list_tenants(api: Api) -> list[XeroTenant]:
    """Every tenant the token reaches, from GET /connections: the one call without an organisation."""
    body = api.get("/connections")
    if not isinstance(body, list):
        raise unreadable()
    return [read_as(XeroTenant, entry) for entry in body]


def identify(api: Api, token_answer: Mapping[str, Any]) -> Account:
    """The Xero person as the account, and the organisations this authorization allowed as its businesses.

    A Xero token reaches every organisation its person ever allowed this installation, also for another
    workspace; the event of their authorization tells those apart. The account is named after the first
    organisation, which people recognise. Raises NothingReached when no organisation was chosen.
    """
    claims = {
        **_claims(token_answer.get("id_token")),
        **_claims(token_answer.get("access_token") or api.tokens.bearer()),
    }
    person = claims.get("xero_userid") or claims.get("sub")
    if not isinstance(person, str) or not person:
        raise ProviderError("Xero did not say who signed in. Please try again.")
    event = claims.get("authentication_event_id")
    organisations = [entry for entry in list_tenants(api) if entry.type == "ORGANISATION"]
    if not organisations:
        raise NothingReached("No Xero organisation was selected. Connect Xero again and choose one.")
    alone = len(organisations) == 1 or not isinstance(event, str)
    chosen = [entry for entry in organisations if alone or entry.event == event]
    businesses = _businesses(chosen)
    elsewhere = _businesses(entry for entry in organisations if entry not in chosen)
    email = claims.get("email")
    facts = {"email": email} if isinstance(email, str) else {}
    return Account(
        key=person,
        name=(*businesses, *elsewhere)[0].name,
        businesses=businesses,
        elsewhere=elsewhere,
        facts=facts,
    )


def _businesses(organisations: Iterable[XeroTenant]) -> tuple[Business, ...]:
    return tuple(
        Business(entry.organisation_id, entry.name, {"tenant_id": entry.organisation_id})
        for entry in organisations
    )


def _claims(token: Any) -> dict[str, Any]:
    """The claims of a JWT, or {} for anything else.

    Its signature needs no check: it came directly from Xero's token endpoint (OpenID Connect Core 3.1.3.7,
    point 6) and grants nothing here.
    """
    parts = token.split(".") if isinstance(token, str) else []
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
