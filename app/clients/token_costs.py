"""How many tokens the tool list costs an AI client to read, for the page that offers compact mode."""

from dataclasses import dataclass, replace
from datetime import timedelta

from app import clock
from app.clients.limits import ClientLimits, too_many_for
from app.config import Settings
from app.connectors.rows import size_in_tokens
from app.connectors.services import services_of
from app.mcp_server.toolbox import Toolbox
from app.oauth_server import scopes
from app.oauth_server.callers import AuthenticatedCaller
from app.oauth_server.rfc8707_resource import COMPACT_QUERY
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
    caller, connections = _as_caller(settings, member), visible_to(member.workspace.id, member.user.id)
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
                "Every tool is in view at once.",
                _about(full),
                _about(everything),
            ),
            ListingCost(
                "Compact",
                settings.mcp_url + COMPACT_QUERY,
                "Tools are searched first and then called: one step more, for clients that load the whole "
                "list.",
                _about(compact),
                _about(compact),
            ),
        ),
        len(services),
        sum(len(connector.tools) for connector in services),
        len(tools),
        too_many_for(len(tools)),
    )


def listed(settings: Settings, toolbox: Toolbox, member: Member, scope: str) -> tuple[int, int]:
    """How many tools a client of this member with that scope sees, and about how many tokens they take."""
    caller = replace(_as_caller(settings, member), scopes=scopes.split(scope))
    tools = toolbox.listing(
        caller, visible_to(member.workspace.id, member.user.id), f"{settings.public_url}/integrations"
    )
    return len(tools), _about(size_in_tokens(tools))


def _about(tokens: int) -> int:
    """Rounded up to the next hundred: it is an estimate."""
    return -(-tokens // 100) * 100


def _as_caller(settings: Settings, member: Member) -> AuthenticatedCaller:
    """The member as the caller of one of their AI clients."""
    workspace = member.workspace
    return AuthenticatedCaller(
        grant_id="",
        kind="oauth",
        user_id=member.user.id,
        email=member.user.email,
        workspace_id=workspace.id,
        workspace_name=workspace.name,
        workspace_active=True,
        tier=workspace.tier,
        per_minute=workspace.per_minute,
        per_day=workspace.per_day,
        role=member.role,
        client_id=None,
        client_name="",
        scopes=frozenset(scopes.DEFAULT),
        audience=settings.mcp_url,
        expires_at=clock.now() + timedelta(days=1),
        active_businesses={},
    )
