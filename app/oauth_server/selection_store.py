"""Stores selections on grants. A client that signed in several times has one selection: it is one client to
its person, so all its grants follow.
"""

from typing import Any

from sqlalchemy import and_, or_, select, update
from sqlmodel import Session, col

from app import audit
from app.oauth_server.grants import of_same_client
from app.oauth_server.models import Flow, Grant
from app.oauth_server.redirects import host_of
from app.oauth_server.selections import EVERYTHING, Selection
from app.vault import store
from app.workspaces.guard import Member


def find_earlier(
    db: Session, member: Member, client_id: str, client_name: str, redirect_uri: str
) -> Selection:
    """What this person selected for the client in this workspace before. Without a grant here, what the
    consent elsewhere said of writing and tools; ids of one workspace say nothing in another.

    Matches clients as `grants.is_same_client` does.
    """
    here = col(Grant.workspace_id) == member.workspace.id
    described = and_(col(Grant.client_name) == client_name, col(Grant.redirect_host) == host_of(redirect_uri))
    found = db.scalars(
        select(Grant)
        .where(
            col(Grant.user_id) == member.user.id,
            col(Grant.kind) == "oauth",
            col(Grant.revoked_at).is_(None),
            or_(col(Grant.client_id) == client_id, described),
        )
        .order_by(here.desc(), col(Grant.created_at).desc())
        .limit(1)
    ).first()
    if found is None:
        return EVERYTHING
    before = Selection.of_json(found.selection)
    if found.workspace_id == member.workspace.id:
        return before
    return Selection(None, before.reading_only, before.tools_off)


def of_finished(db: Session, flow: Flow, member: Member, before: Selection) -> Selection:
    """The selection of the grant that a flow ends in; `before` is what the client has in this workspace now.

    What the person connected during the flow was connected for this client, so a chosen list gains it. Ids of
    one workspace say nothing in another: whoever changed workspace meanwhile selected no connections there.
    A flow that asked nothing takes what is selected now: that may have been narrowed meanwhile.
    """
    chosen = before if flow.allowed_at == flow.created_at else Selection.of_json(flow.selection)
    if flow.workspace_id != member.workspace.id:
        return Selection(before.connections, chosen.reading_only or before.reading_only, before.tools_off)
    if chosen.connections is None:
        return chosen
    added = {
        connection.id
        for connection in store.visible(db, member.workspace.id, member.user.id)
        if connection.owner_id == member.user.id and connection.connected_at >= flow.created_at
    }
    return Selection(chosen.connections | added, chosen.reading_only, chosen.tools_off)


def expected(db: Session, flow: Flow, member: Member) -> Selection:
    """What the client would see if the flow ended now."""
    before = find_earlier(db, member, flow.client_id, flow.client_name, flow.redirect_uri)
    return of_finished(db, flow, member, before)


def include(db: Session, member: Member, grant_id: str, connection_id: str) -> None:
    """Adds a connection that the member made for one of their AI clients, if that has a chosen list."""
    grant = db.get(Grant, grant_id) if grant_id else None
    if grant is None or (grant.user_id, grant.workspace_id) != (member.user.id, member.workspace.id):
        return
    before = Selection.of_json(grant.selection)
    if before.connections is not None and not before.includes(connection_id):
        chosen = Selection(before.connections | {connection_id}, before.reading_only, before.tools_off)
        save(db, grant, chosen, by=member.user.id)


def save(db: Session, grant: Grant, selection: Selection, *, by: str) -> None:
    """Stores the selection on every grant of the client; it applies from the next request. `by` is the user
    id for the audit trail.
    """
    before = Selection.of_json(grant.selection)
    which = (
        col(Grant.user_id) == grant.user_id,
        col(Grant.workspace_id) == grant.workspace_id,
        col(Grant.revoked_at).is_(None),
        of_same_client(grant),
    )
    db.execute(update(Grant).where(*which).values(selection=selection.as_json()))
    if selection != before:
        details: dict[str, Any] = {
            "client": grant.client_name,
            "connections": "all" if selection.connections is None else str(len(selection.connections)),
            "reading_only": selection.reading_only,
            "tools_off": len(selection.tools_off),
        }
        audit.record(db, "grant.selection_changed", **audit.about(grant, by), **details)
