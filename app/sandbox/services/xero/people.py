"""Who signed in and what they opened: connections, scopes that add up over consents, the claims in tokens."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Response, jsonify, make_response, request

from app.sandbox.current import Here, here
from app.sandbox.grants import Grants, digest
from app.sandbox.rules import Grant, fake_jwt
from app.sandbox.services.xero import companies
from app.sandbox.services.xero.wire import Refused, guid, problem


@dataclass(frozen=True)
class Connection:
    """An organisation one person opened to the app."""

    id: str
    event: str
    organisation: companies.Organisation
    created: float
    updated: float


@dataclass(frozen=True)
class Caller:
    """Who a request speaks for."""

    person: str
    scopes: frozenset[str]


def access_token(grant: Grant) -> str:
    """A token of Xero's shape, with the claims apps read."""
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


def token_fields(grant: Grant, refreshing: bool) -> dict[str, Any]:
    """What the token endpoint adds: an identity token, and the scopes of all consents so far."""
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
    """Xero names the error and says no more."""
    return make_response(jsonify(error=code), 400)


def refuses(asked: Any) -> str | None:
    """Redirect addresses are https or http://localhost; an IP address is refused."""
    return (
        ("unauthorized_client : Invalid redirect_uri")
        if asked["redirect_uri"].startswith(("http://127.", "http://["))
        else None
    )


def caller(at: Here) -> Caller:
    """Who calls. Raises Refused with Xero's 401.

    An access token is a JWT: it stays valid to its end even when its consent was revoked. What dies
    at once are the connections.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    grants = at.grants
    record = grants.book.find("access", digest(token.strip())) if scheme.lower() == "bearer" else None
    if record is None:
        raise Refused(problem(401, "Unauthorized", "AuthenticationUnsuccessful"))
    if record["until"] <= grants.now:
        ended = datetime.fromtimestamp(record["until"], UTC)
        raise Refused(
            problem(401, "Unauthorized", f"TokenExpired: token expired at {ended:%m/%d/%Y %H:%M:%S}")
        )
    grant = grants.get(record["grant"])
    return Caller(grant.person, frozenset(record["scopes"]) | _scopes(grants, grant.person))


def connections(at: Here, person: str) -> list[Connection]:
    """What the person's living consents opened, less what was taken away since."""
    found: dict[str, Connection] = {}
    for grant in sorted(at.grants.living(person=person), key=lambda g: g.at):
        for key in at.service.company(grant.company).books:
            gone = at.grants.book.find("gone", f"{person} {key}")
            if gone is not None and gone["at"] >= grant.at:
                continue
            before = found.get(key)
            first, created = (
                (before.id, before.created) if before else (guid("connection", grant.id, key), grant.at)
            )
            found[key] = Connection(
                first, guid("event", grant.id), companies.ORGANISATIONS[key], created, grant.at
            )
    return list(found.values())


def remove(at: Here, person: str, key: str) -> None:
    """Take an organisation away from the app, as a click in Xero or DELETE /connections does."""
    at.grants.book.put("gone", f"{person} {key}", {"at": at.grants.now})


def shown(connection: Connection) -> dict[str, Any]:
    """A connection as GET /connections shows it: seven decimals and no zone."""

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
    """Scopes add up over consents; only a revocation takes some away."""
    return frozenset(scope for grant in grants.living(person=person) for scope in grant.scopes)
