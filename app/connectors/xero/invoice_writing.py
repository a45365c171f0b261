"""Sales invoices and bills: creating them, and sending an invoice by e-mail."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.money import Money
from app.connectors.rows import Row
from app.connectors.xero.accounting import create, read_one, send_empty
from app.connectors.xero.invoices import FOUR_DECIMALS, Invoice, InvoiceRow, InvoiceType
from app.connectors.xero.values import AccountCode, Identifier, UnitAmount, XeroRow, read_as
from app.errors import InvalidArguments, ToolError

_WRITE = ("accounting.invoices",)
_MOST_WARNINGS = 10


class LineItem(Row):
    """A line of a new invoice."""

    description: Annotated[str, Field(min_length=1, max_length=4000)]
    quantity: UnitAmount
    unit_amount: Annotated[UnitAmount, Field(description="Before tax, in the base currency.")]
    account_code: Annotated[AccountCode, Field(description="Such as 200 for sales.")]
    tax_type: Annotated[
        str | None, Field(max_length=50, description="Such as OUTPUT; default: the account's.")
    ] = None


class CreatedInvoice(InvoiceRow):
    """The invoice as Xero saved it."""

    subtotal: Money | None = Field(None, validation_alias="SubTotal")
    total_tax: Money | None = Field(None, validation_alias="TotalTax")
    warnings: list[str] = Field([], description="What Xero remarked while saving.")


class EmailedInvoice(Row):
    """That an invoice was sent."""

    invoice_id: str
    sent: bool


class _ContactPerson(XeroRow):
    email: str | None = Field(None, validation_alias="EmailAddress")
    is_included: bool = Field(False, validation_alias="IncludeInEmails")


class _Recipients(XeroRow):
    email: str | None = Field(None, validation_alias="EmailAddress")
    persons: list[_ContactPerson] = Field([], validation_alias="ContactPersons")


@tool(title="Create Xero invoice", destructive=False, needs_scopes=_WRITE)
def create_invoice(
    api: Api,
    contact_id: Annotated[Identifier, Field(description="From xero_list_contacts.")],
    line_items: Annotated[list[LineItem], Field(min_length=1, max_length=100, description="Up to 100.")],
    type: Annotated[InvoiceType, Field(description="ACCREC: sales invoice. ACCPAY: bill.")] = "ACCREC",
    date: Annotated[date | None, Field(description="Default: today.")] = None,
    due_date: Annotated[date | None, Field(description="AUTHORISED needs one.")] = None,
    reference: Annotated[
        str | None, Field(max_length=255, description="Of a bill: the supplier's invoice number.")
    ] = None,
    status: Annotated[
        Literal["DRAFT", "AUTHORISED"], Field(description="AUTHORISED is in the books.")
    ] = "DRAFT",
) -> CreatedInvoice:
    """Create a sales invoice or a bill in the organisation's base currency. Use DRAFT unless the person asked
    for an approved one.

    It sends nothing: that is xero_email_invoice. Account codes are in xero_list_accounts.
    """
    if status == "AUTHORISED" and due_date is None:
        raise InvalidArguments(
            "due_date: an AUTHORISED invoice needs a due date. Add one, or create a DRAFT.",
            details={"fields": ["due_date"]},
        )
    made = create(
        api,
        "/Invoices",
        "Invoices",
        {
            "Type": type,
            "Contact": {"ContactID": contact_id},
            "LineItems": [_line(line) for line in line_items],
            "Date": date and date.isoformat(),
            "DueDate": due_date and due_date.isoformat(),
            # Xero-OpenAPI: Reference is of sales invoices only. A bill's InvoiceNumber is what Xero shows
            # as its reference.
            "Reference" if type == "ACCREC" else "InvoiceNumber": reference,
            "LineAmountTypes": "Exclusive",
            "Status": status,
        },
        params=FOUR_DECIMALS,
    )
    invoice = read_as(CreatedInvoice, made, wrote=True)
    invoice.warnings = _warnings(made)
    kind = "invoice" if type == "ACCREC" else "bill"
    api.say(
        f"The {kind} was created as a draft; nothing was sent."
        if (invoice.status or status) == "DRAFT"
        else f"The {kind} was created with status {invoice.status or status}; it was not sent."
    )
    return invoice


@tool(
    title="E-mail Xero invoice to its contact and their included contact persons",
    destructive=True,
    needs_scopes=_WRITE,
)
def email_invoice(
    api: Api,
    invoice_id: Annotated[Identifier, Field(description="Not the number.")],
    confirm: Annotated[bool, Field(description="true once the person agreed; false returns the recipients.")],
) -> EmailedInvoice:
    """E-mail a sales invoice, irrevocably, to its contact and to every contact person whom Xero includes in
    e-mails. Tell the person that, and ask first.

    The invoice must be SUBMITTED, AUTHORISED or PAID.
    """
    if not confirm:
        recipients = _recipients(api, invoice_id)
        raise InvalidArguments(
            "confirm: nothing was sent. Xero mails the contact and every contact person included in e-mails"
            f"{_whom(recipients)}. Ask the person first, then call again with confirm set to true.",
            details={"fields": ["confirm"], **({"recipients": recipients} if recipients else {})},
        )
    send_empty(api, "/Invoices/{invoice_id}/Email", parts={"invoice_id": invoice_id})
    api.say("The invoice was sent to the contact and to the contact persons included in e-mails.")
    return EmailedInvoice(invoice_id=invoice_id, sent=True)


def _recipients(api: Api, invoice_id: str) -> list[str]:
    """The addresses that Xero would mail; empty when they cannot be read."""
    try:
        parts = {"id": invoice_id}
        invoice = read_as(Invoice, read_one(api, "/Invoices/{id}", "Invoices", parts=parts))
        parts = {"id": str(invoice.contact_id)}
        contact = read_as(_Recipients, read_one(api, "/Contacts/{id}", "Contacts", parts=parts))
    except ToolError:
        return []
    included = [person.email for person in contact.persons if person.is_included]
    return [email for email in dict.fromkeys((contact.email, *included)) if email]


def _whom(recipients: list[str]) -> str:
    addresses = "address" if len(recipients) == 1 else "addresses"
    return f" ({len(recipients)} {addresses}, in the details)" if recipients else ""


def _warnings(made: Mapping[str, Any]) -> list[str]:
    found = made.get("Warnings")
    warnings = [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
    return [str(each.get("Message", ""))[:300] for each in warnings][:_MOST_WARNINGS]


def _line(line: LineItem) -> dict[str, Any]:
    """A line as Xero takes it: JSON numbers from exact decimals."""
    record: dict[str, Any] = {
        "Description": line.description,
        "Quantity": float(line.quantity),
        "UnitAmount": float(line.unit_amount),
        "AccountCode": line.account_code,
    }
    return {**record, "TaxType": line.tax_type} if line.tax_type else record
