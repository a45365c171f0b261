"""No page sends more statements to the database because it displays more rows."""

import pytest

from app import database
from app.accounts.models import User
from app.approvals.models import Approval
from app.audit import AuditEntry
from app.connectors.services import services_of
from app.memory.models import Note
from app.notifications.models import ConnectionNotice
from app.oauth_server.models import AccessToken, AuthorizationStep, Client, Grant
from app.team.models import Invitation
from app.usage import rollup
from app.usage.models import CallRow
from app.vault.models import Connection, Credential
from app.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from app.workspaces.models import Membership, Workspace
from bench import size_addresses
from bench.size_rows import add, ago, one_of
from tests.conftest import both_databases
from tests.support.statements import sent  # noqa: F401

FEW, MANY = 3, 30
OURS, ALICE = "'wsp_northwind'", "'usr_alice'"

# Each page that may send more, with the reason.
EXCEPTIONS: dict[str, str] = {}


@pytest.fixture
def grow(people):
    """`grow("a", 3)` adds three of everything that pages list: in Northwind, and workspaces beside it."""

    def _grow(mark, count):
        def number(kind):
            return f"'{kind}_{mark}' || i"

        at, mine, person = ago("i * 60"), {"workspace_id": OURS, "user_id": ALICE}, number("usr")
        slugs = [each.slug for each in services_of(None)]
        add(Workspace, count, id=number("wsp"), name=number("Company"), created_at=at)
        add(User, count, id=person, email=f"{person} || '@example.com'", name=person, created_at=at)
        for workspace_id in (OURS, number("wsp")):
            add(
                Membership,
                count,
                workspace_id=workspace_id,
                user_id=person,
                role="'member'",
                created_at=at,
            )
        add(
            Invitation,
            count,
            id=number("inv"),
            workspace_id=OURS,
            email=f"{person} || '@example.net'",
            role="'member'",
            token_digest=number("inv"),
            invited_by=ALICE,
            created_at=at,
            sent_at=at,
            expires_at=ago("-86400"),
        )
        add(
            Connection,
            count,
            id=number("con"),
            workspace_id=OURS,
            owner_id=person,
            slug=one_of(slugs, "i"),
            account_name=number("Account"),
            account_key=number("key"),
            visibility="'shared'",
            permission="'write'",
            state="CASE WHEN i % 2 = 0 THEN 'reconnect_needed' ELSE 'connected' END",
            connected_at=at,
        )
        add(Credential, count, connection_id=number("con"), workspace_id=OURS, updated_at=at)
        add(
            ConnectionNotice,
            count,
            id=number("ntc"),
            connection_id=number("con"),
            user_id=ALICE,
            kind="'broken'",
            about_at=at,
            state="'sent'",
            created_at=at,
            emailed_at=at,
        )
        add(
            Client,
            count,
            client_id=number("pbd"),
            kind="'registered'",
            name=number("Client"),
            redirect_uris="'[\"http://localhost/callback\"]'",
            auth_method="'none'",
            created_at=at,
        )
        add(
            Grant,
            count,
            id=number("grt"),
            workspace_id=OURS,
            user_id=person,
            client_id=number("pbd"),
            client_name=number("Client"),
            scope="'tools:read tools:write'",
            resource="'http://localhost:8000/mcp'",
            created_at=at,
            last_used_at=at,
        )
        add(
            AccessToken,
            count,
            token_digest=number("token"),
            grant_id=number("grt"),
            created_at=at,
            expires_at=ago("-3600"),
        )
        add(
            AuthorizationStep,
            count,
            at=at,
            client_id=number("pbd"),
            user_id=ALICE,
            step="'authorize'",
            outcome="'ok'",
            sentence="'Asked for access.'",
        )
        for state, kind in (("waiting", "apw"), ("done", "apd")):
            add(
                Approval,
                count,
                id=number(kind),
                **mine,
                grant_id=number("grt"),
                connection_id=number("con"),
                slug=one_of(slugs, "i"),
                service="'Service'",
                account="'Account'",
                tool="'create_invoice'",
                title="'Create'",
                arguments_sealed="'none'",
                idempotency_key=number("k"),
                state=f"'{state}'",
                until=ago("-3600"),
                created_at=at,
            )
        add(
            Note,
            count,
            id=number("note"),
            workspace_id=OURS,
            owner_id=person,
            text="'harbour ' || i",
            words="'harbour ' || i",
            shared="true",
            created_at=at,
            updated_at=at,
        )
        add(
            WebhookEndpoint,
            count,
            id=number("whe"),
            workspace_id=OURS,
            url="'https://hooks.example/' || i",
            secret_sealed="'none'",
            created_at=at,
        )
        add(
            WebhookDelivery,
            count,
            id=number("whd"),
            workspace_id=OURS,
            endpoint_id="'whe_a1'",
            event_id=number("evt"),
            type="'connection.broken'",
            body="'{}'",
            state="'delivered'",
            created_at=at,
        )
        add(WebhookAttempt, count, delivery_id=number("whd"), at=at, status="200")
        actions = ("connection.connected", "member.removed", "approval.requested")
        add(
            AuditEntry,
            count,
            at=at,
            workspace_id=OURS,
            user_id=person,
            action=one_of(list(actions), "i"),
            subject=f"CASE WHEN i % 3 = 2 THEN {number('apd')} ELSE {person} END",
            nonce=number("nonce"),
        )
        add(
            CallRow,
            count,
            at=at,
            workspace_id=f"CASE WHEN i % 2 = 0 THEN {OURS} ELSE {number('wsp')} END",
            user_id=person,
            grant_id=number("grt"),
            client_name=number("Client"),
            tool=number("tool"),
            slug=one_of(slugs, "i"),
            outcome=one_of(["ok", "TIMEOUT", "NOT_FOUND"], "i"),
            total_ms="i",
        )
        rollup.run()

    return _grow


