"""How a tool that belongs to no service is declared, and what it works with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.config import Settings
from app.connectors.api import UpstreamCall
from app.connectors.connector import Connector
from app.connectors.tool import Tool
from app.mcp_server.service_offers import Offered
from app.oauth_server import scopes
from app.oauth_server.callers import Caller
from app.vault.models import Connection


@dataclass
class Hub:
    """What a built-in tool works with: the caller, what they may see, and a note for the envelope's
    message.
    """

    settings: Settings
    hub_url: str
    offered: Callable[[], Sequence[Offered]]
    caller: Caller
    connections: Sequence[Connection]
    make_link: Callable[[Connector], str]
    # those this caller may call now, as tools/list has them
    services_tools: Callable[[], list[dict[str, Any]]]
    find: Callable[[str], "Listed | None"]  # any tool by its name
    note: str = ""
    # counts the call against the limits: before it asks a service anything
    admit: Callable[[], None] = lambda: None
    cancelled: Callable[[], bool] = lambda: False
    report: Callable[[float, float | None, str], None] = lambda done, total, text: None
    calls: list[UpstreamCall] = field(default_factory=list)  # what services were asked on the way
    waited_ms: float = 0.0  # for all of them; several may be asked at once
    asked: list[str] = field(default_factory=list)  # ids of the connections that were asked
    used: list[str] = field(default_factory=list)  # and of those that answered

    def say(self, sentence: str) -> None:
        """What the call did, for `message` in the envelope."""
        self.note = sentence


@dataclass(frozen=True)
class BuiltIn:
    """A tool that belongs to no service. Its function takes the `Hub` first.

    A token with one of the narrower scopes in `also` may call it too; the `Hub` then holds only what those
    reach.
    """

    name: str
    tool: Tool
    scope: str = scopes.READ
    also: tuple[str, ...] = ()
    is_offered: Callable[[Sequence[Connection]], bool] = lambda connections: True
    # for operators' API keys alone; works also while the key's workspace is deactivated, and is not limited
    for_operators: bool = False


@dataclass(frozen=True)
class Listed:
    """A tool under its full name. `wire` is its entry in tools/list, apart from what depends on the
    caller.
    """

    name: str
    tool: Tool
    connector: Connector | None  # None: a tool of ours
    scope: str
    wire: Mapping[str, Any]
    also: tuple[str, ...] = ()  # further scopes, each of which is enough
    is_offered: Callable[[Sequence[Connection]], bool] = lambda connections: True
    for_operators: bool = False  # only for an operator's API key

    def is_for(self, caller: Caller) -> bool:
        """Whether it is a tool for this kind of caller at all."""
        return caller.is_operator_key or not self.for_operators

    def is_covered(self, caller: Caller) -> bool:
        """Whether the caller's token allows it."""
        return scopes.covers(caller.scopes, self.scope) or not caller.scopes.isdisjoint(self.also)

    def needed_scopes(self, caller: Caller) -> tuple[str, ...]:
        """Every scope a token needs to call it: ours, or beside what it holds FlowPOS' own where it holds
        only such.
        """
        if scopes.is_narrow(caller.scopes):
            return (*(name for name in scopes.NARROW if name in caller.scopes), self.scope)
        return scopes.DEFAULT if self.scope in {scopes.WRITE, scopes.POS_WRITE} else (scopes.READ,)


def within_reach(caller: Caller, connections: Sequence[Connection]) -> list[Connection]:
    """The connections of services that the caller's scopes reach."""
    return [connection for connection in connections if scopes.reaches(caller.scopes, connection.slug)]
