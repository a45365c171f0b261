"""Creates invoices, with tax where the company's country has VAT or GST."""

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any

from pydantic import Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.lookups import long_day, mailbox, money, named
from app.connectors.money import as_text, decimals_of
from app.connectors.preview import Preview, counted, facts, listed
from app.connectors.preview import amount as spelled_out
from app.connectors.quickbooks.accounting import home_currency, list_page, write
from app.connectors.quickbooks.accounts import Item
from app.connectors.quickbooks.customers import check_active, get_customer
from app.connectors.quickbooks.invoices import Invoice, invoice_with_lines
from app.connectors.quickbooks.query import among, where
from app.connectors.quickbooks.taxes import TaxCalculation, active_codes, percents_of
from app.connectors.quickbooks.values import (
    Day,
    EmailAddress,
    Identifier,
    QuantityGiven,
    TaxCodeId,
    UnitPrice,
)
from app.connectors.rows import Row
from app.errors import InvalidArguments

_UNIT_PRICE_STEP = Decimal("0.0000001")


class NewInvoiceLine(Row):
    """A line of a new invoice."""

    item_id: Annotated[Identifier, Field(description="Not a Category.")]
    quantity: QuantityGiven
    unit_price: Annotated[UnitPrice, Field(description="In the customer's currency.")]
    description: Annotated[str | None, Field(min_length=1, max_length=4000)] = None
    tax_code: Annotated[
        TaxCodeId | None, Field(description="Needed outside the US; from quickbooks_list_tax_codes.")
    ] = None


def _preview_of_invoice(
    api: Api,
    customer_id: str,
    lines: list[NewInvoiceLine],
    date: Day | None,
    due_date: Day | None,
    customer_email: str | None,
    global_tax_calculation: TaxCalculation | None,
    **_more: Any,
) -> Preview:
    """Preview of `create_invoice`, with the total of its lines. Raises what stops it."""
    _check_dates(date, due_date)
    customer = get_customer(api, customer_id)
    check_active(customer)
    currency = customer.currency or home_currency(api)
    items = _names_of_items(api, lines)
    taxes = _taxes_of(api, lines, global_tax_calculation)
    total = spelled_out(_gross(lines, _step(currency)), currency)
    tax = "including tax" if global_tax_calculation == "TaxInclusive" else "before tax"
    due = f", due {long_day(due_date)}" if due_date else ""
    return Preview(
        f"Create invoice for {named(customer.full_name or customer.display_name) or 'a customer'}: "
        f"{counted(len(lines), 'line')}, {total} {tax}{due}",
        f"Create invoice, {total}",
        facts(
            ("Customer", mailbox(customer.display_name, customer.email)),
            ("Balance now", money(customer.balance, currency)),
            ("Currency", currency),
            ("Items", listed(items, most=10)),
            ("Tax", taxes),
        ),
        frozenset({"due_date"}),
        "QuickBooks has no drafts: the invoice is in the books at once.",
    )


@tool(title="Create a QuickBooks invoice", destructive=True, preview=_preview_of_invoice)
def create_invoice(
    api: Api,
    customer_id: Annotated[Identifier, Field(description="From quickbooks_list_customers.")],
    lines: Annotated[list[NewInvoiceLine], Field(min_length=1, max_length=100, description="At most 100.")],
    date: Annotated[date | None, Field(description="Default: today.")] = None,
    due_date: Annotated[date | None, Field(description="Default: by the customer's terms.")] = None,
    customer_email: Annotated[EmailAddress | None, Field(description="For quickbooks_send_invoice.")] = None,
    memo: Annotated[
        str | None, Field(min_length=1, max_length=1000, description="Shown to the customer.")
    ] = None,
    global_tax_calculation: Annotated[
        TaxCalculation | None,
        Field(description="How prices include tax, outside the US. Default: TaxExcluded."),
    ] = None,
) -> Invoice:
    """Create an invoice, only if the person asked for it. There are no drafts: the customer owes it at once.

    Nothing is sent: that is quickbooks_send_invoice. Items are in quickbooks_list_items.
    """
    _check_dates(date, due_date)
    currency = _currency_of_customer(api, customer_id)
    step = _step(currency or home_currency(api))
    has_codes = any(line.tax_code for line in lines)
    record = {
        "CustomerRef": {"value": customer_id},
        "CurrencyRef": currency and {"value": currency},
        "TxnDate": date and date.isoformat(),
        "DueDate": due_date and due_date.isoformat(),
        "BillEmail": {"Address": customer_email} if customer_email else None,
        "CustomerMemo": {"value": memo} if memo else None,
        # documented as required outside the US, and as without effect there
        "GlobalTaxCalculation": global_tax_calculation or ("TaxExcluded" if has_codes else None),
        "Line": (
            _lines_with_tax_inside(api, lines, step)
            if global_tax_calculation == "TaxInclusive"
            else [_line(line, _amount(line, step), line.unit_price) for line in lines]
        ),
    }
    invoice = invoice_with_lines(api, write(api, "/invoice", "Invoice", record), wrote=True)
    api.say("The invoice is in the ledger; it was not sent.")
    gross = _gross(lines, step)
    if global_tax_calculation == "TaxInclusive" and invoice.total not in {None, gross}:
        expected = as_text(gross, invoice.currency)
        api.say(
            f"The invoice is in the ledger, but its total is not the {expected} that its prices add up to. "
            "Check it; it was not sent."
        )
    return invoice


