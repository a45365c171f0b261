"""Tokens and their claims, connections, and scopes that add up over consents."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Response, jsonify, make_response, request

from app.sandbox.current import Here, here
from app.sandbox.grants import Grants, digest
from app.sandbox.rules import ServiceGrant, fake_jwt
from app.sandbox.services.xero import companies
from app.sandbox.services.xero.wire import guid, problem


@dataclass(frozen=True)
class TenantConnection:
    """An organisation that one person connected to the app."""

    id: str
    event: str
    organisation: companies.DemoOrganisation
    created: float
    updated: float


@dataclass(frozen=True)
class TokenBearer:
    """The person and the scopes of a request."""

    person: str
    scopes: frozenset[str]


def access_token(grant: ServiceGrant) -> str:
    """A token in Xero's shape, with the claims that apps read."""
    return fake_jwt(
        {
            "iss": "https://identity.xero.com",
            "client_id": "sandbox",
            "sub": guid("subject", grant.person).replace("-", ""),
            "xero_userid": guid("user", grant.person),
            "authentication_event_id": guid("event", grant.id),
            "scope": list(grant.scopes),
        }
    )


def token_fields(grant: ServiceGrant, refreshing: bool) -> dict[str, Any]:
    """Further members of a token response: an ID token, and the scopes of all consents so far."""
    name = grant.person.split("@")[0]
    now = int(here().now().timestamp())
    claims = {
        "iss": "https://identity.xero.com",
        "aud": "sandbox",
        "iat": now,
        "exp": now + 300,
        "sub": guid("subject", grant.person).replace("-", ""),
        "xero_userid": guid("user", grant.person),
        "preferred_username": grant.person,
        "email": grant.person,
        "given_name": name.title(),
    }
    fields: dict[str, Any] = {"scope": " ".join(sorted(_scopes(here().grants, grant.person)))}
    return {"id_token": fake_jwt(claims), **fields} if "openid" in grant.scopes else fields


def token_error(code: str, description: str) -> Response:
    """The OAuth error, without a description."""
    return make_response(jsonify(error=code), 400)


def refuses(parameters: Any) -> str | None:
    """Redirect addresses are https or http://localhost, never an IP address."""
    return (
        ("unauthorized_client : Invalid redirect_uri")
        if parameters["redirect_uri"].startswith(("http://127.", "http://["))
        else None
    )


def caller(at: Here) -> TokenBearer:
    """The caller. Raises RequestRefused with Xero's 401.

    An access token is a JWT: it stays valid until it expires, even if its consent is revoked. Only the
    connections end at once.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    grants = at.grants
    record = grants.book.find("access", digest(token.strip())) if scheme.lower() == "bearer" else None
    if record is None:
        raise problem(401, "Unauthorized", "AuthenticationUnsuccessful")
    if record["until"] <= grants.now:
        ended = datetime.fromtimestamp(record["until"], UTC)
        raise problem(401, "Unauthorized", f"TokenExpired: token expired at {ended:%m/%d/%Y %H:%M:%S}")
    grant = grants.get(record["grant"])
    return TokenBearer(grant.person, frozenset(record["scopes"]) | _scopes(grants, grant.person))


def connections(at: Here, person: str) -> list[TenantConnection]:
    """The organisations of the person's consents, without those disconnected since."""
    found: dict[str, TenantConnection] = {}
    for grant in sorted(at.grants.living(person=person), key=lambda g: g.at):
        for key in at.service.company(grant.company).books:
            gone = at.grants.book.find("gone", f"{person} {key}")
            if gone is not None and gone["at"] >= grant.at:
                continue
            before = found.get(key)
            first, created = (
                (before.id, before.created) if before else (guid("connection", grant.id, key), grant.at)
            )
            found[key] = TenantConnection(
                first, guid("event", grant.id), companies.ORGANISATIONS[key], created, grant.at
            )
    return list(found.values())


def remove(at: Here, person: str, key: str) -> None:
    """Disconnect an organisation from the app, as a click in Xero or DELETE /connections does."""
    at.grants.book.put("gone", f"{person} {key}", {"at": at.grants.now})


def connection_resource(connection: TenantConnection) -> dict[str, Any]:
    """A connection of GET /connections; its times have seven decimals and no zone."""

    def stamp(seconds: float) -> str:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S.%f}0"

    return {
        "id": connection.id,
        "authEventId": connection.event,
        "tenantId": connection.organisation.tenant_id,
        "tenantType": "ORGANISATION",
        "tenantName": connection.organisation.name,
        "createdDateUtc": stamp(connection.created),
        "updatedDateUtc": stamp(connection.updated),
    }


def _scopes(grants: Grants, person: str) -> frozenset[str]:
    """The scopes of all consents; only a revocation removes some."""
    return frozenset(scope for grant in grants.living(person=person) for scope in grant.scopes)
