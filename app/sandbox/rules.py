"""How an imitated service does OAuth (RFC 6749), as data, and who its tokens speak for."""

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Response, jsonify, make_response

from app.sandbox.store import Record


@dataclass(frozen=True)
class Grant:
    """One consent: a person let the client into a company. `asked` is the authorization request's
    parameters.
    """

    id: str
    company: str
    person: str
    scopes: tuple[str, ...]
    asked: dict[str, str]
    at: float
    first: bool  # the person had no living grant before
    revoked: bool = False

    @classmethod
    def of(cls, record: Record) -> "Grant":
        """The grant a record holds."""
        return cls(**{**record, "scopes": tuple(record["scopes"])})


@dataclass(frozen=True)
class Access:
    """Who a bearer token speaks for."""

    grant: Grant
    scopes: frozenset[str]

    @property
    def company(self) -> str:
        """The key of the company chosen on the consent page."""
        return self.grant.company

    @property
    def person(self) -> str:
        """The login that gave the consent."""
        return self.grant.person


@dataclass(frozen=True)
class DemoKey:
    """A key somebody made inside the service; it lives until it is rolled. `secret` is for those that come
    in pairs.
    """

    company: str
    person: str
    scopes: tuple[str, ...] = ()
    secret: str = ""


Parameters = Mapping[str, str]


def _nothing_to_refuse(_asked: Parameters) -> str | None:
    return None


def opaque_token(prefix: str = "", size: int = 32) -> Callable[[Grant], str]:
    """Makes random tokens with a prefix."""
    return lambda _grant: prefix + secrets.token_urlsafe(size)


_random_token = opaque_token()


def fake_jwt(claims: Mapping[str, Any]) -> str:
    """A token of the shape of a JWT; its signature is random, so nothing can be proved with it."""
    parts = ({"alg": "RS256", "typ": "JWT", "kid": "sandbox"}, {**claims, "jti": secrets.token_hex(12)})
    encoded = [
        base64.urlsafe_b64encode(json.dumps(part, separators=(",", ":")).encode()).rstrip(b"=").decode()
        for part in parts
    ]
    return ".".join([*encoded, secrets.token_urlsafe(48)])


def _error(code: str, description: str) -> Response:
    answer = jsonify(error=code, error_description=description)
    answer.status_code = 401 if code == "invalid_client" else 400
    return answer


@dataclass(frozen=True)
class Rules:
    """How a service signs in and how its tokens live. Paths are the real service's. Times are seconds."""

    authorize_path: str | None  # None: there is no such page
    token_path: str | None
    revoke_path: str | None
    scopes: frozenset[str]  # all it knows
    access_seconds: int
    code_seconds: int = 300
    code_reuse_revokes: bool = False  # RFC 6749 4.1.2: a replayed code ends what it gave
    rotates_after_seconds: int | None = 0  # 0: at each refresh; None: never
    grace_seconds: int = 0  # how long a spent refresh token may be used again
    idle_seconds: int | None = None  # a refresh token unused for so long is dead
    refresh_seconds: int | None = None  # a refresh token older than this is dead
    one_refresh_token_per_person: bool = False
    refresh_ends_access: bool = False  # a refresh kills the access tokens before it
    refresh_needs: tuple[str, ...] = ()  # parameters a refresh call is refused without
    repeats_refresh_token: bool = True  # False: an unrotated refresh token is left out of the answer
    always_granted: tuple[str, ...] = ()
    default_scopes: tuple[str, ...] = ()  # what a request without `scope` gets
    granular: bool = False  # the consent page lets the person untick scopes
    access_token: Callable[[Grant], str] = _random_token
    refresh_token: Callable[[Grant], str] = _random_token
    # Whether this grant gets a refresh token at all (offline_access, access_type=offline).
    gives_refresh_token: Callable[[Grant], bool] = lambda grant: True
    # What goes back to the client beside the code (Intuit's realmId), by the key of the company.
    callback_fields: Callable[[str], Mapping[str, str]] = lambda company: {}
    # A refresh that breaks the rules for other reasons: it is refused and ends the grant. Gets the token's
    # record.
    refuses_refresh: Callable[[Mapping[str, Any]], bool] = lambda record: False
    # What stands on the service's own error page instead of the consent page, or None.
    refuses: Callable[[Parameters], str | None] = _nothing_to_refuse
    refuses_company: Callable[[str], str | None] = lambda company: None
    # More members for the answer of the token endpoint; the bool says whether it is a refresh.
    token_fields: Callable[[Grant, bool], Mapping[str, Any]] = lambda grant, refreshing: {}
    # the client's secret alone, as Basic user; then no redirect address is sent with a code
    secret_is_user: bool = False
    # keys made at the service, as people paste them
    keys: Mapping[str, DemoKey] = field(default_factory=dict)
    # 4.4. clients of their own, by id; `secret` is theirs
    consumers: Mapping[str, DemoKey] = field(default_factory=dict)
    expires_in: int | None = -1  # what the answer says; -1: access_seconds; None: nothing
    error: Callable[[str, str], Response] = _error
    # What revoking a token ends: "grant" this consent, "person" all consents of the person.
    revoking_ends: str = "grant"
    project: str = ""  # services of one project share a person's consent: it ends in all of them
    revoking_needs_client: bool = True
    revoking_needs_json: bool = False
    unknown_token_is_error: bool = False  # RFC 7009 says 200; Google says 400 invalid_token
    revoked: Callable[[], Response] = lambda: make_response(jsonify({}), 200)
