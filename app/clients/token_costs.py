"""What the list of tools costs an AI client to read, for the page that offers the choice."""

from dataclasses import dataclass, replace
from datetime import timedelta

from app import clock
from app.config import Settings
from app.connectors import registry
from app.connectors.tool import size_in_tokens
from app.mcp_server.toolbox import Toolbox
from app.oauth_server import scopes
from app.oauth_server.callers import Caller
from app.oauth_server.rfc8707_resource import COMPACT_QUERY
from app.vault.visible_connections import seen_by
from app.workspaces.guard import Member


@dataclass(frozen=True)
class Choice:
    """One way to list the tools: its address, and about how many tokens it takes now and with every
    service connected.
    """

    name: str
    url: str
    about: str
    now: int
    at_most: int


@dataclass(frozen=True)
class Costs:
    """The choices, and how much there is to list."""

    choices: tuple[Choice, Choice]
    services: int
    tools: int


def weigh(settings: Settings, toolbox: Toolbox, member: Member) -> Costs:
    """What this member's AI clients read at the start, with a token that may write."""
    caller, connections = _as_caller(settings, member), seen_by(member.workspace.id, member.user.id)
    full = size_in_tokens(toolbox.listing(caller, connections, f"{settings.public_url}/integrations"))
    compact = size_in_tokens(toolbox.compact_listing(caller, connections))
    everything = size_in_tokens(toolbox.everything())
    return Costs(
        (
            Choice(
                "All tools",
                settings.mcp_url,
                "Every tool is in view at once.",
                _about(full),
                _about(everything),
            ),
            Choice(
                "Compact",
                settings.mcp_url + COMPACT_QUERY,
                "Tools are searched first and then called: one step more, for clients that load the whole "
                "list.",
                _about(compact),
                _about(compact),
            ),
        ),
        len(registry.CONNECTORS),
        sum(len(connector.tools) for connector in registry.CONNECTORS.values()),
    )


def listed(settings: Settings, toolbox: Toolbox, member: Member, scope: str) -> tuple[int, int]:
    """How many tools a client of this member with that scope sees now, and about how many tokens they
    take.
    """
    caller = replace(_as_caller(settings, member), scopes=scopes.split(scope))
    tools = toolbox.listing(
        caller, seen_by(member.workspace.id, member.user.id), f"{settings.public_url}/integrations"
    )
    return len(tools), _about(size_in_tokens(tools))


def _about(tokens: int) -> int:
    """To the next hundred: it is an estimate."""
    return -(-tokens // 100) * 100


def _as_caller(settings: Settings, member: Member) -> Caller:
    """The member as an AI client of theirs would be seen."""
    workspace = member.workspace
    return Caller(
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
