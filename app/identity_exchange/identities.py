"""Links a Firebase login to a person, and chooses the workspace they work in."""

from sqlalchemy import delete, select
from sqlmodel import Session, col

from app import audit, clock
from app.accounts import addresses, people
from app.accounts.models import User
from app.database import upsert_into
from app.errors import Forbidden
from app.identity_exchange.firebase_tokens import Identity
from app.identity_exchange.models import FirebaseIdentity
from app.oauth_server import grants, scopes
from app.oauth_server.models import Grant
from app.vault.models import Connection
from app.workspaces.models import Membership, Workspace

KIND = "identity"  # the grant kind of an exchange


class NoMembership(Forbidden):
    """No account, a disabled person, or no active workspace. The message does not say which."""

    message = (
        "This login has no active membership here. Create an account with its verified address, or ask a "
        "colleague to "
        "invite that address to their workspace. If the address had another login before, ask the operator "
        "to forget that one."
    )


def person_of(db: Session, identity: Identity) -> User:
    """The linked person; links them on the first exchange. Raises NoMembership."""
    known = select(User).join(FirebaseIdentity, col(FirebaseIdentity.user_id) == col(User.id))
    known = known.where(
        col(FirebaseIdentity.issuer) == identity.issuer, col(FirebaseIdentity.subject) == identity.subject
    )
    person = db.scalars(known).first() or _link(db, identity)
    if person is None or person.disabled_at is not None:
        raise NoMembership()
    return person


def _link(db: Session, identity: Identity) -> User | None:
    """Links the login to its verified address's account. None without one, or if it has another login."""
    try:
        email = addresses.normalise(identity.verified_email)
    except addresses.InvalidAddress:
        return None
    person = people.find_by_email(db, email)
    if person is None:
        return None
    row = {
        "issuer": identity.issuer,
        "subject": identity.subject,
        "user_id": person.id,
        "linked_at": clock.now(),
    }
    made = db.execute(
        upsert_into(FirebaseIdentity)
        .values(row)
        .on_conflict_do_nothing()
        .returning(col(FirebaseIdentity.user_id))
    )
    if made.scalar_one_or_none() is not None:
        audit.record(db, "identity.linked", user_id=person.id, subject=person.id)
        return person
    met = db.get(FirebaseIdentity, (identity.issuer, identity.subject))  # concurrently, same login
    return person if met is not None and met.user_id == person.id else None


def forget(db: Session, email: str) -> bool:
    """Unlinks the login from its person, so that the next login with this verified address can be linked, and
    revokes its grants. False if there was none.
    """
    ours = select(col(User.id)).where(col(User.email) == email)
    gone = (
        delete(FirebaseIdentity)
        .where(col(FirebaseIdentity.user_id).in_(ours))
        .returning(col(FirebaseIdentity.user_id))
    )
    met = set(db.scalars(gone))
    for user_id in met:
        for grant_id in db.scalars(
            select(col(Grant.id)).where(col(Grant.user_id) == user_id, col(Grant.kind) == KIND)
        ).all():
            grants.revoke(db, grant_id, "The operator forgot the login it was made with.")
        audit.record(db, "identity.forgotten", subject=user_id)
    return bool(met)


def workspace_of(db: Session, person: User) -> Workspace:
    """The first workspace they joined that has FlowPOS connected, else the first. Raises NoMembership."""
    active = (
        select(Workspace)
        .join(Membership, col(Membership.workspace_id) == col(Workspace.id))
        .where(col(Membership.user_id) == person.id, col(Workspace.deactivated_at).is_(None))
        .order_by(col(Membership.created_at), col(Workspace.id))
    )
    workspaces = list(db.scalars(active))
    if not workspaces:
        raise NoMembership()
    seen = (col(Connection.visibility) == "shared") | (col(Connection.owner_id) == person.id)
    slugs = select(col(Connection.workspace_id), col(Connection.slug)).where(
        col(Connection.workspace_id).in_([workspace.id for workspace in workspaces]), seen
    )
    with_it = {
        workspace_id for workspace_id, slug in db.execute(slugs) if scopes.reaches(scopes.NARROW, slug)
    }
    return next((workspace for workspace in workspaces if workspace.id in with_it), workspaces[0])
