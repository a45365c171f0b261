"""The live check: whether a client of this person has connected, in words that stay true while the page is
open.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from app import clock
from app.clients import token_costs
from app.clients.guides import Guide
from app.config import Settings
from app.database import reading
from app.mcp_server.toolbox import Toolbox
from app.oauth_server import grants
from app.oauth_server.models import Grant
from app.workspaces.guard import Member

_RECENT = timedelta(hours=1)


@dataclass(frozen=True)
class Arrival:
    """A client that connected: its name, when it was last active, and the size of its tool list."""

    name: str
    at: datetime
    tools: int
    tokens: int

    @property
    def is_recent(self) -> bool:
        """True within the last hour: what the person waits for now, not what happened last week."""
        return clock.now() - self.at < _RECENT

    @property
    def seconds(self) -> int:
        """Seconds since then."""
        return max(0, int((clock.now() - self.at).total_seconds()))


def find_arrival(settings: Settings, toolbox: Toolbox, member: Member, guide: Guide) -> Arrival | None:
    """The latest activity of the guide's client among the member's own grants here, or None."""
    with reading() as db:
        mine = [
            grant
            for grant in grants.list_for(db, member)
            if grant.revoked_at is None and belongs(grant, guide)
        ]
    if not mine:
        return None
    newest = max(mine, key=heard_at)
    # An unused personal token was only issued here.
    if newest.kind != "oauth" and newest.last_used_at is None:
        return None
    cost = token_costs.listed(settings, toolbox, member, newest)
    return Arrival(newest.client_name, heard_at(newest), cost.tools, cost.tokens)


def heard_at(grant: Grant) -> datetime:
    """When the grant's client last made a call, or else when the grant was created."""
    return grant.last_used_at or grant.created_at


def belongs(grant: Grant, guide: Guide) -> bool:
    """Whether the grant is of the guide's client; a client without OAuth uses any personal token."""
    if guide.matches is None:
        return grant.kind == "personal"
    return grant.kind == "oauth" and re.search(guide.matches, grant.client_name.casefold()) is not None
