"""GET: organisation, invoices, contacts, accounts, payments."""

import uuid
from typing import Any

from flask import Blueprint, Response, request

from app.sandbox.services.xero import query
from app.sandbox.services.xero.records import (
    account_resource,
    contact_resource,
    invoice_resource,
    payment_resource,
)
from app.sandbox.services.xero.request_checks import AuthorizedCall, open_to
from app.sandbox.services.xero.wire import (
    bad_request,
    envelope,
    milliseconds,
    not_found,
    wire_date,
)
from app.sandbox.store import Book, Record

bp = Blueprint("reading", __name__)

INVOICES = ("accounting.invoices", "accounting.invoices.read")
CONTACTS = ("accounting.contacts", "accounting.contacts.read")
SETTINGS = ("accounting.settings", "accounting.settings.read")
PAYMENTS = ("accounting.payments", "accounting.payments.read")

_INVOICE_FIELDS: query.Fields = {
    "Type": lambda r: r["type"],
    "Status": lambda r: r["status"],
    "Date": lambda r: r["date"],
    "DueDate": lambda r: r["due"],
    "InvoiceID": lambda r: r["id"],
    "InvoiceNumber": lambda r: r["number"],
    "Reference": lambda r: r["reference"],
    "Contact.ContactID": lambda r: r["contact"],
    "UpdatedDateUTC": lambda r: r["updated"],
}
_CONTACT_FIELDS: query.Fields = {
    "ContactID": lambda r: r["id"],
    "Name": lambda r: r["name"],
    "EmailAddress": lambda r: r["email"],
    "ContactStatus": lambda r: r["status"],
    "IsCustomer": lambda r: r["customer"],
    "IsSupplier": lambda r: r["supplier"],
    "UpdatedDateUTC": lambda r: r["updated"],
}
_ACCOUNT_FIELDS: query.Fields = {
    "Type": lambda r: r["type"],
    "Status": lambda r: r["status"],
    "Class": lambda r: r["class"],
    "Code": lambda r: r["code"],
    "Name": lambda r: r["name"],
}
_PAYMENT_FIELDS: query.Fields = {
    "PaymentID": lambda r: r["id"],
    "Date": lambda r: r["date"],
    "Reference": lambda r: r["reference"],
    "UpdatedDateUTC": lambda r: r["updated"],
}


# What `summaryOnly` leaves out: what takes Xero long to collect.
_NOT_IN_SUMMARY = frozenset({"Payments", "CreditNotes", "Prepayments", "Overpayments", "LineItems"})


def find_invoice(book: Book, name: str) -> Record | None:
    """The invoice of that id or number, or None."""
    return book.find("invoice", name.lower()) or book.first("invoice", number=name, type="ACCREC")


@bp.get("/api.xro/2.0/Organisation")
@open_to(*SETTINGS)
def organisation(call: AuthorizedCall) -> Response:
    """The organisation named in the header."""
    own = call.organisation
    lock = call.book.find("settings", "lock")
    settings = {
        "Name": own.name,
        "LegalName": own.legal_name,
        "PaysTax": True,
        "Version": own.country,
        "OrganisationType": "COMPANY",
        "BaseCurrency": own.currency,
        "CountryCode": own.country,
        "IsDemoCompany": own.is_demo,
        "OrganisationStatus": "ACTIVE",
        "FinancialYearEndDay": own.year_end[0],
        "FinancialYearEndMonth": own.year_end[1],
        "PeriodLockDate": wire_date(lock["until"]) if lock else None,
        "CreatedDateUTC": f"/Date({milliseconds(call.at.now())})/",
        "Timezone": own.timezone,
        "ShortCode": own.short_code,
        "Edition": "BUSINESS",
        "OrganisationID": own.tenant_id,
    }
    return envelope(Organisations=[{key: value for key, value in settings.items() if value is not None}])


