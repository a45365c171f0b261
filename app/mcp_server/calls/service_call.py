"""A call of a service's tool: prepared without contacting the service, then run."""

import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from mcp_types import CallToolRequestParams

from app.config import Settings
from app.connectors.api import Api, no_report
from app.connectors.connector import Connector
from app.connectors.rows import plain
from app.connectors.services import services_of
from app.connectors.spec import Business
from app.connectors.tool import Tool
from app.connectors.tool_output import ToolOutput
from app.errors import PermissionDenied
from app.mcp_server import account_choice, stored_answers
from app.mcp_server.calls import pagination
from app.mcp_server.calls.pagination import Cursors, PageBuilder
from app.notifications.hints import ending_hint
from app.oauth_server.callers import AuthenticatedCaller
from app.vault.access import open_api
from app.vault.claims import Snapshot
from app.vault.labels import names_of
from app.vault.models import Connection

_CALL_SECONDS = 60.0


@dataclass(frozen=True)
class PreparedCall:
    """Everything a tool call needs, checked."""

    settings: Settings
    tool: Tool
    connector: Connector
    connection: Connection
    business: Business | None
    account: str  # the connection's label
    accounts: int  # how many there are to choose from
    arguments: Mapping[str, Any]
    page_builder: PageBuilder
    user_id: str  # whose call it is
    seen: Snapshot | None = None  # the connection with its tokens, if they were read for this call

    def open(
        self,
        cancelled: Callable[[], bool] = lambda: False,
        report: Callable[[float, float | None, str], None] = no_report,
        new_key: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> Api:
        """The service's API for this call. Raises NotConnected if the service is no longer configured."""
        until = time.monotonic() + _CALL_SECONDS
        options: dict[str, Any] = {
            "deadline": until,
            "cancelled": cancelled,
            "report": report,
            "new_key": new_key,
            "seen": self.seen,
        }
        return open_api(self.settings, self.connection, business=self.business, **options)

    def run(self, api: Api) -> tuple[dict[str, Any], tuple[dict[str, Any], ...]]:
        """Calls the tool; returns the envelope with its data, and content beside it. Raises ToolError."""
        with self.connector.around_call(api, self.tool):
            self._check_unchanged()
            data = self.tool.call(api, self.arguments)
        message = self._message(api.note)
        if not isinstance(data, ToolOutput):
            return self.page_builder.envelope(data, message), ()
        keys, connection, user_id = self.settings.vault_keys, self.connection, self.user_id
        store = partial(stored_answers.store, keys, connection, user_id)
        return self.page_builder.part(data, message, store), data.blocks

    def _check_unchanged(self) -> None:
        """Raises PermissionDenied if the tool has changed since the call began: the service's list may have
        been read again.
        """
        name = self.tool.name_in(self.connector.slug)
        found = services_of(self.connection.workspace_id).find_tool(name)
        if found is not None and found[1] is self.tool:
            return
        hub_url = f"{self.settings.public_url}/integrations"
        if found is not None and (problem := account_choice.refusal(*found, self.connection, hub_url)):
            raise problem
        if found is None or found[1].version != self.tool.version:
            raise PermissionDenied(
                f"{self.connector.name} has just changed this tool. List the tools again, then call it."
            )

    def _message(self, note: str) -> str:
        used = f"{self.connector.name} account: {self.account}"
        if self.accounts > 1:
            used += f" (one of {self.accounts}; name another in `account`)"
        if self.business is not None and self.connector.business is not None:
            used += f"; {self.connector.business.word}: {plain(self.business.name)}"
        ends = ending_hint(self.settings, self.connector, self.connection)
        return " ".join(filter(None, (note, f"{used}.", f"{ends}." if ends else "")))


def prepare(
    settings: Settings,
    cursors: Cursors,
    hub_url: str,
    tool: Tool,
    connector: Connector,
    connections: Sequence[Connection],
    caller: AuthenticatedCaller,
    params: CallToolRequestParams,
    snapshots: Iterable[Snapshot] = (),
) -> PreparedCall:
    """Chooses account and business, checks permission and arguments. Raises the matching ToolError.

    `snapshots` were read with the connections.
    """
    given = dict(params.arguments or {})
    account = pagination.text(given.pop("account", None), "account")
    business_id = None
    if connector.business is not None and tool.one_business:
        business_id = pagination.text(
            given.pop(connector.business.name, None), connector.business.name, connector.business.type
        )
    connection = account_choice.account(
        connector, tool, connections, account, hub_url, business_id, caller.active_businesses
    )
    business = account_choice.business(
        connector, tool, connection, business_id, caller.active_businesses.get(connection.id)
    )
    bound_to = (
        caller.user_id,
        caller.workspace_id,
        tool.verb,
        connection.id,
        business.id if business else None,
    )
    arguments, answer = pagination.parse(tool.name_in(connector.slug), tool, given, cursors, *bound_to)
    labels = names_of(connections)
    return PreparedCall(
        settings,
        tool,
        connector,
        connection,
        business,
        labels[connection.id],
        len(connections),
        arguments,
        answer,
        caller.user_id,
        next((each for each in snapshots if each.connection is connection), None),
    )