@pytest.fixture
def counts(app, people, sign_in, sent):  # noqa: F811
    """`counts()` returns how many statements each page sends on a second visit; `counts(paths)` of these."""
    owner, operator = sign_in(people.alice), sign_in(people.dana)

    def _counts(paths=None):
        with database.reading() as db:
            slug = db.get_one(Connection, "con_a1").slug
        values = {
            "workspace": "wsp_northwind",
            "user_id": "usr_a1",
            "slug": slug,
            "connection_id": "con_a1",
            "name": services_of(None).get(slug).tools[0].name_in(slug),
            "grant_id": "grt_a1",
            "endpoint_id": "whe_a1",
            "approval_id": "apd_a1",
            "note_id": "note_a1",
            "number": "1000",
            "behind": "4000000000000000-1",  # ahead of every entry
            "last_workspace": "wsp_a1",
            "last_person": "usr_a1",
        }
        found = {}
        with sent() as made:
            for path in paths or size_addresses.all_of(app, values):
                visitor = operator if path.startswith(("/admin", "/metrics")) else owner
                assert visitor.get(path).status_code in {200, 204, 303, 308}, path
                made.clear()
                visitor.get(path)
                # what begins so is SQLite's own, for its full-text index
                found[path] = sum(not statement.startswith("--") for statement in made)
        return found

    return _counts


@both_databases
@pytest.mark.usefixtures("frozen_clock")  # so that no visit is noted, nor a job done by one, in between
def test_no_page_sends_more_statements_for_more_rows(grow, counts):
    grow("a", FEW)
    few = counts()
    grow("b", MANY - FEW)
    many = counts()
    assert few.keys() == many.keys()
    more = {path: (few[path], many[path]) for path in few if many[path] > few[path]}
    for _ in range(3):  # now and then a page is the one that asks for the database's time, or connects anew
        once_more = counts(more) if more else {}
        more = {path: (few[path], found) for path, found in once_more.items() if found > few[path]}
    assert more.keys() == EXCEPTIONS.keys(), more
