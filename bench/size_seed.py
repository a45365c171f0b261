"""Fills an empty, migrated database to a size: the whole at 1, and at 0 only what the pages display.

At 1: 10,000 workspaces with 20,000 people, 50,000 connections, 10 million calls and a million audit entries.
One more workspace is the one that is looked at (`bench/size_workspace.py`). It has the same people, services
and menus at any size, but as much more history. So pages display equally many rows at 0 and at 1.
"""

from collections.abc import Callable

from app.accounts.models import LoginSession, MailedCode, User
from app.activity.models import AuditChain
from app.approvals.models import Approval
from app.audit import AuditEntry
from app.memory.models import Note
from app.notifications.models import ConnectionNotice
from app.oauth_server.models import AccessToken, AuthorizationStep, Client, Grant, RefreshToken
from app.team.models import Invitation
from app.vault.models import Connection, Credential
from app.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from app.workspaces.models import Membership, Workspace
from bench import size_calls, size_rows, size_workspace
from bench.size_records import slugs, usual
from bench.size_rows import add, ago, one_of

WORKSPACES = 10_000
FEWEST = 30  # workspaces: a page of operators lists 25
_YEAR = 400 * 86_400
_ACTIONS = [
    *("connection.connected", "connection.disconnected", "grant.allowed", "person.signed_in"),
    *("tool.called", "member.role_changed", "approval.requested"),
]


def fill(factor: float, sealed: str, progress: Callable[[str], None] = lambda part: None) -> None:
    """Write everything. `sealed` is what sealed values begin with: they hold nothing that opens."""
    count = max(FEWEST, round(WORKSPACES * factor))
    for name, write in (
        ("workspaces and people", _companies),
        ("connections", lambda every: _connections(every, sealed)),
        ("AI clients", _ai_clients),
        ("audit trail", _trail),
        ("approvals, notes and webhooks", lambda every: _work(every, sealed)),
    ):
        progress(name)
        write(count)
    progress("the workspace that is looked at")
    size_workspace.fill(factor, sealed)
    size_calls.fill(factor, count, progress)
    progress("statistics")
    size_rows.analyze()


def _companies(count: int) -> None:
    made = ago(f"(i * 7919) % {_YEAR}")
    add(
        Workspace,
        count,
        id="'wsp_' || i",
        name="'Company ' || i || ' of ' || (i * 31 % 977)",
        tier="'free'",
        created_at=made,
    )
    add(
        User,
        2 * count,
        id="'usr_' || i",
        email="'person' || i || '@company' || (i % 997) || '.example'",
        name="'Person ' || i",
        created_at=made,
    )
    add(
        Membership,
        2 * count,
        workspace_id=f"'wsp_' || (1 + (i - 1) % {count})",
        user_id="'usr_' || i",
        role=f"CASE WHEN i <= {count} THEN 'owner' ELSE 'member' END",
        created_at=made,
    )
    add(
        LoginSession,
        count,
        id_digest="'session-' || i",
        user_id="'usr_' || i",
        created_at=ago("86400"),
        proved_at=ago("86400"),
        last_seen_at=ago(f"i % {10 * 86_400}"),
        expires_at=ago("-2000000"),
    )
    add(
        MailedCode,
        count,
        id="'code_' || i",
        email="'person' || i || '@example.com'",
        purpose="'sign-in'",
        code_hash="'none'",
        created_at=ago("600"),
        expires_at=ago("-600"),
    )
    add(
        Invitation,
        count,
        **usual(Invitation),
        id="'inv_' || i",
        workspace_id="'wsp_' || i",
        email="'guest' || i || '@example.com'",
        token_digest="'invitation-' || i",
        invited_by="'usr_' || i",
        created_at=made,
        sent_at=made,
    )


def _connections(count: int, sealed: str) -> None:
    add(
        Connection,
        5 * count,
        **usual(Connection),
        id="'con_' || i",
        workspace_id=f"'wsp_' || (1 + (i - 1) % {count})",
        owner_id=f"'usr_' || (1 + (i - 1) % {count})",
        slug=one_of(slugs(), f"i / {count}"),
        account_key="'key-' || i",
        state="CASE WHEN i % 40 = 0 THEN 'reconnect_needed' ELSE 'connected' END",
        broken_at=f"CASE WHEN i % 40 = 0 THEN {ago('90000')} END",
        connected_at=ago(f"i % {_YEAR}"),
    )
    add(
        Credential,
        5 * count,
        **usual(Credential, sealed),
        connection_id="'con_' || i",
        workspace_id=f"'wsp_' || (1 + (i - 1) % {count})",
        refresh_token_sealed=f"'{sealed}{'y' * 200}'",
    )
    add(
        ConnectionNotice,
        5 * count // 40,
        id="'ntc_' || i",
        connection_id="'con_' || (40 * i)",
        user_id=f"'usr_' || (1 + (40 * i - 1) % {count})",
        kind="'broken'",
        about_at=ago("90000"),
        state="'sent'",
        created_at=ago("90000"),
        emailed_at=ago("89000"),
    )


