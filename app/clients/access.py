"""The rows of what has access: one per client of a person, however often that client signed in.

Two computers with the same program cannot be told apart from one that signed in twice, so none ends the
other; "Revoke" on the row ends them all.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from app.crypto import digest
from app.oauth_server import scopes
from app.oauth_server.grants import is_same_client
from app.oauth_server.models import Grant
from app.oauth_server.selections import Selection


@dataclass
class AccessRow:
    """Grants of one client to one person, the newest first; or one token made by hand."""

    grants: list[Grant]

    @property
    def newest(self) -> Grant:
        """The grant whose id the row's form carries."""
        return self.grants[0]

    @property
    def scopes(self) -> frozenset[str]:
        """What any of them may do."""
        return frozenset(name for grant in self.grants for name in grant.scope.split())

    @property
    def access(self) -> str:
        """What it can do, in short."""
        reading_only = Selection.of_json(self.newest.selection).reading_only
        if scopes.WRITE in self.scopes:
            return "Read only" if reading_only else "Read and write"
        return "Read" if scopes.READ in self.scopes else ", ".join(scopes.describe(" ".join(self.scopes)))

    @property
    def is_narrowed(self) -> bool:
        """True when it sees a selection of the connections and tools."""
        return not Selection.of_json(self.newest.selection).is_everything

    @property
    def hosts(self) -> str:
        """The hosts they return to."""
        return ", ".join(dict.fromkeys(grant.redirect_host for grant in self.grants))

    @property
    def last_used_at(self) -> datetime | None:
        """When any of them was last used."""
        return max((grant.last_used_at for grant in self.grants if grant.last_used_at), default=None)

    def takes(self, grant: Grant) -> bool:
        """Whether the grant belongs in this row. Those that ended stay apart by the reason they ended for."""
        return any(
            is_same_client(grant, held) and grant.revoked_reason == held.revoked_reason
            for held in self.grants
            if (grant.revoked_at is None) == (held.revoked_at is None)
        )


@dataclass(frozen=True)
class AccessList:
    """The list of what has access, as one person sees it."""

    rows: tuple[AccessRow, ...]
    people: dict[str, str]  # user id -> email address, of those whose grants are listed
    shows_all: bool

    @property
    def version(self) -> str:
        """Changes when a row comes, ends or is used for the first time."""
        state = [
            (grant.id, grant.revoked_at is None, grant.last_used_at is None)
            for row in self.rows
            for grant in row.grants
        ]
        return digest(repr(state))[:16]


def rows(grants: Iterable[Grant]) -> tuple[AccessRow, ...]:
    """The rows in the order of their newest grants."""
    found: list[AccessRow] = []
    for grant in grants:
        row = next((row for row in found if row.takes(grant)), None)
        if row is None:
            found.append(AccessRow([grant]))
        else:
            row.grants.append(grant)
    return tuple(found)