@bp.get("/api.xro/2.0/Invoices")
@open_to(*INVOICES)
def invoices(call: AuthorizedCall) -> Response:
    """Invoices and bills, without lines unless `page` is set."""
    keep = query.where(_INVOICE_FIELDS)
    statuses, contacts, numbers, ids = (
        query.listed(name) for name in ("Statuses", "ContactIDs", "InvoiceNumbers", "IDs")
    )
    # It covers these two fields and never the contact (Xero-OpenAPI, parameter searchTerm).
    words = request.args.get("searchTerm", "").lower()
    if any(not _is_guid(id_) for id_ in contacts | ids):
        raise bad_request(16, "QueryParseException", "An id is not a valid identifier.")
    found = [
        invoice
        for invoice in call.book.all("invoice")
        if keep(invoice)
        and (invoice["status"] in statuses if statuses else True)
        and (invoice["contact"] in {id_.lower() for id_ in contacts} if contacts else True)
        and (invoice["number"] in numbers if numbers else True)
        and (invoice["id"] in {id_.lower() for id_ in ids} if ids else True)
        and any(words in text.lower() for text in (invoice["number"], invoice["reference"]))
    ]
    page, pagination = query.paged(query.ordered(found, _INVOICE_FIELDS))
    summary = request.args.get("summaryOnly", "").lower() == "true"
    resources = [
        invoice_resource(call.book, invoice, lines=bool(pagination) and not summary) for invoice in page
    ]
    if summary:
        resources = [
            {name: value for name, value in resource.items() if name not in _NOT_IN_SUMMARY}
            for resource in resources
        ]
    return envelope(**pagination, Invoices=resources)


@bp.get("/api.xro/2.0/Invoices/<name>")
@open_to(*INVOICES)
def invoice(call: AuthorizedCall, name: str) -> Response:
    """One invoice by id or number."""
    found = find_invoice(call.book, name)
    return envelope(Invoices=[invoice_resource(call.book, found)]) if found else not_found()


@bp.get("/api.xro/2.0/Contacts")
@open_to(*CONTACTS)
def contacts(call: AuthorizedCall) -> Response:
    """Contacts; archived ones only on request."""
    keep = query.where(_CONTACT_FIELDS)
    words = request.args.get("searchTerm", "").lower()
    archived = request.args.get("includeArchived", "").lower() == "true"
    found = [
        contact
        for contact in call.book.all("contact")
        if keep(contact)
        and (archived or contact["status"] == "ACTIVE")
        and any(words in (contact[part] or "").lower() for part in ("name", "email", "first", "last"))
    ]
    page, pagination = query.paged(
        query.ordered(found, _CONTACT_FIELDS) if request.args.get("order") else sorted(found, key=_by_name)
    )
    summary = request.args.get("summaryOnly", "").lower() == "true"
    return envelope(**pagination, Contacts=[contact_resource(contact, summary=summary) for contact in page])


@bp.get("/api.xro/2.0/Contacts/<id_>")
@open_to(*CONTACTS)
def contact(call: AuthorizedCall, id_: str) -> Response:
    """One contact by id."""
    found = call.book.find("contact", id_.lower())
    return envelope(Contacts=[contact_resource(found)]) if found else not_found()


@bp.get("/api.xro/2.0/Accounts")
@open_to(*SETTINGS)
def accounts(call: AuthorizedCall) -> Response:
    """The chart of accounts, without pages."""
    keep = query.where(_ACCOUNT_FIELDS)
    found = query.ordered([account for account in call.book.all("account") if keep(account)], _ACCOUNT_FIELDS)
    return envelope(Accounts=[account_resource(account) for account in found])


@bp.get("/api.xro/2.0/TaxRates")
@open_to(*SETTINGS)
def tax_rates(call: AuthorizedCall) -> Response:
    """The organisation's rates of tax."""
    rates = [
        {"Name": f"{name.title()} {percent}%", "TaxType": name, "Status": "ACTIVE", "EffectiveRate": percent}
        for name, percent in call.organisation.tax.items()
    ]
    return envelope(TaxRates=rates)


@bp.get("/api.xro/2.0/Payments")
@open_to(*PAYMENTS)
def payments(call: AuthorizedCall) -> Response:
    """Payments on invoices and bills."""
    keep = query.where(_PAYMENT_FIELDS)
    found = [payment for payment in call.book.all("payment") if keep(payment)]
    page, pagination = query.paged(query.ordered(found, _PAYMENT_FIELDS))
    return envelope(**pagination, Payments=[payment_resource(call.book, payment) for payment in page])


def _by_name(contact: Record) -> Any:
    return contact["name"].lower()


def _is_guid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
