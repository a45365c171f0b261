"""Open a connection's API, ready for tool calls."""

import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from app import database
from app.config import Settings
from app.connectors import endpoints as addresses
from app.connectors.api import Api
from app.connectors.connector import Connector
from app.connectors.endpoints import Endpoints
from app.connectors.services import services_of
from app.connectors.spec import Account, Business
from app.errors import NotConnected, NothingReached, ProviderError
from app.vault import claims, connection_state, refresh, store
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
    report: Callable[[float, float | None, str], None] = lambda done, total, text: None,
    new_key: Callable[[], str] = lambda: uuid.uuid4().hex,
) -> Api:
    """The connection's API for one tool call. `deadline` is monotonic; `new_key` makes idempotency keys.

    Opens nothing yet: the first request reads the token, and refreshes it if stale. Raises NotConnected when
    the service is no longer configured here.
    """
    connector = services_of(connection.workspace_id).get(connection.slug)
    where = addresses.resolve(connector, settings)
    if where is None:
        raise NotConnected(f"{connector.name} is not configured here. Ask your administrator.")
    until = deadline if deadline is not None else time.monotonic() + _CALL_SECONDS
    return Api(
        service=connector,
        base_url=where.base_url,
        tokens=refresh.source(settings, connection, deadline=until),
        business=business,
        reach=frozenset(str(b["id"]) for b in connection.businesses),
        facts=connection.facts,
        deadline=until,
        cancelled=cancelled,
        report=report,
        new_key=new_key,
    )


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
        tokens=_JustObtained(tokens.access_token),
        facts=facts or {},
        deadline=time.monotonic() + _PROBE_SECONDS,
    )
    return connector.identify(api, tokens.raw)


def check(settings: Settings, connection: Connection, *, seconds: float = _PROBE_SECONDS) -> Account:
    """Ask the service which account the stored tokens belong to, and store which businesses it lists now.

    Raises a ToolError. Access that no longer reaches anything is marked as needing a reconnect.
    """
    api = open_api(settings, connection, deadline=time.monotonic() + seconds)
    snapshot = claims.find_snapshot(connection)
    try:
        account = services_of(connection.workspace_id).get(connection.slug).identify(api, {})
    except NothingReached as ended:
        if snapshot is not None:
            with database.transaction() as db:
                connection_state.end_access(db, connection, snapshot.credential.generation, ended.message)
        raise
    if account.key == connection.account_key:
        with database.transaction() as db:
            connection.businesses = store.set_businesses(db, connection, account).businesses
    return account


class _JustObtained:
    """A token that is not stored yet and cannot be refreshed."""

    def __init__(self, token: str) -> None:
        self._token = token

    def bearer(self) -> str:
        return self._token

    def refreshed(self, rejected: str) -> str:
        raise TokenNotAccepted()
