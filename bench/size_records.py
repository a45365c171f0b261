"""The ordinary values of seeded rows, the same in whichever workspace they are."""

from sqlmodel import SQLModel

from app.approvals.models import Approval
from app.audit import AuditEntry
from app.connectors.services import services_of
from app.memory.models import Note
from app.oauth_server.models import Grant
from app.team.models import Invitation
from app.vault.models import Connection, Credential
from app.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from bench.size_rows import ago


def usual(model: type[SQLModel], sealed: str = "") -> dict[str, str]:
    """The columns for `size_rows.add`. `sealed` is what sealed values begin with."""
    return {
        Connection: {
            "account_name": "'Account ' || i",
            "visibility": "'shared'",
            "permission": "'write'",
            "signin_ends_at": ago("-8000000"),
        },
        Credential: {
            "access_token_sealed": f"'{sealed}{'x' * 200}'",
            "expires_at": ago("-3000000"),
            "life_seconds": "3600000",
            "updated_at": ago("3600"),
        },
        Grant: {
            "client_name": "'Claude'",
            "scope": "'tools:read tools:write'",
            "resource": "'http://localhost/mcp'",
            "last_used_at": ago("i % 86400"),
        },
        AuditEntry: {"signature": "'00000000:' || i", "previous": "'0'", "hash": "'0'"},
        Approval: {
            "slug": "'xero'",
            "service": "'Xero'",
            "account": "'Account'",
            "tool": "'xero_create_invoice'",
            "title": "'Create an invoice'",
            "arguments_sealed": f"'{sealed}none'",
        },
        Note: {
            "title": "'Note ' || i",
            "text": "'The customer pays by invoice number ' || i",
            "shared": "i % 3 = 0",
        },
        WebhookEndpoint: {"secret_sealed": f"'{sealed}none'", "tried_at": ago("600")},
        WebhookDelivery: {"type": "'connection.broken'", "body": "'{}'", "state": "'delivered'"},
        WebhookAttempt: {"status": "200", "milliseconds": "90"},
        Invitation: {"role": "'member'", "expires_at": ago("-86400")},
    }[model]


def slugs() -> list[str]:
    """The services of the installation."""
    return [each.slug for each in services_of(None)]
