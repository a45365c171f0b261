"""Open a connection's API, ready for tool calls."""

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from app import database
from app.config import Settings
from app.connectors import availability
from app.connectors import endpoints as addresses
from app.connectors.api import Api, no_report
from app.connectors.connector import Connector
from app.connectors.endpoints import Endpoints
from app.connectors.services import services_of
from app.connectors.spec import Account, Business
from app.errors import (
    NotConnected,
    NothingReached,
    PermissionDenied,
    ProviderError,
    ProviderTimeout,
    ReconnectNeeded,
    TemporaryFailure,
    ToolError,
)
from app.vault import claims, connection_log, connection_state, refresh, store
from app.vault.claims import Snapshot
from app.vault.mcp_sessions import ConnectionSessions
from app.vault.models import Connection
from app.vault.token_endpoint import TokenSet

_CALL_SECONDS = 60.0
_PROBE_SECONDS = 30.0


class TokenNotAccepted(ProviderError):
    """The service does not accept the token it has just issued, or the key somebody has just pasted."""

    message = "The service did not accept the token it has just issued. Please try connecting again."


def open_api(
    settings: Settings,
    connection: Connection,
    *,
    business: Business | None = None,
    deadline: float | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    report: Callable[[float, float | None, str], None] = no_report,
    new_key: Callable[[], str] = lambda: uuid.uuid4().hex,
    at_once: bool = False,
    seen: Snapshot | None = None,
) -> Api:
    """The connection's API for one tool call. `deadline` is monotonic; `new_key` makes idempotency keys.
    `at_once` tries a suspended connection before its pause is over. `seen` was read with the connection, just
    now: the first request takes its token.

    Opens nothing yet: the first request reads the token, and refreshes it if stale. Raises NotConnected when
    the service is no longer configured here.
    """
    connector = services_of(connection.workspace_id).get(connection.slug)
    where = addresses.resolve(connector, settings)
    if where is None:
        raise NotConnected(availability.why_not(connector))
    until = deadline if deadline is not None else time.monotonic() + _CALL_SECONDS
    tokens = refresh.TokenVault(settings, connection, deadline=until, at_once=at_once, seen=seen)

    def judge(rejected: str, reason: str | None) -> ToolError | None:
        suspect = _OneToken(rejected, ReconnectNeeded())
        proof = Api(connector, where.base_url, suspect, facts=connection.facts, deadline=until)
        verdict = _judge(connector, connection, proof, lambda: tokens.reject(rejected, reason))
        # The service's own error says to reconnect: it is right about this request, whatever else works.
        return None if reason is not None and isinstance(verdict, PermissionDenied) else verdict

    return Api(
        service=connector,
        base_url=where.base_url,
        tokens=tokens,
        on_rejected=judge,
        on_accepted=tokens.accept,
        business=business,
        reach=frozenset(str(b["id"]) for b in connection.businesses),
        facts=connection.facts,
        allowed_hosts=addresses.allowed_hosts(settings, connector),
        deadline=until,
        cancelled=cancelled,
        report=report,
        new_key=new_key,
        about=connection_log.fields_of(connection),
        sessions=lambda purpose: ConnectionSessions(settings.vault_keys, connection, purpose),
    )


def _judge(
    connector: Connector, connection: Connection, proof: Api, reject: Callable[[], ToolError]
) -> ToolError:
    """What it means that the API rejects a fresh token: the connection is broken, or only this request is.

    Asks the service whose token it is, because some answer 401 where a right, a plan or a role is missing.
    """
    snapshot = claims.find_snapshot(connection)
    try:
        connector.identify(proof, {})
    except NothingReached as ended:
        _end(connection, snapshot, ended)
        return ended
    except ReconnectNeeded:
        return reject()
    except (TemporaryFailure, ProviderTimeout) as unclear:
        return unclear
    except ToolError:
        pass  # it took the token
    return PermissionDenied(
        f"{connector.name} accepts the connection, but not this request: the account may lack the right, the "
        f"role or the plan for it. Check in {connector.name}, or reconnect with more rights."
    )


def _end(connection: Connection, snapshot: Snapshot | None, ended: NothingReached) -> None:
    """End the access, and store that the service lists nothing."""
    if snapshot is None:
        return
    with database.transaction() as db:
        if connection_state.end_access(db, connection, snapshot.credential.generation, ended.message):
            nothing = Account(key=connection.account_key, name="", businesses=())
            connection.businesses = store.set_businesses(db, connection, nothing).businesses


def reaches_nothing(connection: Connection) -> bool:
    """Whether a reconnect is needed because the service last listed no business."""
    return connection.state != connection_state.CONNECTED and not connection.businesses


def businesses_of(connection: Connection) -> list[Business]:
    """The businesses of a connection, as its connector described them."""
    return [
        Business(id=str(b["id"]), name=str(b["name"]), facts=dict(b.get("facts") or {}))
        for b in connection.businesses
    ]


def probe(
    settings: Settings,
    connector: Connector,
    endpoints: Endpoints,
    tokens: TokenSet,
    facts: Mapping[str, Any] | None = None,
) -> Account:
    """Ask the service which account new tokens belong to. Its answer names the account, not the browser's.

    `facts` is what the browser brought back beside the code; the connector verifies it.
    """
    api = Api(
        service=connector,
        base_url=endpoints.base_url,
        tokens=_OneToken(tokens.access_token, TokenNotAccepted()),
        facts=facts or {},
        allowed_hosts=addresses.allowed_hosts(settings, connector),
        deadline=time.monotonic() + _PROBE_SECONDS,
    )
    return connector.identify(api, tokens.raw)


def check(settings: Settings, connection: Connection, *, seconds: float = _PROBE_SECONDS) -> Account:
    """Ask the service which account the stored tokens belong to, and store which businesses it lists now.

    A suspended connection is tried at once, and works again if the service answers. Access that no longer
    reaches anything is marked as needing a reconnect. Raises a ToolError.
    """
    api = open_api(settings, connection, deadline=time.monotonic() + seconds, at_once=True)
    snapshot = claims.find_snapshot(connection)
    try:
        account = services_of(connection.workspace_id).get(connection.slug).identify(api, {})
    except NothingReached as ended:
        _end(connection, snapshot, ended)
        raise
    if account.key == connection.account_key:
        with database.transaction() as db:
            row = store.set_businesses(db, connection, account)
            connection.businesses, connection.facts = row.businesses, row.facts
    sentence = "User profile successfully refreshed"
    connection_log.note(logging.INFO, sentence, connection, businesses=len(account.businesses))
    return account


class _OneToken:
    """A token that cannot be refreshed: one that is not stored yet, or one that is under suspicion."""

    def __init__(self, token: str, rejected: ToolError) -> None:
        self._token = token
        self._rejected = rejected

    def bearer(self) -> str:
        return self._token

    def refreshed(self, rejected: str) -> str:
        raise self._rejected
