"""Records payments on invoices and bills."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.lookups import NO_ACCESS, long_day, look_up, named
from app.connectors.money import Money, PositiveAmount, decimals_of
from app.connectors.preview import Preview, facts
from app.connectors.preview import amount as spelled_out
from app.connectors.xero.accounting import create
from app.connectors.xero.invoices import Invoice, document_name, invoice_facts, read_invoice
from app.connectors.xero.ledger import AccountRow, PaymentRow, active_accounts
from app.connectors.xero.organisations import check_unlocked, organisation
from app.connectors.xero.values import AccountCode, Day, Identifier, read_as
from app.errors import InvalidArguments, ObjectNotFound

_NOT_PAYABLE = frozenset({"DRAFT", "SUBMITTED", "PAID", "VOIDED", "DELETED"})


class RecordedPayment(PaymentRow):
    """The payment as Xero saved it."""

    amount_still_due: Money | None = Field(
        None,
        validation_alias=AliasPath("Invoice", "AmountDue"),
        description="On the invoice, in its currency.",
    )


def _preview_of_payment(
    api: Api,
    invoice_id: str,
    amount: Decimal,
    date: Day,
    account_code: str | None,
    account_id: str | None,
    **_more: Any,
) -> Preview:
    """Preview of `record_payment`. Raises what stops it."""
    _check_one_account(account_code, account_id)
    invoice = look_up(lambda: _invoice_to_pay(api, invoice_id))
    accounts = look_up(lambda: active_accounts(api))
    check_unlocked(look_up(lambda: organisation(api)), date)
    account = None
    if invoice is not None:
        _check_payable(invoice, amount)
    if accounts is not None:
        account = _account_for_payments(accounts, account_code, account_id)
    currency = invoice.currency if invoice else None
    total = spelled_out(amount, currency)
    is_bill = invoice is not None and invoice.type == "ACCPAY"
    contact = (
        f" {'to' if is_bill else 'from'} {named(invoice.contact_name)}"
        if invoice and invoice.contact_name
        else ""
    )
    place = f" {'out of' if is_bill else 'into'} {named(account.name)}" if account and account.name else ""
    due = invoice.amount_due if invoice else None
    return Preview(
        f"Record payment of {total} on {document_name(invoice)}{contact}{place}, dated {long_day(date)}",
        f"Record payment, {total}",
        (
            *invoice_facts(invoice),
            *facts(
                ("Due after this payment", due and spelled_out(due - amount, currency)),
                ("Account", account.named if account else NO_ACCESS),
            ),
        ),
        frozenset({"amount", "date", *(["invoice_id"] if invoice and invoice.is_unique else [])}),
    )


@tool(
    title="Record a Xero payment",
    destructive=True,
    needs_scopes=("accounting.payments",),
    preview=_preview_of_payment,
)
def record_payment(
    api: Api,
    invoice_id: Annotated[Identifier, Field(description="Not the number.")],
    amount: Annotated[PositiveAmount, Field(description="In the invoice's currency.")],
    date: Annotated[date, Field(description="When the money moved.")],
    account_code: Annotated[
        AccountCode | None, Field(description="A BANK account or one with takes_payments.")
    ] = None,
    account_id: Annotated[
        Identifier | None, Field(description="Instead of account_code, for an account without one.")
    ] = None,
    reference: Annotated[str | None, Field(max_length=255, description="Free text.")] = None,
) -> RecordedPayment:
    """Record in the books that an AUTHORISED invoice or bill was paid, if the person asked for it. It moves
    no money and can't be undone from here.

    See what is due with xero_get_invoice, and accounts with xero_list_accounts.
    """
    _check_one_account(account_code, account_id)
    made = create(
        api,
        "/Payments",
        "Payments",
        {
            "Invoice": {"InvoiceID": invoice_id},
            "Account": {"AccountID": account_id} if account_id else {"Code": account_code},
            "Amount": float(amount),
            "Date": date.isoformat(),
            "Reference": reference,
        },
    )
    return read_as(RecordedPayment, made, wrote=True)


def _check_one_account(account_code: str | None, account_id: str | None) -> None:
    """Raises InvalidArguments unless exactly one is given."""
    if (account_code is None) == (account_id is None):
        raise InvalidArguments(
            "Give account_code, or account_id for an account without a code.",
            details={"fields": ["account_code", "account_id"]},
        )


def _invoice_to_pay(api: Api, invoice_id: str) -> Invoice:
    """The invoice or bill. Raises InvalidArguments for an unknown one, as recording a payment does."""
    try:
        return read_invoice(api, invoice_id)
    except ObjectNotFound:
        raise InvalidArguments(
            "invoice_id: use an id from xero_list_invoices.", details={"fields": ["invoice_id"]}
        ) from None


def _check_payable(invoice: Invoice, amount: Decimal) -> None:
    """Raises InvalidArguments for a payment that Xero would refuse."""
    if invoice.status in _NOT_PAYABLE:
        raise InvalidArguments(
            "invoice_id: only an AUTHORISED invoice or bill can be paid.", details={"fields": ["invoice_id"]}
        )
    places = decimals_of(invoice.currency)
    if amount != round(amount, places):
        raise InvalidArguments(
            f"amount: {invoice.currency} has {places or 'no'} decimals.", details={"fields": ["amount"]}
        )
    if invoice.amount_due is not None and amount > invoice.amount_due:
        due = spelled_out(invoice.amount_due, invoice.currency)
        raise InvalidArguments(
            f"amount: pay no more than the {due} that is still due.", details={"fields": ["amount"]}
        )


def _account_for_payments(
    accounts: list[AccountRow], account_code: str | None, account_id: str | None
) -> AccountRow:
    """The account that the payment goes to or comes from. Raises InvalidArguments if it takes none."""
    wanted = (account_id or "").lower()
    for each in accounts:
        is_it = each.account_id.lower() == wanted if account_id else each.code == account_code
        # an account whose kind Xero does not say may take payments
        if is_it and (each.type in {None, "BANK"} or each.takes_payments is not False):
            return each
    field = "account_id" if account_id else "account_code"
    raise InvalidArguments(
        f"{field}: use an active BANK account, or one with takes_payments, from xero_list_accounts.",
        details={"fields": [field]},
    )
