"""The workspace that is looked at: 100 people, 50 connections, and history that grows with the size."""

from datetime import timedelta

from flask import Flask

from app import clock, database
from app.accounts import sessions
from app.accounts.models import User
from app.activity import sealing
from app.activity.models import AuditChain
from app.approvals.models import Approval
from app.audit import AuditEntry
from app.memory.models import Note
from app.oauth_server import grants
from app.oauth_server.models import AccessToken, Grant, RefreshToken
from app.team.models import Invitation
from app.vault.models import Connection, Credential
from app.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from app.workspaces.guard import Member
from app.workspaces.models import Membership, Workspace
from bench.size_records import slugs, usual
from bench.size_rows import add, ago, one_of

ID = "wsp_main"
PEOPLE, CONNECTIONS, ENDPOINTS = 100, 50, 3
_MINE = f"'{ID}'"
_WHO = f"'usr_main_' || (1 + i % {PEOPLE})"
_KINDS = [
    *("connection.connected", "person.signed_in", "tool.called", "member.role_changed"),
    *("grant.allowed", "approval.requested", "approval.carried_out"),
]


def fill(factor: float, sealed: str) -> None:
    """Write it: a page's worth of history at 0, 20,000 audit entries and 1,000 approvals at 1."""
    _people()
    _connections(sealed)
    _ai_clients(round(1_000 * factor))
    _trail(100 + round(20_000 * factor))
    _work(factor, sealed)


def sign_in(user_id: str, workspace_id: str | None) -> str:
    """The cookie of a new session."""
    with database.transaction() as db:
        return sessions.start(db, db.get_one(User, user_id), workspace_id=workspace_id)


def token_of(user_id: str, app: Flask) -> str:
    """A personal access token of a member, for calls."""
    cookie = sign_in(user_id, ID)
    with app.app_context(), database.transaction() as db:
        session = sessions.find(db, cookie)
        assert session is not None
        member = Member(db.get_one(User, user_id), db.get_one(Workspace, ID), "owner", session)
        return grants.issue_personal_token(db, member, "bench", "tools:read tools:write", 86_400)


def _people() -> None:
    at = ago("34000000")
    with database.transaction() as db:
        made = clock.now()
        db.add(Workspace(id=ID, name="Main", tier="enterprise", per_minute=10**6, created_at=made))
        db.add(User(id="usr_operator", email="operator@example.com", is_operator=True, created_at=made))
    add(
        User,
        PEOPLE,
        id="'usr_main_' || i",
        email="'main' || i || '@example.com'",
        name="'Main Person ' || i",
        created_at=at,
    )
    add(
        Membership,
        PEOPLE,
        workspace_id=_MINE,
        user_id="'usr_main_' || i",
        role="CASE WHEN i = 1 THEN 'owner' ELSE 'member' END",
        created_at=at,
    )


def _connections(sealed: str) -> None:
    add(
        Connection,
        CONNECTIONS,
        **usual(Connection),
        id="'con_main_' || i",
        workspace_id=_MINE,
        owner_id=_WHO,
        slug=one_of(slugs(), "i"),
        account_key="'main-' || i",
        state="'connected'",
        connected_at=ago("30000000"),
    )
    add(
        Credential,
        CONNECTIONS,
        **usual(Credential, sealed),
        connection_id="'con_main_' || i",
        workspace_id=_MINE,
    )


def _ai_clients(old: int) -> None:
    """One per person, and those that were revoked long ago."""
    every = PEOPLE + old
    add(
        Grant,
        every,
        **usual(Grant),
        id="'grt_main_' || i",
        user_id=_WHO,
        workspace_id=_MINE,
        client_id="'pbd_1'",
        created_at=ago("i * 1000"),
        revoked_at=f"CASE WHEN i > {PEOPLE} THEN {ago('9000000')} END",
    )
    for model in (AccessToken, RefreshToken):
        add(
            model,
            every,
            token_digest="'main-token-' || i",
            grant_id="'grt_main_' || i",
            created_at=ago("3600"),
            expires_at=ago("-3600"),
        )


def _trail(every: int) -> None:
    add(
        AuditEntry,
        every,
        **usual(AuditEntry),
        at=ago(f"({every} - i) * 34000000 / 20100"),
        workspace_id=_MINE,
        user_id=_WHO,
        action=one_of(_KINDS, "i"),
        subject="'con_main_' || (1 + i % 50)",
        nonce="'main-nonce-' || i",
        seq="i",
    )
    head = AuditChain(chain=ID, count=every, hash="0", began_at=clock.now() - timedelta(days=390))
    sealing.sign(head)
    with database.transaction() as db:
        db.add(head)


def _work(factor: float, sealed: str) -> None:
    old = ago("3600 + i * 2000")
    add(
        Approval,
        40 + round(1_000 * factor),
        **usual(Approval, sealed),
        id="'apr_main_' || i",
        workspace_id=_MINE,
        user_id=_WHO,
        grant_id="'grt_main_1'",
        connection_id=f"'con_main_' || (1 + i % {CONNECTIONS})",
        idempotency_key="'m' || i",
        state="CASE WHEN i <= 10 THEN 'waiting' ELSE 'done' END",
        until=f"CASE WHEN i <= 10 THEN {ago('-40000')} END",
        created_at=old,
    )
    add(
        Note,
        90 + round(3_000 * factor),
        **usual(Note),
        id="'note_main_' || i",
        workspace_id=_MINE,
        owner_id=_WHO,
        words="CASE WHEN i % 30 = 0 THEN 'harbour ' ELSE '' END || 'note customer pays invoice ' || i",
        created_at=old,
        updated_at=old,
    )
    add(
        WebhookEndpoint,
        ENDPOINTS,
        **usual(WebhookEndpoint, sealed),
        id="'whe_main_' || i",
        workspace_id=_MINE,
        url="'https://hooks.example/main/' || i",
        created_at=old,
    )
    deliveries = 90 + round(5_000 * factor)
    add(
        WebhookDelivery,
        deliveries,
        **usual(WebhookDelivery),
        id="'whd_main_' || i",
        workspace_id=_MINE,
        endpoint_id=f"'whe_main_' || (1 + i % {ENDPOINTS})",
        event_id="'evt_main_' || i",
        created_at=ago("i * 400"),
    )
    add(
        WebhookAttempt,
        deliveries,
        **usual(WebhookAttempt),
        delivery_id="'whd_main_' || i",
        at=ago("i * 400"),
    )
    add(
        Invitation,
        20 + round(1_000 * factor),
        **usual(Invitation),
        id="'inv_main_' || i",
        workspace_id=_MINE,
        email="'main-guest' || i || '@example.com'",
        token_digest="'main-invitation-' || i",
        invited_by="'usr_main_1'",
        created_at=old,
        sent_at=old,
        withdrawn_at=f"CASE WHEN i > 20 THEN {old} END",
    )
