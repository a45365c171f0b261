"""Sends an invoice by email."""

from typing import Annotated

from pydantic import Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.lookups import (
    UNKNOWN,
    email_headline,
    look_up,
    look_up_related,
    mailbox,
    money,
    send_button,
)
from app.connectors.preview import Preview, counted, facts, listed
from app.connectors.rows import Row
from app.connectors.xero.accounting import send_empty
from app.connectors.xero.contacts import Contact, get_contact
from app.connectors.xero.invoices import Invoice, document_name, invoice_facts, read_invoice
from app.connectors.xero.values import Identifier
from app.errors import InvalidArguments, ToolError

_NOT_SENDABLE = frozenset({"DRAFT", "VOIDED", "DELETED"})


class EmailedInvoice(Row):
    """That an invoice was sent."""

    invoice_id: str
    sent: bool


def _preview_of_email(api: Api, invoice_id: str, confirm: bool) -> Preview:
    """Preview of `email_invoice`, with everybody it goes to. Raises what stops it."""
    _check_confirmed(api, invoice_id, confirm)
    invoice = look_up(lambda: read_invoice(api, invoice_id))
    if invoice is not None:
        _check_sendable(invoice)
    contact = look_up_related(lambda: _contact_of(api, invoice))
    if contact is not None and not contact.email:
        raise InvalidArguments(
            "invoice_id: nothing was sent. The contact has no email address in Xero.",
            details={"fields": ["invoice_id"]},
        )
    recipients = contact.recipients if contact else []
    more = len(recipients) - 1
    name = invoice.contact_name if invoice else None
    whom = mailbox(name, contact.email if contact else None) or "its contact"
    total = money(invoice.total, invoice.currency) if invoice else ""
    return Preview(
        email_headline(
            document_name(invoice),
            total,
            f"to {whom}" + (f" and {counted(more, 'contact person', 'contact persons')}" if more > 0 else ""),
        ),
        send_button(total),
        (
            *invoice_facts(invoice),
            *facts(
                ("Recipients", listed(recipients, most=20) or UNKNOWN),
                ("Sent before", "yes" if invoice and invoice.sent_to_contact else ""),
            ),
        ),
        frozenset({"invoice_id"} if invoice and invoice.is_unique else ()),
        f"Goes to {len(recipients)} email addresses." if more > 0 else "",
    )


@tool(
    title="Email a Xero invoice",
    destructive=True,
    needs_scopes=("accounting.invoices",),
    preview=_preview_of_email,
)
def email_invoice(
    api: Api,
    invoice_id: Annotated[Identifier, Field(description="Not the number.")],
    confirm: Annotated[bool, Field(description="true once the person agreed; false returns the recipients.")],
) -> EmailedInvoice:
    """Email a sales invoice, irrevocably, to its contact and every contact person whom Xero includes in
    emails. Tell the person who gets it, and ask first.

    The invoice must be SUBMITTED, AUTHORISED or PAID.
    """
    _check_confirmed(api, invoice_id, confirm)
    send_empty(api, "/Invoices/{invoice_id}/Email", parts={"invoice_id": invoice_id})
    api.say("Invoice sent to the contact and the contact persons included in emails.")
    return EmailedInvoice(invoice_id=invoice_id, sent=True)


def _check_confirmed(api: Api, invoice_id: str, confirm: bool) -> None:
    """Raises InvalidArguments with the recipients, as far as they can be read, unless the person agreed."""
    if confirm:
        return
    try:
        contact = _contact_of(api, read_invoice(api, invoice_id))
    except ToolError:
        contact = None
    recipients = contact.recipients if contact else []
    addresses = "address" if len(recipients) == 1 else "addresses"
    whom = f" ({len(recipients)} {addresses}, in the details)" if recipients else ""
    raise InvalidArguments(
        "confirm: nothing was sent. Xero emails the contact and every contact person included in emails"
        f"{whom}. Ask the person first, then call again with confirm set to true.",
        details={"fields": ["confirm"], **({"recipients": recipients} if recipients else {})},
    )


def _check_sendable(invoice: Invoice) -> None:
    """Raises InvalidArguments for a document that Xero does not email."""
    if invoice.type == "ACCPAY":
        raise InvalidArguments(
            "invoice_id: this is a bill. Only sales invoices can be emailed.",
            details={"fields": ["invoice_id"]},
        )
    if invoice.status in _NOT_SENDABLE:
        raise InvalidArguments(
            "invoice_id: only a SUBMITTED, AUTHORISED or PAID invoice can be emailed. This one is "
            f"{invoice.status}.",
            details={"fields": ["invoice_id"]},
        )


def _contact_of(api: Api, invoice: Invoice | None) -> Contact | None:
    """The contact of an invoice with its persons; None if the invoice names none."""
    return get_contact(api, invoice.contact_id) if invoice and invoice.contact_id else None
