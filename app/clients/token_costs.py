"""How many tokens the tool list costs an AI client to read, for the page that offers compact mode."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.clients.limits import ClientLimits, too_many_for
from app.config import Settings
from app.connectors.rows import size_in_tokens
from app.connectors.services import services_of
from app.mcp_server import member_caller
from app.mcp_server.toolbox import Toolbox
from app.oauth_server import scopes
from app.oauth_server.callers import AuthenticatedCaller
from app.oauth_server.models import Grant
from app.oauth_server.rfc8707_resource import COMPACT_QUERY
from app.oauth_server.selections import Selection
from app.vault.models import Connection
from app.vault.visible_connections import visible_to
from app.workspaces.guard import Member


@dataclass(frozen=True)
class ListingCost:
    """One listing of the tools: its address, and about how many tokens it takes now and at most."""

    name: str
    url: str
    about: str
    now: int
    at_most: int


@dataclass(frozen=True)
class TokenCosts:
    """Both listings, and how much there is to list."""

    choices: tuple[ListingCost, ListingCost]
    services: int
    tools: int
    listed: int  # tools in the full list now
    too_many_for: tuple[ClientLimits, ...]  # clients that cannot take that many


def weigh(settings: Settings, toolbox: Toolbox, member: Member) -> TokenCosts:
    """What this member's AI clients read at the start, with a token that may write."""
    caller = member_caller.of_member(settings, member)
    connections = visible_to(member.workspace.id, member.user.id)
    tools = toolbox.listing(caller, connections, f"{settings.public_url}/integrations")
    full = size_in_tokens(tools)
    compact = size_in_tokens(toolbox.compact_listing(caller, connections))
    services = services_of(member.workspace.id)
    everything = size_in_tokens(toolbox.everything(member.workspace.id))
    return TokenCosts(
        (
            ListingCost(
                "All tools",
                settings.mcp_url,
                "Loads every tool.",
                _about(full),
                _about(everything),
            ),
            ListingCost(
                "Compact",
                settings.mcp_url + COMPACT_QUERY,
                "Finds tools by search: one extra step per task, for clients that load the whole list.",
                _about(compact),
                _about(compact),
            ),
        ),
        len(services),
        sum(len(connector.tools) for connector in services),
        len(tools),
        too_many_for(len(tools)),
    )


@dataclass(frozen=True)
class ListPrice:
    """How many tools an AI client lists, and about how many tokens it reads of them."""

    tools: int
    tokens: int


def price(
    settings: Settings,
    toolbox: Toolbox,
    caller: AuthenticatedCaller,
    connections: Sequence[Connection],
    selection: Selection | None = None,
) -> ListPrice:
    """What this caller's list of tools costs; with a `selection` in place of the caller's own."""
    if selection is not None:
        caller = replace(caller, selection=selection)
    tools = toolbox.listing(caller, connections, f"{settings.public_url}/integrations")
    return ListPrice(len(tools), _about(size_in_tokens(tools)))


def listed(settings: Settings, toolbox: Toolbox, member: Member, grant: Grant | None = None) -> ListPrice:
    """What an AI client of this member lists: with everything that it may get, or with that grant."""
    caller = member_caller.of_member(settings, member)
    if grant is not None:
        chosen = Selection.of_json(grant.selection)
        caller = replace(caller, scopes=scopes.split(grant.scope), selection=chosen)
    return price(settings, toolbox, caller, visible_to(member.workspace.id, member.user.id))


def _about(tokens: int) -> int:
    """Rounded up to the next hundred: it is an estimate."""
    return -(-tokens // 100) * 100
