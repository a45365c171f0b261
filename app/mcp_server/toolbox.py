"""The toolbox: every tool as clients see it, prebuilt from the connectors and completed per caller from few
rows.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from app.connectors import schemas
from app.connectors.connector import Connector
from app.connectors.services import services_of
from app.connectors.tool import Tool
from app.mcp_server import account_choice, envelope, icons
from app.mcp_server.tools import (
    active_business,
    compact,
    connections,
    debugging,
    long_answers,
    summaries,
)
from app.mcp_server.tools.spec import BuiltIn, ListedTool, within_reach
from app.memory import tools as memory
from app.oauth_server import scopes
from app.oauth_server.callers import AuthenticatedCaller
from app.vault.labels import names_of
from app.vault.models import Connection

_BUILT_IN = (
    *connections.TOOLS,
    active_business.TOOL,
    *long_answers.TOOLS,
    *(BuiltIn(tool.verb, tool, scopes.READ if tool.reads_only else scopes.WRITE) for tool in memory.TOOLS),
)

_CURSOR = {"type": "string", "description": "`next_cursor` of the last answer; other arguments unchanged."}


@lru_cache(maxsize=512)
def _list_ours(built_in: BuiltIn) -> ListedTool:
    wire = _wire(built_in.name, built_in.tool, None)
    return ListedTool(
        built_in.name,
        built_in.tool,
        None,
        built_in.scope,
        wire,
        built_in.also,
        built_in.is_offered,
        built_in.for_operators,
        built_in.for_debugging,
    )


def _list(connector: Connector, tool: Tool) -> ListedTool:
    name = tool.name_in(connector.slug)
    narrow = next((scope for scope in tool.needs_scopes if scope in scopes.NARROW), None)
    # which of FlowPOS' scopes one of its more tools belongs to is not known
    is_flowpos = connector.workspace_id is None and connector.slug == scopes.NARROW_SERVICE
    return ListedTool(
        name,
        tool,
        connector,
        narrow or (scopes.READ if tool.reads_only else scopes.WRITE),
        _wire(name, tool, connector),
        also=(scopes.join(scopes.NARROW),) if is_flowpos and narrow is None else (),
    )


def _wire(name: str, tool: Tool, connector: Connector | None) -> dict[str, Any]:
    parameters = schemas.of_arguments(tool.input_schema)
    properties = parameters["properties"]
    if tool.pages_by:
        if properties[tool.pages_by].get("type") != "integer":
            del properties[tool.pages_by]  # the service's own token: ours is the cursor
        properties["cursor"] = _CURSOR
    if connector is not None and (business := connector.business) is not None and tool.one_business:
        properties[business.name] = {
            "type": "integer" if business.type is int else "string",
            "description": f"{business.takes} of the {business.word}; default: the active one.",
        }
    return {
        "name": name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": parameters,
        "outputSchema": envelope.schema(tool.data_schema, reads_only=tool.reads_only),
        "annotations": {
            "readOnlyHint": tool.reads_only,
            "destructiveHint": tool.destructive,
            "idempotentHint": tool.idempotent,
            "openWorldHint": tool.open_world,
        },
    }


@lru_cache(maxsize=512)
def _prepared(connector: Connector) -> Mapping[str, ListedTool]:
    """The connector's tools by full name, built once.

    Cached by identity of the connector: two workspaces may have different services of one slug, and each
    change of a service creates another object.
    """
    return {
        listed.name: listed
        for listed in map(partial(_list, connector), (*connector.tools, *connector.withheld))
    }


class Toolbox:
    """Every tool. One per process, created at start."""

    def __init__(self, *, debug_tools: bool = False, public_url: str = "") -> None:
        self._public_url = public_url
        ours = (*_BUILT_IN, *debugging.TOOLS) if debug_tools else _BUILT_IN
        self._builtin = {built_in.name: _list_ours(built_in) for built_in in ours}
        self._summaries = {built_in.name: _list_ours(built_in) for built_in in summaries.TOOLS}
        self._compact = {built_in.name: _list_ours(built_in) for built_in in compact.TOOLS}
        for connector in services_of(None):
            _prepared(connector)

    def _of(self, connector: Connector) -> Mapping[str, ListedTool]:
        """The connector's tools by full name, except one workspace's that are withheld or have the name of a
        built-in.
        """
        prepared = _prepared(connector)
        if connector.workspace_id is None and connector.extends is None:
            return prepared
        return {
            name: listed
            for name, listed in prepared.items()
            if not self.is_built_in(name) and not listed.tool.unavailable
        }

    def is_built_in(self, name: str) -> bool:
        """Whether the tool of that name belongs to no service."""
        return name in self._builtin or name in self._summaries or name in self._compact

    def add(self, *tools: BuiltIn) -> None:
        """Adds tools of a package above this one, at start."""
        self._builtin.update({built_in.name: _list_ours(built_in) for built_in in tools})

    def own_tools(self) -> tuple[ListedTool, ...]:
        """The tools that belong to no service, as any AI client may see them."""
        ours = (*self._builtin.values(), *self._summaries.values())
        return tuple(listed for listed in ours if not listed.for_operators)

    def tools_of(self, connector: Connector) -> tuple[ListedTool, ...]:
        """The connector's tools, in its order."""
        return tuple(self._of(connector).values())

    def find(
        self, workspace_id: str, name: str, *, in_compact_mode: bool = False, debugging: bool = False
    ) -> ListedTool | None:
        """The tool of that full name in the workspace, or None. Tools for debugging are found only with
        `debugging`.
        """
        if in_compact_mode and name in self._compact:
            return self._compact[name]
        if (listed := self._builtin.get(name) or self._summaries.get(name)) is not None:
            return listed if debugging or not listed.for_debugging else None
        known = services_of(workspace_id).find_tool(name)
        return _prepared(known[0])[name] if known is not None else None

    def own_service(self, workspace_id: str, listed: ListedTool, arguments: Mapping[str, Any]) -> str:
        """The slug of the service that a call with these arguments goes to, if it is one that the workspace
        brought itself; else "".
        """
        target = compact.target_of(listed, arguments)
        called = self.find(workspace_id, target) if target else listed
        connector = called.connector if called else None
        return connector.slug if connector is not None and connector.workspace_id is not None else ""

    def listing(
        self, caller: AuthenticatedCaller, connections: Sequence[Connection], hub_url: str
    ) -> list[dict[str, Any]]:
        """The entries of tools/list for this caller: exactly what may be called now, in the catalogue's
        order.
        """
        if not caller.workspace_active:
            return self._ours(self._of_operators(), caller, connections)
        return self._ours(self._builtin, caller, connections) + self.of_services(caller, connections, hub_url)

    def of_services(
        self, caller: AuthenticatedCaller, connections: Sequence[Connection], hub_url: str
    ) -> list[dict[str, Any]]:
        """The listing's part from connected services, summaries across them first."""
        by_slug: dict[str, list[Connection]] = defaultdict(list)
        for connection in connections:
            if caller.selection.includes(connection.id):
                by_slug[connection.slug].append(connection)
        found = self._ours(self._summaries, caller, connections)
        for connector in services_of(caller.workspace_id):
            if (own := by_slug.get(connector.slug)) is None:
                continue
            labels = names_of(own)
            entries = []
            for listed in self._of(connector).values():
                usable = [
                    c for c in own if account_choice.refusal(connector, listed.tool, c, hub_url) is None
                ]
                if usable and listed.is_covered(caller) and listed.is_selected(caller):
                    entries.append(
                        _with_account(listed, [labels[c.id] for c in usable])
                        if len(labels) > 1
                        else dict(listed.wire)
                    )
            found += self._with_icon(entries, connector)
        return found

    def _with_icon(self, entries: list[dict[str, Any]], connector: Connector) -> list[dict[str, Any]]:
        """A service's entries, the first with its icon: on each it would cost as much as a whole service."""
        icon = icons.of_service(self._public_url, connector.slug)
        if not entries or not icon:
            return entries
        return [{**entries[0], "icons": icon}, *entries[1:]]

    def everything(self, workspace_id: str) -> list[dict[str, Any]]:
        """The entries of all tools in the workspace, as if every service were connected."""
        ours = (listed for listed in self._builtin.values() if not listed.for_operators)
        found = [dict(listed.wire) for listed in (*ours, *self._summaries.values())]
        for connector in services_of(workspace_id):
            entries = [dict(listed.wire) for listed in self._of(connector).values()]
            found += self._with_icon(entries, connector)
        return found

    def argument_names(self, workspace_id: str) -> frozenset[str]:
        """The names of the arguments of all tools in the workspace."""
        return frozenset(
            name for wire in self.everything(workspace_id) for name in wire["inputSchema"]["properties"]
        )

    def compact_listing(
        self, caller: AuthenticatedCaller, connections: Sequence[Connection]
    ) -> list[dict[str, Any]]:
        """The entries of tools/list in compact mode: the tools that find and call the others, and the
        built-in ones.
        """
        tools = self._compact | self._builtin if caller.workspace_active else self._of_operators()
        return [compact.brief(wire) for wire in self._ours(tools, caller, connections)]

    def _of_operators(self) -> Mapping[str, ListedTool]:
        """The tools with which an operator's key leaves a deactivated workspace."""
        return {name: listed for name, listed in self._builtin.items() if listed.for_operators}

    def _ours(
        self, tools: Mapping[str, ListedTool], caller: AuthenticatedCaller, connections: Sequence[Connection]
    ) -> list[dict[str, Any]]:
        """The entries of built-in tools."""
        reached = within_reach(caller, connections)
        return [
            dict(one.wire)
            for one in tools.values()
            if one.is_for(caller)
            and one.is_covered(caller)
            and one.is_selected(caller)
            and one.is_offered(reached)
        ]


def _with_account(listed: ListedTool, names: list[str]) -> dict[str, Any]:
    """The entry with the `account` argument, which a service gains with its second connection."""
    parameters = listed.wire["inputSchema"]
    account = {"type": "string", "enum": names, "description": "Which connected account to use."}
    required = [*parameters.get("required", []), *([] if listed.tool.reads_only else ["account"])]
    schema = {**parameters, "properties": {**parameters["properties"], "account": account}}
    return {**listed.wire, "inputSchema": {**schema, "required": required} if required else schema}
