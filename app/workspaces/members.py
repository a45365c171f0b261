"""Workspaces and who belongs to them."""

from sqlmodel import Session, col, select

from app import audit, clock, crypto
from app.accounts import sessions
from app.accounts.models import LoginSession, User
from app.errors import Forbidden, NotFound
from app.workspaces.models import Membership, Workspace

LONGEST_NAME = 100


class NotAMember(Forbidden):
    """The person does not belong to the workspace any more."""

    message = "You are no longer a member of that workspace, so nothing was kept."


def found(db: Session, name: str, owner: User) -> Workspace:
    """Make a workspace with its first member, who owns it."""
    at = clock.now()
    workspace = Workspace(id=crypto.new_id("wsp"), name=name, created_at=at)
    db.add(workspace)
    db.flush()
    db.add(Membership(workspace_id=workspace.id, user_id=owner.id, role="owner", created_at=at))
    db.flush()
    audit.record(db, "workspace.created", workspace_id=workspace.id, user_id=owner.id, subject=workspace.id)
    return workspace


def found_first(db: Session, name: str, person: User) -> Workspace:
    """Make a workspace for somebody who is in none; otherwise the first they are in. Two clicks make one."""
    db.exec(select(User.id).where(col(User.id) == person.id).with_for_update()).one()
    existing = list_of(db, person.id)
    return existing[0] if existing else found(db, name, person)


def hold(db: Session, workspace_id: str) -> Workspace:
    """The workspace as it is now, its row held: changes of who belongs to it come one after the other. Raises
    NotFound.

    Rows that refer to it (calls, connections) may still be added meanwhile.
    """
    query = select(Workspace).where(col(Workspace.id) == workspace_id).with_for_update(key_share=True)
    workspace = db.exec(query.execution_options(populate_existing=True)).first()
    if workspace is None:
        raise NotFound()
    return workspace


def join(db: Session, workspace_id: str, user_id: str, role: str) -> bool:
    """Make a person a member; the caller holds the workspace. False when they are one already: their role
    stays.
    """
    if db.get(Membership, (workspace_id, user_id), populate_existing=True) is not None:
        return False
    db.add(Membership(workspace_id=workspace_id, user_id=user_id, role=role, created_at=clock.now()))
    db.flush()
    return True


def check_belongs(db: Session, workspace_id: str, user_id: str) -> None:
    """Before something of a person is kept that was begun earlier: raises NotAMember when they were put out
    meanwhile.

    Until the transaction ends they cannot be put out either, so whoever does it sees what was kept.
    """
    query = select(Membership.role).where(
        col(Membership.workspace_id) == workspace_id, col(Membership.user_id) == user_id
    )
    if db.exec(query.with_for_update(read=True)).first() is None:
        raise NotAMember()


def list_of(db: Session, user_id: str) -> list[Workspace]:
    """The workspaces a person belongs to, the one joined first first."""
    query = (
        select(Workspace)
        .join(Membership, col(Membership.workspace_id) == col(Workspace.id))
        .where(col(Membership.user_id) == user_id)
        .order_by(col(Membership.created_at), col(Workspace.id))
    )
    return list(db.exec(query))


def find_home(db: Session, user_id: str) -> str | None:
    """The id of the workspace a person comes into when they sign in: the first they joined. None when they
    are in none.
    """
    query = select(Membership.workspace_id).where(col(Membership.user_id) == user_id)
    return db.exec(query.order_by(col(Membership.created_at), col(Membership.workspace_id)).limit(1)).first()


def switch(db: Session, session: LoginSession, workspace_id: str) -> None:
    """Let a session work in another of its person's workspaces. Raises NotFound for any other id."""
    if db.get(Membership, (workspace_id, session.user_id)) is None:
        raise NotFound()
    sessions.switch(db, session, workspace_id)
