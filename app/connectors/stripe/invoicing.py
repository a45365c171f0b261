"""Invoices created as drafts, and sent only on the person's word."""

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from app.connectors.api import Api
from app.connectors.checks import check_confirmed
from app.connectors.function_tool import tool
from app.connectors.lookups import (
    NO_ACCESS,
    email_headline,
    long_day,
    look_up,
    mailbox,
    money,
    named,
    named_invoice,
    send_button,
)
from app.connectors.preview import Preview, counted, facts, listed, quoted
from app.connectors.preview import amount as spelled_out
from app.connectors.stripe.amounts import (
    SignedAmount,
    StripeRow,
    in_decimal_units,
    in_smallest_units,
    smallest_unit,
)
from app.connectors.stripe.customers import get_customer
from app.connectors.stripe.invoices import Invoice, InvoiceId, InvoiceRow, detailed, read_with_lines
from app.connectors.stripe.prices import Price, check_active, find_prices
from app.connectors.stripe.records import create, encoded, one
from app.connectors.stripe.values import Currency, StripeId, read_as
from app.errors import InvalidArguments, ToolError


class Item(BaseModel):
    """A line of a new invoice: an amount, or a unit_amount and a quantity, or a price and a quantity."""

    model_config = ConfigDict(extra="forbid")

    description: Annotated[str, Field(min_length=1, max_length=500)]
    amount: SignedAmount | None = Field(None, description="The whole line, such as 12.50.")
    unit_amount: SignedAmount | None = Field(None, description="Unit price.")
    quantity: Annotated[int | None, Field(ge=1, le=999_999_999)] = None
    price: StripeId | None = Field(None, description="Price id, instead of amounts.")


class _AddedLine(StripeRow):
    """What Stripe answers when a line was added."""

    id: str


def _preview_of_invoice(
    api: Api, customer: str, items: list[Item], currency: str | None, **_more: Any
) -> Preview:
    """Preview of `create_invoice`, with the total of its lines. Raises what stops it."""
    _check(items, currency)
    code = currency.upper() if currency else None
    for number, item in enumerate(items):
        _line(number, item, code.lower() if code else None)
    who = look_up(lambda: get_customer(api, customer))
    prices = find_prices(api, (item.price for item in items if item.price))
    code = _check_prices(items, prices, code)
    worths = [_worth(item, prices, code) for item in items]
    known = [worth for worth in worths if worth is not None]
    total = spelled_out(sum(known, Decimal(0)), code) if known else ""
    open_ = len(worths) - len(known)
    more = f"{counted(open_, 'line')} at a price that Stripe works out" if open_ else ""
    lines = counted(len(items), "line")
    whom = (named(who.name or who.email) if who else "") or "a customer"
    return Preview(
        f"Create draft invoice for {whom}: {lines}, "
        + " plus ".join(filter(None, (f"{total} before tax" if total else "", more))),
        f"Create draft, {total}" if total and not open_ else "Create draft invoice",
        facts(
            ("Customer", who.mailbox if who else NO_ACCESS),
            ("Customer's email", (who.email or "none") if who else NO_ACCESS),
            *(
                (f"Price of {quoted(item.description)}", _price_of(item, prices))
                for item in items
                if item.price
            ),
        ),
    )


@tool(title="Create a Stripe invoice", destructive=False, preview=_preview_of_invoice)
def create_invoice(
    api: Api,
    customer: Annotated[StripeId, Field(description="Id from stripe_list_customers.")],
    items: Annotated[
        list[Item],
        Field(min_length=1, max_length=50, description="Each with one of amount, unit_amount and price."),
    ],
    currency: Annotated[
        Currency | None, Field(description="Such as usd; needed unless every line has a price.")
    ] = None,
    days_until_due: Annotated[int, Field(ge=1, le=3650, description="Days to pay.")] = 30,
    description: Annotated[str | None, Field(max_length=1500, description="Note on the invoice.")] = None,
) -> Invoice:
    """Create a draft invoice with its lines. Nothing is sent or charged.

    To finalize and email it use stripe_send_invoice.
    """
    _check(items, currency)
    code = currency.lower() if currency else None
    lines = [_line(number, item, code) for number, item in enumerate(items)]
    draft = api.post(
        "/v1/invoices",
        form=encoded(
            {
                "customer": customer,
                "currency": code,
                "collection_method": "send_invoice",
                "days_until_due": days_until_due,
                "auto_advance": False,
                "description": description,
            }
        ),
    )
    id_ = read_as(InvoiceRow, draft, wrote=True).id
    done = 0
    try:
        for line in lines:
            api.progress(done, len(lines), "Adding the lines")
            create(api, "/v1/invoiceitems", _AddedLine, {"customer": customer, "invoice": id_, **line})
            done += 1
        made = read_with_lines(api, id_)
    except ToolError as error:
        error.message = (
            f"A draft was created with {done} of {len(lines)} lines: complete or delete the invoice named in "
            f"the details. {error.message}"
            if done < len(lines)
            else "The draft was created with all its lines, but reading it failed: get the invoice named in "
            f"the details. {error.message}"
        )
        error.args = (error.message,)
        error.details = {**error.details, "invoice": id_}
        raise
    api.say("The draft was created; nothing was sent.")
    return made


