"""The live check: whether a client of this person has come, in words that stay true while the page is
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
    """A client that came: under which name, when it was last heard of, and what it has to read."""

    name: str
    at: datetime
    tools: int
    tokens: int

    @property
    def is_recent(self) -> bool:
        """True within the last hour: what the person is waiting for, not what happened last week."""
        return clock.now() - self.at < _RECENT

    @property
    def seconds(self) -> int:
        """Seconds since then."""
        return max(0, int((clock.now() - self.at).total_seconds()))


def find_arrival(settings: Settings, toolbox: Toolbox, member: Member, guide: Guide) -> Arrival | None:
    """The newest sign of life of the guide's client among the member's own grants here; None while there
    is none.
    """
    with reading() as db:
        mine = [
            grant
            for grant in grants.list_for(db, member)
            if grant.revoked_at is None and belongs(grant, guide)
        ]
    if not mine:
        return None
    newest = max(mine, key=heard_at)
    # A token that nobody has used yet was only made here.
    if newest.kind != "oauth" and newest.last_used_at is None:
        return None
    tools, tokens = token_costs.listed(settings, toolbox, member, newest.scope)
    return Arrival(newest.client_name, heard_at(newest), tools, tokens)


def heard_at(grant: Grant) -> datetime:
    """When the grant's client was last heard of: at its last call, or when it was let in."""
    return grant.last_used_at or grant.created_at


def belongs(grant: Grant, guide: Guide) -> bool:
    """Whether the grant is of the guide's client; a client without sign-in brings any token made by hand."""
    if guide.matches is None:
        return grant.kind == "personal"
    return grant.kind == "oauth" and re.search(guide.matches, grant.client_name.casefold()) is not None
