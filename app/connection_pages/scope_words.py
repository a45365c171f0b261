"""What a service's scopes let us do, as sentences.

A scope without words here reads as its own name. A new connector adds its scopes; a test holds that every
scope a connector asks for has words.
"""

from collections.abc import Iterable

from app.connectors.connector import Connector

_G = "https://www.googleapis.com/auth/"
_WORDS = {
    # signing in
    "openid": "Confirm which account is connected",
    "profile": "See the name of the person who connected it",
    "email": "See the email address of the account",
    "offline_access": "Stay connected while you're away",
    # FreshBooks
    "user:profile:read": "See your profile and businesses",
    "user:invoices:read": "Read invoices",
    "user:invoices:write": "Create, change and send invoices",
    "user:clients:read": "Read clients",
    "user:clients:write": "Create and change clients",
    "user:payments:read": "Read payments",
    "user:payments:write": "Record payments",
    "user:projects:read": "Read projects",
    "user:time_entries:read": "Read time entries",
    "user:time_entries:write": "Log time",
    "user:expenses:read": "Read expenses",
    "user:reports:read": "Read reports",
    # Xero
    "accounting.settings": "Read and change the chart of accounts and settings",
    "accounting.settings.read": "Read the chart of accounts and settings",
    "accounting.reports.profitandloss.read": "Read the profit and loss report",
    "accounting.reports.balancesheet.read": "Read the balance sheet",
    "accounting.reports.aged.read": "Read aged receivables and payables",
    "accounting.contacts": "Read, create and change contacts",
    "accounting.contacts.read": "Read contacts",
    "accounting.invoices": "Read, create, change and email invoices",
    "accounting.invoices.read": "Read invoices",
    "accounting.payments": "Read and record payments",
    "accounting.payments.read": "Read payments",
    # QuickBooks
    "com.intuit.quickbooks.accounting": "Read and change the company's accounting data",
    # Google
    "https://mail.google.com/": "Read, send and delete all email",
    f"{_G}gmail.readonly": "Read email",
    f"{_G}gmail.modify": "Read, draft, send and label email",
    f"{_G}gmail.compose": "Draft and send email",
    f"{_G}gmail.send": "Send email",
    f"{_G}userinfo.email": "See the email address of the account",
    f"{_G}userinfo.profile": "See the name of the person who connected it",
    f"{_G}spreadsheets": "Read and change spreadsheets",
    f"{_G}spreadsheets.readonly": "Read spreadsheets",
    f"{_G}drive": "Read and change all files in Google Drive",
    f"{_G}drive.file": "Read and change the files made here",
    f"{_G}drive.readonly": "Read all files in Google Drive",
    f"{_G}drive.metadata.readonly": "See the names of files in Google Drive, to find spreadsheets",
    # Xano
    "workspace:read": "Read workspaces, tables and records",
    "workspace:write": "Change tables and records",
    # FlowPOS
    "pos:read": "Read products, inventory and orders",
    "pos:write": "Create orders and adjust inventory",
    "pos:intents": "Read inventory health and client health",
    "psa:read": "Read boards and their items",
    "reports:read": "Read sales reports",
}


def has_words(scope: str) -> bool:
    """Whether a scope has a sentence of ours."""
    return scope in _WORDS


def describe(connector: Connector, scopes: Iterable[str]) -> list[str]:
    """What was granted, one sentence per scope; for a service without scopes what its credentials mean.

    Our sentences are for the installation's services: another one may call a scope the same and mean more.
    """
    words = _WORDS if connector.workspace_id is None else {}
    granted = list(
        dict.fromkeys(words.get(scope, f"“{scope}”, in {connector.name}'s terms") for scope in scopes)
    )
    return granted or [f"Everything that the account or key connected allows in {connector.name}"]
