"""The OAuth rules (RFC 6749) of an imitated service as data, and what its tokens grant."""

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from flask import Response, jsonify, make_response

from app.sandbox.store import Record


@dataclass(frozen=True)
class ServiceGrant:
    """One consent: a person granted the client access to a company, with the request's `parameters`."""

    id: str
    company: str
    person: str
    scopes: tuple[str, ...]
    parameters: dict[str, str]
    at: float
    first: bool  # the person had no living grant before
    revoked: bool = False

    @classmethod
    def of(cls, record: Record) -> "ServiceGrant":
        """The grant of a record."""
        members = {**record, "scopes": tuple(record["scopes"])}
        parameters = members.pop("asked")
        return cls(**members, parameters=parameters)

    def as_record(self) -> Record:
        """The record that `of` reads."""
        record = asdict(self)
        record["asked"] = record.pop("parameters")  # as in the state files of earlier versions
        return record


@dataclass(frozen=True)
class Access:
    """What a bearer token grants."""

    grant: ServiceGrant
    scopes: frozenset[str]

    @property
    def company(self) -> str:
        """The key of the company chosen on the consent page."""
        return self.grant.company

    @property
    def person(self) -> str:
        """The login that consented."""
        return self.grant.person


@dataclass(frozen=True)
class DemoKey:
    """An API key created inside the service, valid until it is rolled. `secret`: the other half of a pair."""

    company: str
    person: str
    scopes: tuple[str, ...] = ()
    secret: str = ""


Parameters = Mapping[str, str]


def _nothing_to_refuse(_parameters: Parameters) -> str | None:
    return None


def opaque_token(prefix: str = "", size: int = 32) -> Callable[[ServiceGrant], str]:
    """Returns a function that creates random tokens with a prefix."""
    return lambda _grant: prefix + secrets.token_urlsafe(size)


_random_token = opaque_token()


def fake_jwt(claims: Mapping[str, Any]) -> str:
    """A token with the shape of a JWT. Its signature is random, so nobody can verify it."""
    parts = ({"alg": "RS256", "typ": "JWT", "kid": "sandbox"}, {**claims, "jti": secrets.token_hex(12)})
    encoded = [
        base64.urlsafe_b64encode(json.dumps(part, separators=(",", ":")).encode()).rstrip(b"=").decode()
        for part in parts
    ]
    return ".".join([*encoded, secrets.token_urlsafe(48)])


def oauth_error(code: str, description: str) -> Response:
    """5.2. Error Response."""
    status = 401 if code == "invalid_client" else 400
    return make_response(jsonify(error=code, error_description=description), status)


@dataclass(frozen=True)
class Rules:
    """How a service grants access and how long tokens live. Paths are the real service's, times seconds."""

    authorize_path: str | None  # None: there is no such page
    token_path: str | None
    revoke_path: str | None
    scopes: frozenset[str]  # all that exist
    access_seconds: int
    code_seconds: int = 300
    code_reuse_revokes: bool = False  # RFC 6749 4.1.2: a replayed code revokes its grant
    rotates_after_seconds: int | None = 0  # 0: at each refresh; None: never
    grace_seconds: int = 0  # how long a spent refresh token may be used again
    idle_seconds: int | None = None  # an unused refresh token ends after this time
    refresh_seconds: int | None = None  # a refresh token ends at this age
    one_refresh_token_per_person: bool = False
    refresh_ends_access: bool = False  # a refresh ends the earlier access tokens
    refresh_needs: tuple[str, ...] = ()  # parameters a refresh must have
    repeats_refresh_token: bool = True  # False: an unrotated refresh token is left out of the answer
    always_granted: tuple[str, ...] = ()
    default_scopes: tuple[str, ...] = ()  # for a request without `scope`
    granular: bool = False  # the consent page lets the person untick scopes
    access_token: Callable[[ServiceGrant], str] = _random_token
    refresh_token: Callable[[ServiceGrant], str] = _random_token
    # Whether this grant gets a refresh token at all (offline_access, access_type=offline).
    gives_refresh_token: Callable[[ServiceGrant], bool] = lambda grant: True
    # What the client receives beside the code (Intuit's realmId), by the key of the company.
    callback_fields: Callable[[str], Mapping[str, str]] = lambda company: {}
    # Whether a refresh (the record of its token) breaks another rule: it is refused and ends the grant.
    refuses_refresh: Callable[[Mapping[str, Any]], bool] = lambda record: False
    # The sentence of the service's own error page that replaces the consent page, or None.
    refuses: Callable[[Parameters], str | None] = _nothing_to_refuse
    refuses_company: Callable[[str], str | None] = lambda company: None
    # Further members of a token response; the bool says whether it is a refresh.
    token_fields: Callable[[ServiceGrant, bool], Mapping[str, Any]] = lambda grant, refreshing: {}
    # the client secret alone is the Basic user name; a code then comes without a redirect address
    secret_is_user: bool = False
    # API keys created at the service, which people paste
    keys: Mapping[str, DemoKey] = field(default_factory=dict)
    # 4.4. further clients by id, each with its `secret`
    consumers: Mapping[str, DemoKey] = field(default_factory=dict)
    expires_in: int | None = -1  # in the token response; -1: access_seconds; None: left out
    error: Callable[[str, str], Response] = oauth_error
    # What revoking a token ends: "grant" this consent, "person" all consents of the person.
    revoking_ends: str = "grant"
    # RFC 7591, client metadata documents, public clients with PKCE, and `iss` in the redirect (RFC 9207)
    registers_clients: bool = False
    project: str = ""  # services of one project share a consent, which ends in all of them
    revoking_needs_client: bool = True
    revoking_needs_json: bool = False
    unknown_token_is_error: bool = False  # RFC 7009 says 200; Google says 400 invalid_token
    revoked: Callable[[], Response] = lambda: make_response(jsonify({}), 200)
