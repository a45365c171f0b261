"""Reads tool lists again when their time is over: in the background, and before a call that finds one over.

A call waits for that a moment only: if the server does not list its tools in time, the pinned definitions
count. However many calls find the list over, one reads it, and the others wait for that one.
"""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlmodel import col

from app import clock, database, threads, workspace_versions
from app.config import Settings
from app.connectors import mcp
from app.connectors.api import Api
from app.connectors.connector import Connector
from app.errors import (
    NotConnected,
    PatchbayError,
    PermissionDenied,
    ReconnectNeeded,
    ToolError,
    Unavailable,
)
from app.federation import built_in, tool_lists
from app.federation.breaker import BREAKER
from app.federation.models import McpServer, McpToolList
from app.federation.tool_lists import ListClaim
from app.jobs.leases import PeriodicJob
from app.vault import connection_state
from app.vault.access import open_api
from app.vault.models import Connection
from app.workspaces.models import Workspace

log = logging.getLogger(__name__)

CALL_WAITS_SECONDS = 2.0
_READING_SECONDS = 15.0
_CONNECTING_SECONDS = 5.0  # how long a person who connects waits for it at most
_POLL_SECONDS = 0.05
_AT_ONCE = 4
_EVERY = timedelta(minutes=1)
_MOST = 10_000  # connections one process remembers
_USED_WITHIN = timedelta(days=2)  # whose lists are kept up to date
_MOST_AT_ONCE = 500  # lists per run of the job
# what the account may not do says nothing about the server
_OF_THE_ACCOUNT = (ReconnectNeeded, NotConnected, PermissionDenied)


class Refresher:
    """The lists that this process knows to be good, and those it is reading. One per process."""

    def __init__(self) -> None:
        self._good_until: dict[str, datetime] = {}
        self._flights: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def look(self, server_id: str, api: Api) -> bool:
        """Before a call: read the connection's list if its time is over. Costs no query while it is good.

        Returns whether the list may have changed meanwhile. Waits a moment, and raises nothing.
        """
        connection_id = api.about["connection"]
        if self._is_good(connection_id):
            return False
        state = tool_lists.state_of(connection_id)
        if state.is_good:
            self._remember(connection_id, state.good_until)
            return False
        until = min(api.deadline, time.monotonic() + CALL_WAITS_SECONDS)
        flight, leads = self._join(connection_id)
        if leads:
            try:
                self._lead(server_id, replace(api, deadline=until, calls=[], note=""), until)
            finally:
                self._land(connection_id, flight)
        else:
            flight.wait(max(0.0, until - time.monotonic()))
        return True

    def read(
        self,
        settings: Settings,
        server_id: str,
        connection: Connection,
        seconds: float = _READING_SECONDS,
    ) -> bool:
        """In the background: read the connection's list now. False if somebody else does, or it failed."""
        claim = tool_lists.claim(server_id, connection.workspace_id, connection.id)
        if claim is None:
            return False
        try:
            api = open_api(settings, connection, deadline=time.monotonic() + seconds)
        except PatchbayError:
            tool_lists.release(claim)
            return False
        return self._read(claim, api)

    def read_soon(self, server_id: str, api: Api) -> None:
        """The server says that its list has changed: it is over now, and is read in the background."""
        workspace_id, connection_id = api.about["workspace"], api.about["connection"]

        def read() -> None:
            own = replace(
                api,
                deadline=time.monotonic() + _READING_SECONDS,
                calls=[],
                cancelled=lambda: False,
                report=lambda done, total, text: None,
                ask=None,
            )
            try:
                claim = tool_lists.claim(server_id, workspace_id, connection_id)
                if claim is not None:
                    self._read(claim, own)
            except Unavailable:
                log.debug("the tools of %s could not be read", connection_id)

        self._good_until.pop(connection_id, None)
        try:
            tool_lists.expire(connection_id)
        except Unavailable:  # then it is read when its time is over
            return
        threads.submit(_pool, read)

    def read_again(self, server_id: str, api: Api) -> None:
        """Read the connection's list now, however good it is. Waits a moment, and raises nothing."""
        self._good_until.pop(api.about["connection"], None)
        try:
            tool_lists.expire(api.about["connection"])
        except Unavailable:  # then it is read when its time is over
            return
        self.look(server_id, api)

    def _lead(self, server_id: str, api: Api, until: float) -> None:
        """Read the list, or wait for the process that reads it."""
        workspace_id, connection_id = api.about["workspace"], api.about["connection"]
        try:
            while time.monotonic() < until:
                claim = tool_lists.claim(server_id, workspace_id, connection_id)
                if claim is not None:
                    self._read(claim, api)
                    return
                state = tool_lists.state_of(connection_id)
                if not state.is_being_read:
                    self._remember(connection_id, state.good_until)
                    version = tool_lists.current_version(workspace_id)
                    workspace_versions.note(workspace_id, version)
                    return
                time.sleep(_POLL_SECONDS)
        except Unavailable:
            log.debug("the tools of %s could not be looked up", connection_id)

    def _read(self, claim: ListClaim, api: Api) -> bool:
        try:
            listed = mcp.client_of(api).list_tools()
        except ToolError as error:
            is_servers = not isinstance(error, _OF_THE_ACCOUNT)
            again_at = tool_lists.fail(claim, error.message, is_servers=is_servers)
            self._remember(claim.connection_id, again_at)
            return False
        except BaseException:
            tool_lists.release(claim)
            raise
        self._remember(claim.connection_id, tool_lists.store(claim, listed))
        return True

    def _is_good(self, connection_id: str) -> bool:
        until = self._good_until.get(connection_id)
        return clock.is_ahead(until, tool_lists.LONGEST, at=clock.now())

    def _remember(self, connection_id: str, until: datetime | None) -> None:
        if until is None:
            self._good_until.pop(connection_id, None)
            return
        if len(self._good_until) >= _MOST:
            self._good_until.clear()
        self._good_until[connection_id] = until

    def _join(self, connection_id: str) -> tuple[threading.Event, bool]:
        with self._lock:
            flight = self._flights.get(connection_id)
            if flight is not None:
                return flight, False
            flight = self._flights[connection_id] = threading.Event()
            return flight, True

    def _land(self, connection_id: str, flight: threading.Event) -> None:
        with self._lock:
            del self._flights[connection_id]
        flight.set()


_pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="tool-lists")
REFRESHER = Refresher()


def read_now(settings: Settings, workspace_id: str, connector: Connector, connection_id: str) -> None:
    """Read what a built-in service lists for a connection that was just made, or made again."""
    server_id = built_in.id_for(workspace_id, connector)
    with database.reading() as db:
        connection = db.get(Connection, connection_id)
    if server_id is not None and connection is not None:
        REFRESHER.read(settings, server_id, connection, _CONNECTING_SECONDS)


def job(settings: Settings) -> PeriodicJob:
    """Keeps the lists of connections in use up to date."""
    return PeriodicJob("MCP tool lists", _EVERY, lambda: read_due(settings))


def read_due(settings: Settings) -> int:
    """Read the lists whose time is over, a few at once. Returns how many were read."""
    built_in.make_due()

    def read(server_id: str, connection: Connection) -> bool:
        if BREAKER.seconds_left(connection.id):
            return False
        try:
            return REFRESHER.read(settings, server_id, connection)
        except Unavailable:
            return False

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="tool-lists") as pool:
        reading = [threads.submit(pool, read, *each) for each in _due()]
        return sum(each.result() for each in reading)


def _due() -> list[tuple[str, Connection]]:
    """The connections whose list is to be read anew, with the id of their server; the oldest first."""
    now = clock.now()
    used_after = now - _USED_WITHIN
    with database.reading() as db:
        found = db.execute(
            select(col(McpServer.id), Connection)
            .join(
                Connection,
                (col(Connection.workspace_id) == col(McpServer.workspace_id))
                & (col(Connection.slug) == col(McpServer.slug)),
            )
            .join(Workspace, col(Workspace.id) == col(McpServer.workspace_id))
            .outerjoin(McpToolList, col(McpToolList.connection_id) == col(Connection.id))
            .where(
                col(Workspace.deactivated_at).is_(None),
                col(McpServer.removed_at).is_(None),
                col(Connection.state) == connection_state.CONNECTED,
                or_(col(Connection.last_used_at) > used_after, col(Connection.connected_at) > used_after),
                or_(col(McpToolList.expires_at).is_(None), col(McpToolList.expires_at) <= now),
            )
            .order_by(col(McpToolList.expires_at).asc().nulls_first())
            .limit(_MOST_AT_ONCE)
        )
        return [(server_id, connection) for server_id, connection in found]
