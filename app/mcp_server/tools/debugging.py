"""Tools for debugging access, offered while DEBUG_TOOLS is on: to clients on this machine, and in production
to all, if an operator set it there. They show no part of a secret.
"""

from collections.abc import Iterator
from typing import Literal

from app import clock
from app.connectors.function_tool import tool
from app.connectors.rows import Row
from app.connectors.services import services_of
from app.database import transaction
from app.errors import PatchbayError
from app.mcp_server.tools.spec import BuiltIn, ToolContext
from app.vault import access, claims, credentials, refresh
from app.vault.labels import names_of
from app.vault.models import Connection

_EXPIRE_SECONDS = 60


class TokenPicture(Row):
    """The caller's own token."""

    kind: str
    person: str
    role: str
    workspace: str
    client: str
    scopes: list[str]
    audience: str
    expires_at: str
    seconds_left: int


class SignInPicture(Row):
    """A connection and the state of the tokens behind it."""

    connection: str
    service: str
    account: str
    own: bool
    state: str
    permission: str
    visibility: str
    problem: str | None
    granted_scopes: list[str]
    active_business: str | None
    renewable: bool
    tokens_stored: int  # how many times: the generation
    token_expires_at: str | None
    seconds_left: int | None
    renewing_now: bool
    failures: int
    resting_until: str | None


class AuthPicture(Row):
    """What authorization looks like from here."""

    token: TokenPicture
    connections: list[SignInPicture]


class Renewal(Row):
    """What became of one connection's tokens."""

    connection: str
    service: str
    account: str
    outcome: Literal["expiring", "refreshed", "skipped", "failed"]
    reason: str | None
    token_expires_at: str | None


class Renewals(Row):
    """One row for each of the caller's own connections."""

    connections: list[Renewal]


@tool(title="Show authorization", reads_only=True, open_world=False)
def debug_auth(context: ToolContext) -> AuthPicture:
    """Show what the token allows and the state of each connection, without secrets.

    Use it when calls are refused and it is not clear why. It contacts no service.
    """
    caller = context.caller
    token = TokenPicture(
        kind=caller.kind,
        person=caller.email,
        role=caller.role,
        workspace=caller.workspace_name,
        client=caller.client_name,
        scopes=sorted(caller.scopes),
        audience=caller.audience,
        expires_at=caller.expires_at.isoformat(timespec="seconds"),
        seconds_left=int((caller.expires_at - clock.now()).total_seconds()),
    )
    labels = names_of(context.connections)
    return AuthPicture(
        token=token, connections=[_picture(context, c, labels[c.id]) for c in context.connections]
    )


@tool(title="Let service tokens expire", destructive=False, idempotent=True, open_world=False)
def debug_expire_oauth_tokens(context: ToolContext) -> Renewals:
    """Make the caller's stored service tokens expire in 60 seconds.

    Use it to test that calls keep working: the next one refreshes the token. Nothing is lost, and other
    people's connections are untouched.
    """
    rows = []
    for connection, label in _own(context):
        if not _can_be_renewed(connection):
            rows.append(
                _row(connection, label, "skipped", "Its token cannot be renewed, so it is left alone.")
            )
            continue
        with transaction() as db:
            credentials.expire_in(db, connection, _EXPIRE_SECONDS)
        rows.append(_row(connection, label, "expiring"))
    context.say(
        f"{sum(row.outcome == 'expiring' for row in rows)} of {len(rows)} own connections expire in "
        f"{_EXPIRE_SECONDS} seconds."
    )
    return Renewals(connections=rows)


@tool(title="Refresh service tokens", destructive=False)
def debug_refresh_profile(context: ToolContext) -> Renewals:
    """Refresh the caller's service tokens now, and read which businesses they reach.

    Use it to check whether a connection still works, or after something changed at the service.
    """
    rows = []
    for connection, label in _own(context):
        if connection.state != "connected" or not _can_be_renewed(connection):
            rows.append(
                _row(connection, label, "skipped", connection.last_error or "Its token cannot be renewed.")
            )
            continue
        try:
            refresh.TokenVault(context.settings, connection).renew()
            access.check(context.settings, connection)
        except PatchbayError as error:
            rows.append(_row(connection, label, "failed", error.message))
        else:
            rows.append(_row(connection, label, "refreshed"))
    context.say(
        f"{sum(row.outcome == 'refreshed' for row in rows)} of {len(rows)} own connections refreshed."
    )
    return Renewals(connections=rows)


TOOLS = tuple(
    BuiltIn(tool.verb, tool, for_debugging=True)
    for tool in (debug_auth, debug_expire_oauth_tokens, debug_refresh_profile)
)


def _own(context: ToolContext) -> Iterator[tuple[Connection, str]]:
    labels = names_of(context.connections)
    return ((c, labels[c.id]) for c in context.connections if c.owner_id == context.caller.user_id)


def _can_be_renewed(connection: Connection) -> bool:
    connector = services_of(connection.workspace_id).find(connection.slug)
    return connector is not None and credentials.is_renewable(connector, connection)


def _row(
    connection: Connection,
    label: str,
    outcome: Literal["expiring", "refreshed", "skipped", "failed"],
    reason: str | None = None,
) -> Renewal:
    seen = claims.find_snapshot(connection)
    ends = seen.credential.expires_at if seen else None
    return Renewal(
        connection=connection.id,
        service=connection.slug,
        account=label,
        outcome=outcome,
        reason=reason,
        token_expires_at=ends.isoformat(timespec="seconds") if ends else None,
    )


def _picture(context: ToolContext, connection: Connection, label: str) -> SignInPicture:
    seen = claims.find_snapshot(connection)
    credential = seen.credential if seen else None
    ends = credential.expires_at if credential else None
    rests = credential.cooldown_until if credential and seen and seen.is_cooling_down else None
    return SignInPicture(
        connection=connection.id,
        service=connection.slug,
        account=label,
        own=connection.owner_id == context.caller.user_id,
        state=connection.state,
        permission=connection.permission,
        visibility=connection.visibility,
        problem=connection.last_error,
        granted_scopes=sorted(connection.scopes.split()),
        active_business=context.caller.active_businesses.get(connection.id),
        renewable=_can_be_renewed(connection),
        tokens_stored=credential.generation if credential else 0,
        token_expires_at=ends.isoformat(timespec="seconds") if ends else None,
        seconds_left=int((ends - seen.now).total_seconds()) if ends and seen else None,
        renewing_now=bool(seen and seen.is_claimed),
        failures=credential.failures if credential else 0,
        resting_until=rests.isoformat(timespec="seconds") if rests else None,
    )
