"""End in a restored database what would otherwise come back: it was used up or ended after the backup.

What ended is not known any more, so everything of a kind ends, and people and AI clients are asked again.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Delete, Update, delete, func, select, update
from sqlmodel import Session, SQLModel, col

from app import audit, clock
from app.accounts.models import GoogleAttempt, LoginSession, MailedCode, User
from app.approvals import expiry
from app.approvals import models as approvals
from app.approvals.models import Approval
from app.connectors.services import services_of
from app.hub.models import Handshake
from app.jobs.models import JobState
from app.mcp_server.protocol.models import ClientReply
from app.notifications.models import MailTurn
from app.oauth_server.models import AccessToken, AuthorizationCode, Flow, Grant, RefreshToken
from app.onboarding.models import SetupToken
from app.team.models import Invitation
from app.vault import connection_state
from app.vault.models import Connection, ConnectLink, Credential
from app.webhooks.models import FAILED, PENDING, WebhookDelivery, WebhookEndpoint

_REASON = "This installation was restored from a backup. Connect again."
# Grants that a client renews by itself. Personal tokens and API keys are issued by hand, and stay.
_RENEWED_KINDS = ("oauth", "identity")


@dataclass(frozen=True)
class RestoreEffect:
    """One consequence of restoring: how many, and of what with its consequence."""

    count: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.count:>7,}  {self.sentence}"


def finish(db: Session) -> list[RestoreEffect]:
    """End it all, and record that in the audit trail. Safe to repeat. Returns what it means to people."""
    now = clock.now()
    tokens = _delete(db, AccessToken, _of_renewed()) + _delete(db, RefreshToken, _of_renewed())
    clients = _run(
        db,
        update(Grant)
        .where(col(Grant.kind).in_(_RENEWED_KINDS), col(Grant.revoked_at).is_(None))
        .values(revoked_at=now, revoked_reason=_REASON),
    )
    effects = [
        RestoreEffect(_delete(db, LoginSession), "login sessions ended: people sign in again"),
        RestoreEffect(clients, "AI clients disconnected: each is authorized again in its browser window"),
        RestoreEffect(tokens, "access and refresh tokens of AI clients ended"),
        RestoreEffect(_delete(db, AuthorizationCode), "authorization codes ended"),
        RestoreEffect(_delete(db, Flow), "authorization requests ended: the AI client starts again"),
        RestoreEffect(
            _delete(db, MailedCode) + _delete(db, GoogleAttempt),
            "mailed codes and sign-ins with Google ended: people request another code",
        ),
        RestoreEffect(
            _delete(db, Handshake) + _delete(db, ConnectLink),
            "service connections in progress ended: people start again",
        ),
        RestoreEffect(_end_approvals(db), "approval requests ended: they may have been decided since"),
        RestoreEffect(_delete(db, SetupToken), "setup tokens ended: the company confirms its address again"),
        RestoreEffect(
            _run(
                db,
                update(Invitation)
                .where(
                    col(Invitation.accepted_at).is_(None),
                    col(Invitation.withdrawn_at).is_(None),
                    col(Invitation.expires_at) > now,
                )
                .values(expires_at=now),
            ),
            "invitations expired: owners send them again",
        ),
        RestoreEffect(
            _run(
                db,
                update(WebhookDelivery)
                .where(col(WebhookDelivery.state) == PENDING)
                .values(state=FAILED, next_at=None),
            ),
            "webhook deliveries given up: they may have arrived since. Send again from their log",
        ),
    ]
    _run(db, update(User).values(browser_epoch=User.browser_epoch + 1))  # no browser is a known one
    _delete(db, ClientReply)
    _free_leases(db)
    audit.record(db, "installation.restored", ended={"sessions": effects[0].count, "clients": clients})
    return [*effects, *_what_remains(db)]


def _what_remains(db: Session) -> list[RestoreEffect]:
    """What was revoked or used up after the backup, and cannot be known here."""
    by_hand = col(Grant.kind).not_in(_RENEWED_KINDS) & col(Grant.revoked_at).is_(None)
    tokens = db.scalar(select(func.count()).select_from(Grant).where(by_hand)) or 0
    rows = db.execute(
        select(Connection)
        .join(Credential, col(Credential.connection_id) == col(Connection.id))
        .where(
            col(Connection.state) == connection_state.CONNECTED,
            col(Credential.refresh_token_sealed).is_not(None),
        )
    ).scalars()
    rotating = sum(1 for row in rows if _rotates(row))
    return [
        RestoreEffect(
            tokens,
            "personal tokens and API keys work on, also any that were revoked after the backup: check them",
        ),
        RestoreEffect(
            rotating,
            "connections have a refresh token that may have been used since: those ask to be reconnected",
        ),
    ]


def _rotates(connection: Connection) -> bool:
    connector = services_of(connection.workspace_id).find(connection.slug)
    return connector is not None and (
        connector.find_form(connection.auth_method) is None
        and connector.auth_of(connection.auth_method).rotates
    )


def _end_approvals(db: Session) -> int:
    now = clock.now()
    is_open = col(Approval.state).in_((approvals.WAITING, approvals.RUNNING))
    found = list(db.scalars(select(Approval).where(is_open)))
    for approval in found:
        approval.until = now
        expiry.end_if_over(db, approval, now)
    return len(found)


def _free_leases(db: Session) -> None:
    """Leases of processes of that time, and pauses of that time."""
    claim = {"claim_owner": None, "claim_until": None, "claim_generation": None}
    _run(db, update(Credential).values({**claim, "claim_started_at": None, "cooldown_until": None}))
    _run(db, update(MailTurn).values(claim=None, claimed_until=None))
    _run(db, update(WebhookEndpoint).values(claim=None, claimed_until=None, paused_until=None))
    _run(db, update(JobState).values(claim=None, claimed_until=None, next_at=clock.now()))


def _of_renewed() -> Any:
    return select(col(Grant.id)).where(col(Grant.kind).in_(_RENEWED_KINDS))


def _delete(db: Session, model: type[SQLModel], grants: Any = None) -> int:
    statement = delete(model)
    if grants is not None:
        statement = statement.where(model.grant_id.in_(grants))  # type: ignore[attr-defined]
    return _run(db, statement)


def _run(db: Session, statement: Delete | Update) -> int:
    return db.execute(statement).rowcount  # type: ignore[attr-defined,no-any-return]
