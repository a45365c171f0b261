"""Workspaces and their memberships."""

from sqlmodel import Session, col, select

from app import audit, clock, crypto, events
from app.accounts import sessions
from app.accounts.models import LoginSession, User
from app.errors import Forbidden, NotFound
from app.workspaces.models import Membership, Workspace

LONGEST_NAME = 100


class NotAMember(Forbidden):
    """The person no longer belongs to the workspace."""

    message = "You're no longer a member of that workspace."


def create(db: Session, name: str, owner: User) -> Workspace:
    """Create a workspace with its first member, who owns it."""
    at = clock.now()
    workspace = Workspace(id=crypto.new_id("wsp"), name=name, created_at=at)
    db.add(workspace)
    db.flush()
    db.add(Membership(workspace_id=workspace.id, user_id=owner.id, role="owner", created_at=at))
    db.flush()
    audit.record(db, "workspace.created", workspace_id=workspace.id, user_id=owner.id, subject=workspace.id)
    return workspace


def create_first(db: Session, name: str, person: User) -> Workspace:
    """Create a workspace for somebody without one; otherwise return their first. Two clicks create one."""
    db.exec(select(User.id).where(col(User.id) == person.id).with_for_update()).one()
    existing = list_of(db, person.id)
    return existing[0] if existing else create(db, name, person)


def lock(db: Session, workspace_id: str) -> Workspace:
    """Lock the workspace's row and return it, so that membership changes run one after another. Raises
    NotFound.

    Rows that refer to it (calls, connections) can still be added meanwhile.
    """
    query = select(Workspace).where(col(Workspace.id) == workspace_id).with_for_update(key_share=True)
    workspace = db.exec(query.execution_options(populate_existing=True)).first()
    if workspace is None:
        raise NotFound()
    return workspace


def join(db: Session, workspace_id: str, user_id: str, role: str) -> bool:
    """Add a member; the caller holds the lock. Returns False if they are one already: their role stays."""
    if db.get(Membership, (workspace_id, user_id), populate_existing=True) is not None:
        return False
    db.add(Membership(workspace_id=workspace_id, user_id=user_id, role=role, created_at=clock.now()))
    db.flush()
    person = db.get_one(User, user_id)
    events.announce(
        db,
        "member.joined",
        workspace_id=workspace_id,
        sentence=f"{person.name or person.email} joined the workspace.",
        user_id=user_id,
        name=person.name,
        email=person.email,
        role=role,
    )
    return True


def check_is_member(db: Session, workspace_id: str, user_id: str) -> None:
    """Raises NotAMember if a person was removed. Call it before storing the result of something started
    earlier.

    Until the transaction ends they cannot be removed either, so whoever removes them sees what was stored.
    """
    query = select(Membership.role).where(
        col(Membership.workspace_id) == workspace_id, col(Membership.user_id) == user_id
    )
    if db.exec(query.with_for_update(read=True)).first() is None:
        raise NotAMember()


def list_of(db: Session, user_id: str) -> list[Workspace]:
    """Return the workspaces a person belongs to, in the order of joining."""
    query = (
        select(Workspace)
        .join(Membership, col(Membership.workspace_id) == col(Workspace.id))
        .where(col(Membership.user_id) == user_id)
        .order_by(col(Membership.created_at), col(Workspace.id))
    )
    return list(db.exec(query))


def find_home(db: Session, user_id: str) -> str | None:
    """Return the id of the workspace a person starts in: the first they joined. None without any."""
    query = select(Membership.workspace_id).where(col(Membership.user_id) == user_id)
    return db.exec(query.order_by(col(Membership.created_at), col(Membership.workspace_id)).limit(1)).first()


def switch(db: Session, session: LoginSession, workspace_id: str) -> None:
    """Switch a session to another of its person's workspaces. Raises NotFound for any other id."""
    if db.get(Membership, (workspace_id, session.user_id)) is None:
        raise NotFound()
    sessions.switch(db, session, workspace_id)