def _check_dates(date: Day | None, due_date: Day | None) -> None:
    """Raises InvalidArguments for an invoice that is due before its date."""
    if date and due_date and due_date < date:
        raise InvalidArguments(
            "due_date: it must be a day on or after the invoice's date.", details={"fields": ["due_date"]}
        )


def _currency_of_customer(api: Api, customer_id: str) -> str | None:
    """The code of the `CurrencyRef` that a company with several currencies requires; None in one with one.

    Raises InvalidArguments for a customer QuickBooks does not know.
    """
    if api.business and api.business.facts.get("several_currencies") is False:
        return None
    return get_customer(api, customer_id).currency or None


def _names_of_items(api: Api, lines: list[NewInvoiceLine]) -> list[str]:
    """What the lines sell. Raises InvalidArguments for an unknown or inactive item, or a category."""
    ids = list(dict.fromkeys(line.item_id for line in lines))
    conditions = [where("Active", "=", True), among("Id", ids)]
    found = list_page(api, Item, "Item", conditions, "Id", limit=len(ids), offset=0).items
    names = {item.item_id: item.name or "an item without a name" for item in found if item.type != "Category"}
    if any(each not in names for each in ids):
        raise InvalidArguments(
            "lines: use ids of active items from quickbooks_list_items.", details={"fields": ["lines"]}
        )
    return [names[each] for each in ids]


def _taxes_of(api: Api, lines: list[NewInvoiceLine], calculation: TaxCalculation | None) -> str:
    """The tax codes of the lines by name. Raises InvalidArguments for a code that cannot be used."""
    wanted = dict.fromkeys(line.tax_code for line in lines)
    # what US companies have, without a record of their own
    if calculation != "TaxInclusive" and set(wanted) <= {None, "TAX", "NON"}:
        return "calculated by QuickBooks"
    codes = active_codes(api)
    if calculation == "TaxInclusive":
        _check_percents(lines, percents_of(api, codes))
    names = {code.tax_code: code.name or code.tax_code for code in codes}
    if any(each not in names for each in wanted if each and each not in {"TAX", "NON"}):
        raise InvalidArguments(
            "lines: use tax codes from quickbooks_list_tax_codes.", details={"fields": ["lines"]}
        )
    return listed([names.get(each, each) if each else "no tax code" for each in wanted], most=10)


def _step(currency: str | None) -> Decimal:
    """The smallest amount of the currency."""
    return Decimal(1).scaleb(-decimals_of(currency))


def _gross(lines: list[NewInvoiceLine], step: Decimal) -> Decimal:
    return sum((_amount(line, step) for line in lines), Decimal(0))


def _amount(line: NewInvoiceLine, step: Decimal) -> Decimal:
    return (line.quantity * line.unit_price).quantize(step, ROUND_HALF_UP)


def _lines_with_tax_inside(api: Api, lines: list[NewInvoiceLine], step: Decimal) -> list[dict[str, Any]]:
    """Lines whose prices include the tax: QuickBooks takes net amounts, with the gross one beside.

    Raises InvalidArguments where the tax in a price cannot be known.
    """
    percents = percents_of(api, active_codes(api))
    _check_percents(lines, percents)
    made = []
    for line in lines:
        gross = _amount(line, step)
        net = (gross / (1 + percents[line.tax_code or ""] / 100)).quantize(step, ROUND_HALF_UP)
        price = (net / line.quantity).quantize(_UNIT_PRICE_STEP, ROUND_HALF_UP)
        is_exact = (price * line.quantity).quantize(step, ROUND_HALF_UP) == net
        made.append(_line(line, net, price if is_exact else None, gross))
    return made


def _check_percents(lines: list[NewInvoiceLine], percents: Mapping[str, Decimal]) -> None:
    """Raises InvalidArguments for a line whose tax is not known."""
    unknown = sorted({line.tax_code or "none" for line in lines if line.tax_code not in percents})
    if unknown:
        raise InvalidArguments(
            f"lines: with TaxInclusive each line needs a tax_code with a percentage (this is not one: "
            f"{', '.join(unknown)}). Use codes from quickbooks_list_tax_codes, or prices without tax and "
            "TaxExcluded.",
            details={"fields": ["lines"]},
        )


def _line(
    line: NewInvoiceLine, amount: Decimal, unit_price: Decimal | None, gross: Decimal | None = None
) -> dict[str, Any]:
    """A line as QuickBooks takes it: JSON numbers from exact decimals, and their product as the amount."""
    detail = {
        "ItemRef": {"value": line.item_id},
        "Qty": float(line.quantity),
        "UnitPrice": None if unit_price is None else float(unit_price),
        "TaxCodeRef": {"value": line.tax_code} if line.tax_code else None,
        "TaxInclusiveAmt": None if gross is None else float(gross),
    }
    record = {
        "DetailType": "SalesItemLineDetail",
        "Amount": float(amount),
        "SalesItemLineDetail": {name: value for name, value in detail.items() if value is not None},
    }
    return {**record, "Description": line.description} if line.description else record
