"""Links a Firebase login to a person, and chooses the workspace they work in."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import Session, col

from app import audit
from app.accounts import addresses, linked_logins, people
from app.accounts.linked_logins import FIREBASE
from app.accounts.models import User
from app.errors import Forbidden
from app.identity_exchange.firebase_tokens import Identity
from app.oauth_server import grants, scopes
from app.vault.models import Connection
from app.workspaces.models import Membership, Workspace

KIND = grants.IDENTITY


class NoMembership(Forbidden):
    """No account, a disabled person, or no active workspace. The message does not say which."""

    message = (
        "This login has no active membership here. Create an account with its verified address, or ask a "
        "colleague to "
        "invite that address to their workspace. If the address had another login before, ask the operator "
        "to forget that one."
    )


class LoginRemoved(NoMembership):
    """The person removed this login from their account. Only they can allow it again, signed in."""

    message = (
        "This login was removed from its account here. To use it again, sign in on this server's account "
        "page, and allow it under Linked logins."
    )


class AddressNotProved(NoMembership):
    """The account was made for its person, who has never read a code from its mailbox."""

    message = (
        "Nobody has confirmed the address of this account here yet. Sign in once with an emailed code, and "
        "then try again."
    )


@dataclass(frozen=True)
class IdentifiedPerson:
    """The person of a login. `linked`: just now, so they are to be mailed."""

    user: User
    linked: bool = False


def person_of(db: Session, identity: Identity) -> IdentifiedPerson:
    """The linked person; links them on the first exchange. Raises NoMembership."""
    user = linked_logins.find_person(db, FIREBASE, identity.issuer, identity.subject)
    found = IdentifiedPerson(user) if user else _link(db, identity)
    if found is None or found.user.disabled_at is not None:
        raise NoMembership()
    return found


def check_linked(db: Session, identity: Identity, person: User) -> None:
    """Raises LoginRemoved if the login was removed meanwhile. The caller holds the lock on the person."""
    linked = linked_logins.find_person(db, FIREBASE, identity.issuer, identity.subject)
    if linked is None or linked.id != person.id:
        raise LoginRemoved()


def _link(db: Session, identity: Identity) -> IdentifiedPerson | None:
    """Links the login to its verified address's account. None without one, or if it has another login."""
    try:
        email = addresses.normalise(identity.verified_email)
    except addresses.InvalidAddress:
        return None
    person = people.find_by_email(db, email)
    if person is None:
        return None
    grants.lock_person(db, person.id)
    if linked_logins.is_barred(db, person.id, identity.issuer, identity.subject):
        raise LoginRemoved()
    if person.email_unproved:
        raise AddressNotProved()
    if linked_logins.link(
        db, person, FIREBASE, issuer=identity.issuer, subject=identity.subject, email=email
    ):
        return IdentifiedPerson(person, linked=True)
    # concurrently, the same login
    met = linked_logins.find_person(db, FIREBASE, identity.issuer, identity.subject)
    return IdentifiedPerson(person) if met is not None and met.id == person.id else None


def remove(db: Session, user_id: str, reason: str, *, by: str) -> None:
    """Removes a person's Firebase logins and revokes what they were exchanged for. They are barred until the
    person allows them again.
    """
    grants.lock_person(db, user_id)
    linked_logins.remove(db, user_id, FIREBASE, by=by)
    grants.revoke_exchanged(db, user_id, reason, by=by)


def forget(db: Session, email: str) -> bool:
    """Unlinks the login from its person, so that the next login with this verified address can be linked, and
    revokes its grants. False if there was none.
    """
    user_id = db.scalar(select(col(User.id)).where(col(User.email) == email))
    if user_id is None or not linked_logins.forget(db, user_id, FIREBASE):
        return False
    grants.revoke_exchanged(db, user_id, "The operator forgot the login it was made with.", by=user_id)
    audit.record(db, "identity.forgotten", subject=user_id)
    return True


def move(db: Session, user_id: str) -> None:
    """Unlinks the logins that were linked by the address a person had until now, and revokes their grants.

    A login with the new address can be linked at its next exchange.
    """
    grants.lock_person(db, user_id)
    if linked_logins.forget(db, user_id, FIREBASE):
        audit.record(db, FIREBASE.removed, user_id=user_id, subject=user_id)
        grants.revoke_exchanged(db, user_id, "The account's email was changed.", by=user_id)


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
