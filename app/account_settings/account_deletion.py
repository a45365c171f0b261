"""Deleting one's account: leave every workspace, and delete everything personal."""

from collections.abc import Sequence

from sqlalchemy import delete, func, or_, select
from sqlmodel import Session, col

from app import audit
from app.account_settings import letters, workspace_deletion
from app.accounts import operators
from app.accounts.models import MailedCode, User
from app.config import Settings
from app.database import transaction
from app.errors import PatchbayError
from app.mail import Mailer
from app.oauth_server.models import AuthorizationStep
from app.team import members as team
from app.team.members import SoleOwnership
from app.team.models import Invitation
from app.vault import revocation
from app.workspaces import members
from app.workspaces.models import Membership


class HandOverFirst(PatchbayError):
    """Workspaces with other members would be left without an owner."""

    code = "HAND_OVER_FIRST"
    status = 409

    def __init__(self, names: Sequence[str]) -> None:
        listed = names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
        super().__init__(
            f"You're the only owner of {listed}, and others work there. Make somebody else an owner on the "
            "team page, or delete the workspace. Then you can delete your account."
        )


def blocked_by(db: Session, user_id: str) -> list[str]:
    """Return the names of workspaces that block deletion: others are in them, and nobody else owns them."""
    return [each.workspace.name for each in team.sole_ownerships(db, user_id) if each.others]


def delete_account(settings: Settings, mailer: Mailer, user: User) -> None:
    """Delete a person at once. Raises HandOverFirst or LastOperator; then nothing has changed.

    Workspaces without other members are deleted too. Shared connections elsewhere pass to an owner there;
    personal ones end. Access to revoke at services is queued in the same transaction and revoked in the
    background.
    """
    with transaction() as db:
        operators.check_not_last_operator(db, user.id)
        alone = team.sole_ownerships(db, user.id)
        _end_workspaces(db, user.id, alone)
        team.leave_all(db, user.id)
        db.execute(delete(MailedCode).where(col(MailedCode.email) == user.email))
        db.execute(
            delete(Invitation).where(
                or_(col(Invitation.email) == user.email, col(Invitation.accepted_by) == user.id)
            )
        )
        db.execute(delete(AuthorizationStep).where(col(AuthorizationStep.user_id) == user.id))
        db.execute(delete(User).where(col(User.id) == user.id))
        audit.record(db, "person.deleted", user_id=user.id, subject=user.id, workspaces=len(alone))
    revocation.run_soon(settings)
    mailer.send(user.email, *letters.account_deleted(settings))


def _end_workspaces(db: Session, user_id: str, alone: Sequence[SoleOwnership]) -> None:
    """End the workspaces without other members. Locks each, then counts again: somebody may be joining."""
    if blocking := [each.workspace.name for each in alone if each.others]:
        raise HandOverFirst(blocking)
    for each in sorted(alone, key=lambda ownership: ownership.workspace.id):
        workspace = members.lock(db, each.workspace.id)
        others = (
            select(func.count()).select_from(Membership).where(col(Membership.workspace_id) == workspace.id)
        )
        if db.execute(others.where(col(Membership.user_id) != user_id)).scalar_one():
            raise HandOverFirst([workspace.name])
        workspace_deletion.end(db, workspace, by=user_id)