def _preview_of_email(api: Api, invoice: str, confirm: bool) -> Preview:
    """Preview of `send_invoice`. Raises what stops it."""
    check_confirmed(confirm, "nothing was sent")
    found = look_up(lambda: one(api, "/v1/invoices/{id}", Invoice, invoice))
    if found is None:
        return Preview(
            "Email an invoice that could not be looked up to its customer",
            "Send invoice",
            facts(("Invoice", NO_ACCESS)),
        )
    _check_sendable(found)
    is_draft = found.status == "draft"
    total = money(found.total, found.currency)
    what = (
        named_invoice(found.number)
        if found.number
        else "a draft invoice"
        if is_draft
        else named_invoice(None)
    )
    warnings = [
        "A draft becomes final: it can be voided, but not changed or deleted." if is_draft else "",
        "" if found.customer_email else "The customer has no email address, so Stripe may not send it.",
        "" if api.facts.get("livemode") is True else "In test mode Stripe sends no email.",
    ]
    return Preview(
        email_headline(
            what, total, f"to {mailbox(found.customer_name, found.customer_email) or 'its customer'}"
        ),
        send_button(total),
        facts(
            ("Customer", mailbox(found.customer_name, found.customer_email)),
            ("Status", found.status),
            ("Total", total),
            ("Amount remaining", money(found.amount_remaining, found.currency)),
            ("Due date", found.due_date and long_day(date.fromisoformat(found.due_date))),
            ("Lines", listed((each.description or "no text" for each in found.lines), most=5)),
        ),
        frozenset({"invoice"} if found.number else ()),
        " ".join(filter(None, warnings)),
    )


@tool(title="Email a Stripe invoice", destructive=True, preview=_preview_of_email)
def send_invoice(
    api: Api,
    invoice: InvoiceId,
    confirm: Annotated[bool, Field(description="true once the person agreed to send this invoice.")],
) -> Invoice:
    """Email an invoice to its customer. A draft becomes final: it can be voided, not changed or deleted.

    Use it only after the person agreed. In test mode Stripe sends no email.
    """
    check_confirmed(confirm, "nothing was sent")
    sent = detailed(api, api.post("/v1/invoices/{id}/send", parts={"id": invoice}), wrote=True)
    api.say(_outcome(sent, live=api.facts.get("livemode") is True))
    return sent


def _outcome(invoice: Invoice, *, live: bool) -> str:
    """What Stripe's answer says became of it."""
    if invoice.status == "draft":
        return "Stripe accepted the request, but the invoice is still a draft: check it there."
    if not live:
        return "The invoice is final. In test mode Stripe sends no email."
    if not invoice.customer_email:
        return "The invoice is final, but its customer has no email address: check there whether it was sent."
    return "The invoice is final, and Stripe is emailing it to its customer."


def _check(items: list[Item], currency: str | None) -> None:
    """Raises InvalidArguments for a line without exactly one kind of amount."""
    for number, item in enumerate(items):
        if sum(value is not None for value in (item.amount, item.unit_amount, item.price)) != 1:
            raise InvalidArguments(
                f"items.{number}: give exactly one of amount, unit_amount and price.",
                details={"fields": [f"items.{number}"]},
            )
        if item.amount is not None and item.quantity is not None:
            raise InvalidArguments(
                f"items.{number}: a quantity goes with unit_amount or price; amount is the whole line.",
                details={"fields": [f"items.{number}.quantity"]},
            )
    if currency is None and any(item.price is None for item in items):
        raise InvalidArguments(
            "currency: give it, unless every line has a price.", details={"fields": ["currency"]}
        )


def _line(number: int, item: Item, currency: str | None) -> Mapping[str, Any]:
    line: dict[str, Any] = {"description": item.description}
    if item.price is not None or currency is None:
        return {**line, "pricing": {"price": item.price}, "quantity": item.quantity or 1}
    if item.unit_amount is not None:
        quantity = item.quantity or 1
        unit_amount = in_decimal_units(item.unit_amount, quantity, currency, f"items.{number}.unit_amount")
        return {**line, "unit_amount_decimal": unit_amount, "quantity": quantity, "currency": currency}
    amount = in_smallest_units(item.amount or Decimal(0), currency, f"items.{number}.amount")
    return {**line, "amount": amount, "currency": currency}


def _check_sendable(invoice: Invoice) -> None:
    """Raises InvalidArguments for an invoice that Stripe does not send."""
    if invoice.status in {"paid", "void", "uncollectible"}:
        raise InvalidArguments(
            f"invoice: only a draft or an open invoice can be sent. This one is {invoice.status}.",
            details={"fields": ["invoice"]},
        )
    if invoice.status == "draft" and not invoice.lines and invoice.total == 0:
        raise InvalidArguments("invoice: it has no lines yet.", details={"fields": ["invoice"]})


def _check_prices(items: list[Item], prices: Mapping[str, Price], currency: str | None) -> str | None:
    """The invoice's currency. Raises InvalidArguments for a price that the invoice cannot have."""
    for number, item in enumerate(items):
        if (price := prices.get(item.price or "")) is None:
            continue
        argument = f"items.{number}.price"
        check_active(price, argument)
        currency = currency or price.currency
        if price.currency and price.currency != currency:
            raise InvalidArguments(
                f"{argument}: this price is in {price.currency[:3]}, the invoice in {currency}.",
                details={"fields": [argument]},
            )
    return currency


def _worth(item: Item, prices: Mapping[str, Price], currency: str | None) -> Decimal | None:
    """What a line comes to before tax; None if that is up to Stripe, or the price may not be read."""
    if item.amount is not None:
        return item.amount
    each = item.unit_amount
    if each is None:
        price = prices.get(item.price or "")
        if price is None or not price.is_plain:
            return None
        each = price.unit_amount or Decimal(0)
    return (each * (item.quantity or 1)).quantize(smallest_unit(currency or ""), ROUND_HALF_UP)


def _price_of(item: Item, prices: Mapping[str, Price]) -> str:
    price = prices.get(item.price or "")
    return price.described if price else NO_ACCESS
