"""Creates sales invoices and bills."""

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.lookups import NO_ACCESS, long_day, look_up, mailbox, named
from app.connectors.money import Money
from app.connectors.preview import Preview, amount, counted, facts, listed
from app.connectors.rows import Row
from app.connectors.xero.accounting import create, read
from app.connectors.xero.contacts import Contact, get_contact
from app.connectors.xero.invoices import FOUR_DECIMALS, InvoiceRow, InvoiceType
from app.connectors.xero.ledger import active_accounts
from app.connectors.xero.organisations import check_unlocked, organisation
from app.connectors.xero.values import AccountCode, Day, Identifier, Number, UnitAmount, XeroRow, read_as
from app.errors import InvalidArguments, ObjectNotFound

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
    warnings: list[str] = Field([], description="Xero's warnings on saving.")


class _TaxRate(XeroRow):
    """A rate of tax."""

    tax_type: str | None = Field(None, validation_alias="TaxType")
    name: str | None = Field(None, validation_alias="Name")
    percent: Number | None = Field(None, validation_alias="EffectiveRate")


def _preview_of_invoice(
    api: Api,
    contact_id: str,
    line_items: list[LineItem],
    type: InvoiceType,
    date: Day | None,
    due_date: Day | None,
    status: Literal["DRAFT", "AUTHORISED"],
    **_more: Any,
) -> Preview:
    """Preview of `create_invoice`, with the total of its lines. Raises what stops it."""
    _check_dates(status, date, due_date)
    contact = look_up(lambda: _active_contact(api, contact_id))
    accounts = _accounts_of(api, line_items)
    own = look_up(lambda: organisation(api))
    if status == "AUTHORISED":
        check_unlocked(own, date)
    taxes = _taxes_of(api, line_items)
    worths = (line.quantity * line.unit_amount for line in line_items)
    total = amount(
        sum((worth.quantize(Decimal("0.01"), ROUND_HALF_UP) for worth in worths), Decimal(0)),
        own.base_currency if own else None,
    )
    kind = "invoice for" if type == "ACCREC" else "bill from"
    state = "draft" if status == "DRAFT" else "approved"
    due = f", due {long_day(due_date)}" if due_date else ""
    name = (contact and named(contact.name)) or "a contact"
    return Preview(
        f"Create {state} {kind} {name}: {counted(len(line_items), 'line')}, {total} before tax{due}",
        f"Create {state} {kind.split()[0]}, {total}",
        facts(
            ("Contact", mailbox(contact.name, contact.email) if contact else NO_ACCESS),
            ("Accounts", listed(accounts, most=10)),
            ("Tax", listed(taxes, most=10)),
            ("Currency", own.base_currency if own else NO_ACCESS),
        ),
        frozenset({"type", "status", "due_date"}),
        "An approved document is in the books at once." if status == "AUTHORISED" else "",
    )


@tool(title="Create a Xero invoice", destructive=False, needs_scopes=_WRITE, preview=_preview_of_invoice)
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
    _check_dates(status, date, due_date)
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


def _check_dates(status: str, date: Day | None, due_date: Day | None) -> None:
    """Raises InvalidArguments for days that Xero would refuse."""
    if status == "AUTHORISED" and due_date is None:
        raise InvalidArguments(
            "due_date: an AUTHORISED invoice needs a due date. Add one, or create a DRAFT.",
            details={"fields": ["due_date"]},
        )
    if date and due_date and due_date < date:
        raise InvalidArguments(
            "due_date: it must be a day on or after the invoice's date.", details={"fields": ["due_date"]}
        )


def _active_contact(api: Api, contact_id: str) -> Contact:
    """The contact of a new document. Raises InvalidArguments for an unknown or archived one."""
    try:
        contact = get_contact(api, contact_id)
    except ObjectNotFound:
        contact = None
    if contact is None or contact.status in {"ARCHIVED", "GDPRREQUEST"}:
        raise InvalidArguments(
            "contact_id: use the id of an active contact from xero_list_contacts.",
            details={"fields": ["contact_id"]},
        )
    return contact


def _accounts_of(api: Api, lines: list[LineItem]) -> list[str]:
    """The accounts of the lines by name. Raises InvalidArguments for a code that no line can have."""
    found = look_up(lambda: active_accounts(api))
    if found is None:
        return [NO_ACCESS]
    names = {each.code: each.named for each in found if each.type != "BANK"}
    if any(line.account_code not in names for line in lines):
        raise InvalidArguments(
            "account_code: use the code of an active account from xero_list_accounts, not of a bank account.",
            details={"fields": ["account_code"]},
        )
    return list(dict.fromkeys(names[line.account_code] for line in lines))


def _taxes_of(api: Api, lines: list[LineItem]) -> list[str]:
    """The tax of the lines by name. Raises InvalidArguments for a tax type the organisation does not have."""
    wanted = dict.fromkeys(line.tax_type for line in lines)
    default = ["the account's default"] if None in wanted else []
    if set(wanted) == {None}:
        return default
    found = look_up(lambda: read(api, "/TaxRates", "TaxRates"))
    if found is None:
        return [NO_ACCESS]
    rates = {rate.tax_type: rate for rate in (read_as(_TaxRate, record) for record in found[0])}
    if any(each not in rates for each in wanted if each):
        raise InvalidArguments(
            "tax_type: this organisation has no such tax. Use the account's tax type, or leave it out.",
            details={"fields": ["tax_type"]},
        )
    return [*(_tax_name(rates[each]) for each in wanted if each), *default]


def _tax_name(rate: _TaxRate) -> str:
    percent = f"{rate.percent.normalize():f}%" if rate.percent is not None else ""
    return " ".join(filter(None, (rate.name or rate.tax_type, f"({percent})" if percent else "")))


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
