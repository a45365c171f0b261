"""What owners and admins decide about a server and its tools, from its page.

A decision is about the definition that was on the page: its digest comes with the press, and a definition
that changed meanwhile is not allowed by it.
"""

from collections.abc import Collection, Mapping

from sqlmodel import Session

from app import audit, database
from app.connectors.rows import plain
from app.errors import InvalidInput
from app.federation import changes, lookup, pins, policy
from app.federation.definitions import may_only_read
from app.federation.models import McpServer, McpServerTool
from app.vault import labels
from app.workspaces.guard import Member


class DefinitionChanged(InvalidInput):
    """What waits is not what the person saw."""

    code = "DEFINITION_CHANGED"
    status = 409
    message = (
        "The server changed a tool after you opened this page, so nothing was allowed. Review the tools "
        "again."
    )


def allow(member: Member, slug: str, seen: Mapping[str, str], reads_only: Collection[str] = ()) -> int:
    """Allow tools by name, each with the digest of the definition that was displayed. Returns how many.

    `reads_only` are those whose word that they only read is accepted. Raises Forbidden, NotFound,
    DefinitionChanged.
    """
    with database.transaction() as db:
        server = _changeable(db, member, slug)
        known = {row.name: row for row in lookup.tools_of(db, server)}
        if any(name not in known or digest != _digest_of(known[name]) for name, digest in seen.items()):
            raise DefinitionChanged()
        live = pins.approve(db, server, set(seen), reads_only=reads_only, by=member.user.id)
        if len(live) != len(seen):
            raise DefinitionChanged()
        return len(live)


def turn_off(member: Member, slug: str, name: str) -> None:
    """Take a tool from AI clients, or keep it from them. Raises Forbidden, NotFound."""
    with database.transaction() as db:
        pins.turn_off(db, _changeable(db, member, slug), [name], member.user.id)


def accept_reading(member: Member, slug: str, name: str, *, accepted: bool) -> None:
    """Whether an allowed tool counts as reading only. Raises Forbidden, NotFound, InvalidInput."""
    with database.transaction() as db:
        server = _changeable(db, member, slug)
        row = next((each for each in lookup.tools_of(db, server) if each.name == name), None)
        if row is None or row.definition is None or not (may_only_read(row.definition) or not accepted):
            raise InvalidInput(
                "The server doesn't mark this tool as only reading, so it needs write permission."
            )
        if row.reads_only != accepted:
            row.reads_only = accepted
            changes.touch(db, server.workspace_id)
            action = "mcp_server.reads_accepted" if accepted else "mcp_server.reads_withdrawn"
            by = audit.about(server, member.user.id)
            audit.record(db, action, **by, slug=slug, tools=f"{slug}_{row.verb}")


def rename(member: Member, slug: str, name: str) -> None:
    """Rename a server; its slug and the names of its tools stay. Raises Forbidden, NotFound, InvalidInput."""
    with database.transaction() as db:
        policy.check_manages(member)
        server = lookup.get_added(db, member.workspace.id, slug, lock=True)
        before, server.name = server.name, checked_name(name)
        if before != server.name:
            changes.touch(db, server.workspace_id)
            by = audit.about(server, member.user.id)
            audit.record(db, "mcp_server.renamed", **by, slug=slug, before=before, name=server.name)


def checked_name(name: str) -> str:
    """A server's name as people may write it. AI clients read it, so it is a name and no sentence.

    Raises InvalidInput.
    """
    wanted = " ".join(str(plain(name)).split())
    if not wanted:
        raise InvalidInput("Enter a name for the server.")
    if not labels.is_plain(wanted):
        raise InvalidInput(
            f"Use up to {labels.LONGEST} letters, digits, spaces and the punctuation of names, such as & and "
            "-."
        )
    return wanted


def _changeable(db: Session, member: Member, slug: str) -> McpServer:
    policy.check_manages(member)
    return lookup.get_server(db, member.workspace.id, slug, lock=True)


def _digest_of(row: McpServerTool) -> str:
    return row.offered_digest or row.digest
