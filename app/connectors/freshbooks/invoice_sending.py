"""Sending an invoice by email."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from app.connectors.api import Api
from app.connectors.checks import check_confirmed
from app.connectors.freshbooks.families import change_accounting, unconfirmed
from app.connectors.freshbooks.invoices import (
    PATH,
    WRITE,
    Invoice,
    InvoiceDetail,
    invoice_facts,
    read_invoice,
)
from app.connectors.freshbooks.values import InvoiceId, read_as
from app.connectors.function_tool import tool
from app.connectors.lookups import (
    email_headline,
    mailbox,
    money,
    named,
    named_invoice,
    send_button,
)
from app.connectors.preview import Preview, listed
from app.connectors.rows import Row
from app.errors import InvalidArguments, OutcomeUnknown, ToolError

EmailAddress = Annotated[str, Field(pattern=r"^[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\"]+$", max_length=254)]


class SentInvoice(Row):
    """An invoice that was sent."""

    invoice_id: int
    invoice_number: str
    v3_status: str | None
    recipients: list[str]


def _preview_of_email(
    api: Api, invoice_id: int, confirm: bool, recipients: list[str] | None, **_more: Any
) -> Preview:
    """Preview of `send_invoice`. Raises what stops it."""
    invoice = _sendable(api, invoice_id, confirm, recipients)
    whom = f"to {listed(recipients) if recipients else mailbox(invoice.client, invoice.recipient)}"
    if recipients and invoice.client:
        whom = f"for {named(invoice.client)} {whom}"
    people = f"Goes to {len(recipients)} email addresses." if recipients and len(recipients) > 1 else ""
    total = money(invoice.amount, invoice.currency)
    return Preview(
        email_headline(named_invoice(invoice.invoice_number), total, whom),
        send_button(total),
        invoice_facts(invoice),
        frozenset({"recipients", *(["invoice_id"] if invoice.invoice_number else [])}),
        people,
    )


@tool(title="Email an invoice", destructive=True, needs_scopes=WRITE, preview=_preview_of_email)
def send_invoice(
    api: Api,
    invoice_id: InvoiceId,
    confirm: Annotated[bool, Field(description="true once the person agreed to this email.")],
    recipients: Annotated[
        list[EmailAddress] | None,
        Field(min_length=1, max_length=10, description="Default: the client's own address."),
    ] = None,
    subject: Annotated[
        str | None,
        Field(min_length=1, max_length=200, pattern=r"^[^\r\n]*$", description="Default: FreshBooks' own."),
    ] = None,
    message: Annotated[
        str | None, Field(min_length=1, max_length=5000, description="Default: FreshBooks' own.")
    ] = None,
) -> SentInvoice:
    """Email an invoice to the client now, irrevocably; a draft becomes sent.

    Read it with freshbooks_get_invoice and ask the person first. All drafts at once:
    freshbooks_send_saturday_invoices.
    """
    invoice = _sendable(api, invoice_id, confirm, recipients)
    custom = {key: value for key, value in (("subject", subject), ("body", message)) if value}
    fields = {
        "email_recipients": recipients,
        "email_include_pdf": False,
        "invoice_customized_email": custom or None,
    }
    with unconfirmed(
        "FreshBooks did not confirm the email. Check the invoice's status with freshbooks_get_invoice before "
        "trying again: a second try may send it twice."
    ):
        sent = mail(api, invoice_id, fields)
    if sent.is_draft:
        raise OutcomeUnknown(
            "FreshBooks accepted the request but still lists the invoice as a draft, so it was probably not "
            "sent. Check it with freshbooks_get_invoice, or in FreshBooks, before trying again."
        )
    api.say(
        "Invoice sent."
        if sent.v3_status
        else "FreshBooks accepted the request but does not say whether it sent the invoice: check it first."
    )
    return SentInvoice(
        invoice_id=sent.invoice_id,
        invoice_number=sent.invoice_number or invoice.invoice_number,
        v3_status=sent.v3_status,
        recipients=list(recipients) if recipients else [invoice.recipient],
    )


def _sendable(api: Api, invoice_id: int, confirm: bool, recipients: list[str] | None) -> InvoiceDetail:
    """The invoice to send. Raises InvalidArguments without the person's agreement or an address."""
    check_confirmed(confirm, "nothing was sent")
    invoice = read_invoice(api, invoice_id)
    if not recipients and not invoice.recipient:
        raise InvalidArguments("Nothing was sent: the client has no email address on file. Give recipients.")
    return invoice


def mail(api: Api, invoice_id: int, fields: Mapping[str, Any] | None = None) -> Invoice:
    """Has FreshBooks email an invoice. Returns it as it is afterwards: still a draft if it was not sent.

    An answer that does not show it as sent may be older than the email, so the invoice is read again.
    """
    record = change_accounting(api, PATH, "invoice", invoice_id, {"action_email": True, **(fields or {})})
    sent = read_as(Invoice, record, wrote=True)
    if sent.v3_status not in {None, "draft"}:
        return sent
    try:
        return read_invoice(api, invoice_id)
    except ToolError:
        return sent  # it may have been sent: an unreadable effect must not look like a failure of it
