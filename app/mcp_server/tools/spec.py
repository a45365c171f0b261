"""How a built-in tool is declared, and its context."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.config import Settings
from app.connectors.connector import Connector
from app.connectors.request import UpstreamCall
from app.connectors.tool import Tool
from app.mcp_server.service_offers import Offered
from app.oauth_server import scopes
from app.oauth_server.callers import AuthenticatedCaller
from app.vault.models import Connection


@dataclass
class ToolContext:
    """The context of a built-in tool: the caller, what they may see, and a note for the envelope's
    message.
    """

    settings: Settings
    hub_url: str
    offered: Callable[[], Sequence[Offered]]
    caller: AuthenticatedCaller
    connections: Sequence[Connection]
    make_link: Callable[[Connector], str]
    # the entries of tools/list from services, for this caller
    services_tools: Callable[[], list[dict[str, Any]]]
    find: Callable[[str], "ListedTool | None"]  # any tool by its name
    # slugs of services that are connected, but not selected for this AI client
    not_selected: frozenset[str] = frozenset()
    note: str = ""
    # counts the call against the limits; called before any request to a service
    admit: Callable[[], None] = lambda: None
    cancelled: Callable[[], bool] = lambda: False
    report: Callable[[float, float | None, str], None] = lambda done, total, text: None
    calls: list[UpstreamCall] = field(default_factory=list)  # the requests to services
    waited_ms: float = 0.0  # in all; requests may be concurrent
    called: list[str] = field(default_factory=list)  # ids of the connections that were called
    used: list[str] = field(default_factory=list)  # and of those that responded
    forward: "ForwardedCall | None" = None  # the call to make in its place (compact mode)

    def say(self, sentence: str) -> None:
        """Sets the note for `message` in the envelope."""
        self.note = sentence


@dataclass(frozen=True)
class ForwardedCall:
    """A call of another tool, made instead of this one (compact mode)."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class BuiltIn:
    """A tool that belongs to no service. It is called with the `ToolContext`.

    A token with one of the narrower scopes in `also` may call it too; the `ToolContext` then has only what
    those scopes reach.
    """

    name: str
    tool: Tool
    scope: str = scopes.READ
    also: tuple[str, ...] = ()
    is_offered: Callable[[Sequence[Connection]], bool] = lambda connections: True
    # for operators' API keys only; also works while the key's workspace is deactivated, without limits
    for_operators: bool = False
    for_debugging: bool = False  # exists only for a caller who may debug


@dataclass(frozen=True)
class ListedTool:
    """A tool under its full name. `wire` is its entry in tools/list, without what depends on the caller."""

    name: str
    tool: Tool
    connector: Connector | None  # None: a built-in tool
    scope: str
    wire: Mapping[str, Any]
    also: tuple[str, ...] = ()  # further scopes, each of which is enough (`scopes.suffice`)
    is_offered: Callable[[Sequence[Connection]], bool] = lambda connections: True
    for_operators: bool = False  # only for an operator's API key
    for_debugging: bool = False  # exists only for a caller who may debug

    def is_for(self, caller: AuthenticatedCaller) -> bool:
        """Whether the tool is for this kind of caller at all."""
        return (caller.is_operator_key or not self.for_operators) and (
            caller.may_debug or not self.for_debugging
        )

    def is_covered(self, caller: AuthenticatedCaller) -> bool:
        """Whether the caller's token allows it."""
        return scopes.suffice(caller.scopes, self.scope, self.also)

    @property
    def is_write(self) -> bool:
        """Whether it changes something. Links to connect and the active business are the client's own
        business, so a client that only reads has them.
        """
        return not self.tool.reads_only and (
            self.connector is not None or self.scope in {scopes.WRITE, scopes.POS_WRITE}
        )

    def is_selected(self, caller: AuthenticatedCaller) -> bool:
        """Whether the tool is among those selected for this AI client."""
        selection = caller.selection
        return not (self.is_write and selection.reading_only) and self.name not in selection.tools_off

    def needed_scopes(self, caller: AuthenticatedCaller) -> tuple[str, ...]:
        """Every scope a token needs to call it: ours; for a token with only FlowPOS' own scopes, those and
        this one.
        """
        if scopes.is_narrow(caller.scopes):
            return (*(name for name in scopes.NARROW if name in caller.scopes), self.scope)
        return scopes.DEFAULT if self.scope in {scopes.WRITE, scopes.POS_WRITE} else (scopes.READ,)


def within_reach(caller: AuthenticatedCaller, connections: Sequence[Connection]) -> list[Connection]:
    """The connections that are selected for the caller, of services that its scopes reach."""
    includes = caller.selection.includes
    return [each for each in connections if scopes.reaches(caller.scopes, each.slug) and includes(each.id)]