def _ai_clients(count: int) -> None:
    add(
        Client,
        max(FEWEST, count // 5),
        client_id="'pbd_' || i",
        kind="'registered'",
        name="'Client ' || i",
        redirect_uris="'[\"http://localhost/callback\"]'",
        auth_method="'none'",
        created_at=ago(f"(i * 7919) % {_YEAR // 4}"),
        last_used_at=ago("i % 86400"),
    )
    add(
        Grant,
        2 * count,
        **usual(Grant),
        id="'grt_' || i",
        user_id="'usr_' || i",
        workspace_id=f"'wsp_' || (1 + (i - 1) % {count})",
        client_id=f"'pbd_' || (1 + i % {max(FEWEST, count // 5)})",
        created_at=ago(f"i % {_YEAR}"),
    )
    for model, ends in ((AccessToken, "-3600"), (RefreshToken, "-2000000")):
        add(
            model,
            2 * count,
            token_digest="'token-' || i",
            grant_id="'grt_' || i",
            created_at=ago("3600"),
            expires_at=ago(ends),
        )
    add(
        AuthorizationStep,
        min(2_000, 2 * count),
        at=ago("i % 600000"),
        client_id=f"'pbd_' || (1 + i % {count})",
        user_id=f"'usr_' || (1 + i % {count})",
        step="'authorize'",
        outcome="'ok'",
        sentence="'Asked for access.'",
    )


def _trail(count: int) -> None:
    every = 100 * count if count > FEWEST else 4 * count
    add(
        AuditEntry,
        every,
        **usual(AuditEntry),
        at=ago(f"(({every} - i) * CAST({_YEAR} AS BIGINT)) / {every}"),
        workspace_id=f"'wsp_' || (1 + (i - 1) % {count})",
        user_id=f"'usr_' || (1 + (i - 1) % {count})",
        action=one_of(_ACTIONS, f"i / {count}"),
        subject="'con_' || i",
        nonce="'nonce-' || i",
        seq=f"1 + (i - 1) / {count}",
    )
    add(
        AuditChain,
        count,
        chain="'wsp_' || i",
        count=str(every // count),
        hash="'0'",
        began_at=ago(str(_YEAR)),
    )


def _work(count: int, sealed: str) -> None:
    where, who = f"'wsp_' || (1 + (i - 1) % {count})", f"'usr_' || (1 + (i - 1) % {count})"
    old = ago(f"3600 + i % {20 * 86_400}")
    add(
        Approval,
        5 * count,
        **usual(Approval, sealed),
        id="'apr_' || i",
        workspace_id=where,
        user_id=who,
        grant_id="'grt_' || i",
        connection_id="'con_' || i",
        idempotency_key="'k' || i",
        state="CASE WHEN i % 50 = 0 THEN 'waiting' ELSE 'done' END",
        until=f"CASE WHEN i % 50 = 0 THEN {ago('-40000')} END",
        created_at=old,
    )
    add(
        Note,
        10 * count,
        **usual(Note),
        id="'note_' || i",
        workspace_id=where,
        owner_id=who,
        words="'note customer pays invoice number ' || i",
        created_at=old,
        updated_at=old,
    )
    add(
        WebhookEndpoint,
        count,
        **usual(WebhookEndpoint, sealed),
        id="'whe_' || i",
        workspace_id="'wsp_' || i",
        url="'https://hooks.example/' || i",
        created_at=old,
    )
    add(
        WebhookDelivery,
        5 * count,
        **usual(WebhookDelivery),
        id="'whd_' || i",
        workspace_id=where,
        endpoint_id=f"'whe_' || (1 + (i - 1) % {count})",
        event_id="'evt_' || i",
        created_at=old,
    )
    add(WebhookAttempt, 5 * count, **usual(WebhookAttempt), delivery_id="'whd_' || i", at=old)
