"""Xero: invoices, contacts, payments and reports of the organisations one sign-in reaches.

Facts come from the developer site (https://developer.xero.com/documentation/), the shapes from
XeroAPI/Xero-OpenAPI. Start here, then `accounting.py` (how a request is made), then a subject.

Decided:
- One connection is one Xero person; the organisations they allowed are its businesses. A request names its
  organisation in the header `xero-tenant-id`.
- A token reaches every organisation its person ever allowed this installation, for whichever workspace. A
  connection has only those of its own authorizations (`authEventId`), and no tool names another.
- Only granular scopes are requested: apps made since March 2026 get no others, and for one unknown scope Xero
  shows an error page that never redirects back.
- Disconnecting needs no further step: Xero's revocation removes every organisation of that person from the
  app, so none stays counted.
- Rows name their currency and nothing is added up here: totals are Xero's own.
"""

from app.connectors.connector import Connector
from app.connectors.spec import BusinessArgument, OAuth2
from app.connectors.xero.contacts import create_contact, list_contacts
from app.connectors.xero.errors import read_error, token_is_stale
from app.connectors.xero.identity import identify
from app.connectors.xero.invoice_emailing import email_invoice
from app.connectors.xero.invoice_writing import create_invoice
from app.connectors.xero.invoices import get_invoice, list_invoices
from app.connectors.xero.ledger import list_accounts, list_payments
from app.connectors.xero.organisations import get_organisation, list_organisations
from app.connectors.xero.payment_recording import record_payment
from app.connectors.xero.reports import get_aged_receivables, get_balance_sheet, get_profit_and_loss
from app.connectors.xero.summary import summarize

# https://developer.xero.com/documentation/guides/oauth2/scopes/
_ALWAYS = (
    "openid",
    "profile",
    "email",
    "offline_access",
    "accounting.settings.read",
    "accounting.reports.profitandloss.read",
    "accounting.reports.balancesheet.read",
    "accounting.reports.aged.read",
)

CONNECTOR = Connector(
    slug="xero",
    name="Xero",
    summary="Invoices, contacts and reports",
    category="Accounting",
    base_url="https://api.xero.com",
    auth=OAuth2(
        authorize_url="https://login.xero.com/identity/connect/authorize",
        token_url="https://identity.xero.com/connect/token",
        revoke_url="https://identity.xero.com/connect/revocation",
        read_scopes=(
            *_ALWAYS,
            "accounting.contacts.read",
            "accounting.invoices.read",
            "accounting.payments.read",
        ),
        write_scopes=(*_ALWAYS, "accounting.contacts", "accounting.invoices", "accounting.payments"),
        client_auth="basic",
        revokes="refresh",
        revokes_whole_account=True,
        # The last refresh token may be sent again for half an hour when its answer was lost.
        rotation_grace_seconds=30 * 60,
        idle_days=60,
    ),
    identify=identify,
    read_error=read_error,
    token_is_stale=token_is_stale,
    idempotency_header="Idempotency-Key",  # remembered for 6 minutes, errors included
    idempotency_docs="https://github.com/XeroAPI/Xero-OpenAPI",
    business=BusinessArgument("organisation_id", "organisation"),
    help_url="https://developer.xero.com/documentation/",
    summarize=summarize,
    summary_scopes=("accounting.invoices.read", "accounting.invoices"),
    tools=(
        list_organisations,
        get_organisation,
        list_invoices,
        get_invoice,
        list_contacts,
        list_accounts,
        list_payments,
        get_profit_and_loss,
        get_balance_sheet,
        get_aged_receivables,
        create_contact,
        create_invoice,
        email_invoice,
        record_payment,
    ),
)
