"""Authenticates bearer tokens: one query from a token to everything a request needs to know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, bindparam, case, join, or_, select

from app import clock, workspace_versions
from app.accounts.models import User
from app.crypto import digest
from app.fast_queries import PreparedStatement
from app.oauth_server import scopes
from app.oauth_server.models import AccessToken, Client, Grant
from app.oauth_server.selections import EVERYTHING, Selection
from app.vault import visible_connections
from app.vault.visible_connections import Prefetched
from app.workspaces.models import Membership, Workspace

ACCESS_PREFIX = "pba_"
PERSONAL_PREFIX = "pbp_"
API_KEY_PREFIX = "pbk_"
API_KEY = "api_key"  # the grant kind of an operator's API key, which belongs to no member
_PREFIXES = (ACCESS_PREFIX, PERSONAL_PREFIX, API_KEY_PREFIX)
_LENGTH = len(ACCESS_PREFIX) + 43  # 32 random bytes in base64url


@dataclass(frozen=True, slots=True)
class AuthenticatedCaller:
    """A verified bearer: the person, the workspace, and what the grant allows."""

    grant_id: str
    kind: str  # oauth, personal, api_key, identity
    user_id: str
    email: str
    workspace_id: str
    workspace_name: str
    workspace_active: bool
    tier: str
    per_minute: int | None
    per_day: int | None
    role: str
    client_id: str | None
    client_name: str
    scopes: frozenset[str]
    audience: str
    expires_at: datetime
    active_businesses: Mapping[str, str]
    selection: Selection = EVERYTHING
    may_debug: bool = False  # by where the request comes from, not by the grant
    prefetched: Prefetched | None = field(default=None, repr=False, compare=False)

    @property
    def is_operator_key(self) -> bool:
        """True for an operator's API key, which may act in every workspace."""
        return self.kind == API_KEY

    @property
    def sees_as(self) -> str:
        """The user id whose personal connections are visible beside the shared ones. "" for an API key: it
        reaches nobody's, not even its maker's.
        """
        return _sees_as(self.kind, self.user_id)


_token, _grant, _user, _workspace, _membership, _client = (
    model.__table__.c  # type: ignore[union-attr]
    for model in (AccessToken, Grant, User, Workspace, Membership, Client)
)


def _callers(source: Any, scope: Any, ends: Any, *which: Any) -> Any:
    """Selects callers whose grant is in force, from grants or from their tokens."""
    return (
        select(
            _grant.id.label("grant_id"),
            _grant.kind,
            _user.id.label("user_id"),
            _user.email,
            _workspace.id.label("workspace_id"),
            _workspace.name.label("workspace_name"),
            _workspace.deactivated_at.is_(None).label("workspace_active"),
            _workspace.tier,
            _workspace.per_minute,
            _workspace.per_day,
            _workspace.services_version,
            case((_grant.kind == API_KEY, "operator"), else_=_membership.role).label("role"),
            _grant.client_id,
            _grant.client_name,
            scope.label("scopes"),
            _grant.resource.label("audience"),
            ends.label("expires_at"),
            _grant.expires_at.label("family_ends"),
            _grant.active_businesses,
            _grant.selection,
        )
        .select_from(source)
        .join(User, _user.id == _grant.user_id)
        .join(Workspace, _workspace.id == _grant.workspace_id)
        .outerjoin(
            Membership,
            and_(_membership.workspace_id == _grant.workspace_id, _membership.user_id == _grant.user_id),
        )
        .outerjoin(Client, _client.client_id == _grant.client_id)
        .where(
            *which,
            _grant.revoked_at.is_(None),
            _user.disabled_at.is_(None),
            _client.blocked_at.is_(None),
            # An operator's key needs no membership, but its maker must still be an operator.
            or_(
                and_(_grant.kind == API_KEY, _user.is_operator.is_(True)),
                and_(_grant.kind != API_KEY, _membership.role.is_not(None)),
            ),
        )
    )


_of_tokens = join(AccessToken.__table__, Grant.__table__, _grant.id == _token.grant_id)  # type: ignore[attr-defined]
_SELECT = _callers(
    _of_tokens,
    _token.scope,
    _token.expires_at,
    _token.token_digest == bindparam("digest"),
    _token.revoked_at.is_(None),
)
_NAMES = tuple(str(column.key) for column in _SELECT.selected_columns)
_LOOK_UP = PreparedStatement(_SELECT)
_WHOSE = (_grant.workspace_id, case((_grant.kind == API_KEY, ""), else_=_grant.user_id))  # as `sees_as`
_WITH_ALL = visible_connections.with_all(_SELECT, *_WHOSE)
_WITH_SERVICE_OF = visible_connections.with_service_of(_SELECT, *_WHOSE)
_OF_GRANT = PreparedStatement(
    _callers(Grant, _grant.scope, _grant.expires_at, _grant.id == bindparam("grant_id"))
)


def find_caller(token: str) -> AuthenticatedCaller | None:
    """The caller behind a bearer token, in one query.

    Returns None for an unknown, expired or revoked token, a disabled person, a former member of the
    workspace, a blocked AI client, and the API key of a former operator. A string that cannot be a token
    costs no query.
    """
    return _caller(_LOOK_UP.first(digest=digest(token))) if _can_be_token(token) else None


def find_caller_with_connections(token: str, tool: str = "") -> AuthenticatedCaller | None:
    """Like `find_caller`, with the connections that the caller's request reads next, in the same query: all
    visible ones, or those of that tool's service with their tokens.
    """
    if not _can_be_token(token):
        return None
    if tool:
        row, rows = _WITH_SERVICE_OF.joined(len(_NAMES), digest=digest(token), tool=tool)
    else:
        row, rows = _WITH_ALL.joined(len(_NAMES), digest=digest(token))
    return _caller(row, tool, rows)


def _can_be_token(text: str) -> bool:
    return len(text) == _LENGTH and text.startswith(_PREFIXES)


def find_caller_of(grant_id: str) -> AuthenticatedCaller | None:
    """A grant's caller with its current rights, for work after its request (approved writes), or None."""
    return _caller(_OF_GRANT.first(grant_id=grant_id))


def _caller(
    row: tuple[Any, ...] | None, tool: str = "", connections: list[tuple[Any, ...]] | None = None
) -> AuthenticatedCaller | None:
    if row is None:
        return None
    facts: dict[str, Any] = dict(zip(_NAMES, row, strict=True))
    workspace_versions.note(facts["workspace_id"], facts.pop("services_version"))
    facts["scopes"] = scopes.split(facts["scopes"])
    facts["selection"] = Selection.of_json(facts["selection"])
    facts["expires_at"] = min(
        filter(None, (facts["expires_at"], facts.pop("family_ends"))),
        default=datetime.max.replace(tzinfo=UTC),
    )
    if facts["expires_at"] <= clock.now():
        return None
    if connections is not None:
        person = _sees_as(facts["kind"], facts["user_id"])
        facts["prefetched"] = Prefetched(facts["workspace_id"], person, tool, connections)
    return AuthenticatedCaller(**facts)


def _sees_as(kind: str, user_id: str) -> str:
    return "" if kind == API_KEY else user_id
