"""Refunds."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AliasPath, Field

from app.connectors.api import Api
from app.connectors.checks import check_confirmed
from app.connectors.function_tool import tool
from app.connectors.lookups import NO_ACCESS, UNKNOWN, look_up, look_up_related, mailbox, money
from app.connectors.preview import Preview, facts
from app.connectors.preview import amount as spelled_out
from app.connectors.stripe.amounts import Amount, CurrencyCode, StripeMoney, StripeRow, in_smallest_units
from app.connectors.stripe.customers import get_customer
from app.connectors.stripe.records import create, one
from app.connectors.stripe.values import Currency, Moment, StripeId, unreadable
from app.errors import InvalidArguments

# https://docs.stripe.com/api/payment_intents/object#payment_intent_object-status, and of a charge
_NOT_PAID = frozenset([
    "requires_payment_method", "requires_confirmation", "requires_action", "requires_capture", "processing",
    "canceled", "pending", "failed",
])  # fmt: skip


class _Paid(StripeRow):
    """A payment or its charge, as far as it decides about a refund."""

    amount: StripeMoney = None
    amount_captured: StripeMoney = None
    amount_refunded: StripeMoney = None
    currency: CurrencyCode = None
    status: str | None = None
    disputed: bool | None = None
    description: str | None = None
    customer: str | None = None
    latest_charge: str | None = None
    name: str | None = Field(None, validation_alias=AliasPath("billing_details", "name"))
    email: str | None = Field(None, validation_alias=AliasPath("billing_details", "email"))

    @property
    def payer(self) -> str:
        """Who paid, by what was filled in when paying."""
        return mailbox(self.name, self.email)


class Refund(StripeRow):
    """Money on its way back."""

    id: str
    amount: StripeMoney = None
    currency: CurrencyCode = None
    status: str | None = Field(None, description="Only succeeded has left the account.")
    failure_reason: str | None = None
    reason: str | None = None
    payment_intent: str | None = None
    charge: str | None = None
    created: Moment = None


def _preview_of_refund(
    api: Api,
    confirm: bool,
    payment_intent: str | None,
    charge: str | None,
    amount: Decimal | None,
    currency: str | None,
    **_more: Any,
) -> Preview:
    """Preview of `create_refund`, with what is left to refund. Raises what stops it."""
    _check_one_payment(payment_intent, charge)
    check_confirmed(confirm, "nothing was refunded")
    paid: _Paid | None
    if amount is not None or currency is not None:
        paid = needed = _read(api, payment_intent, charge)
        _part_of(needed, amount, currency)
    else:
        paid = look_up(lambda: _read(api, payment_intent, charge))
    its_charge = paid if charge else _charge_of(api, paid)
    left = _check_refundable(paid, its_charge, amount) if paid else None
    code = paid.currency if paid else None
    customer_id = paid.customer if paid else None
    customer = look_up_related(lambda: get_customer(api, customer_id)) if customer_id else None
    payer = customer.mailbox if customer else its_charge.payer if its_charge else ""
    whole = money(paid.amount, code) if paid else ""
    payment = " ".join(filter(None, ("payment", f"of {whole}" if whole else "", payer and f"by {payer}")))
    back = money(left if amount is None else amount, code)
    rest = f"all that is left, {back}," if back else "all that is left"
    return Preview(
        f"Refund {rest if amount is None else back} of the {payment}",
        f"Refund {back}" if back else "Refund payment",
        facts(
            ("Payment", whole or NO_ACCESS),
            ("Paid for", paid and paid.description),
            ("Paid by", payer),
            ("Left to refund", money(left, code) or UNKNOWN),
        ),
        frozenset({"amount", "currency"}),
    )


@tool(title="Refund a Stripe payment", destructive=True, preview=_preview_of_refund)
def create_refund(
    api: Api,
    confirm: Annotated[bool, Field(description="true once the person agreed to this refund.")],
    payment_intent: Annotated[
        StripeId | None, Field(description="Id from stripe_list_payments; or give charge.")
    ] = None,
    charge: Annotated[StripeId | None, Field(description="Charge id.")] = None,
    amount: Annotated[
        Amount | None,
        Field(description="In the payment's currency, such as 12.50; default: all that is left."),
    ] = None,
    currency: Annotated[Currency | None, Field(description="Of amount, as a check.")] = None,
    reason: Annotated[
        Literal["duplicate", "fraudulent", "requested_by_customer"] | None,
        Field(description="For Stripe's records."),
    ] = None,
) -> Refund:
    """Refund a payment, in full or in part. It can't be undone.

    Use it only after the person agreed to this exact refund and amount.
    """
    _check_one_payment(payment_intent, charge)
    check_confirmed(confirm, "nothing was refunded")
    sent: dict[str, Any] = {"payment_intent": payment_intent, "charge": charge, "reason": reason}
    if amount is not None or currency is not None:
        sent["amount"] = _part_of(_read(api, payment_intent, charge), amount, currency)
    refund = create(api, "/v1/refunds", Refund, sent)
    api.say(_outcome(refund))
    return refund


def _charge_of(api: Api, paid: _Paid | None) -> _Paid | None:
    """The charge of a payment, which knows what was refunded; None if there is none or it may not be read."""
    id_ = paid.latest_charge if paid else None
    return look_up_related(lambda: one(api, "/v1/charges/{id}", _Paid, id_)) if id_ else None


def _check_one_payment(payment_intent: str | None, charge: str | None) -> None:
    """Raises InvalidArguments unless exactly one names the payment."""
    if (payment_intent is None) == (charge is None):
        raise InvalidArguments(
            "payment_intent: name the payment either by payment_intent or by charge.",
            details={"fields": ["payment_intent", "charge"]},
        )


def _read(api: Api, payment_intent: str | None, charge: str | None) -> _Paid:
    """The payment to refund. Raises ObjectNotFound."""
    if payment_intent is not None:
        return one(api, "/v1/payment_intents/{id}", _Paid, payment_intent)
    return one(api, "/v1/charges/{id}", _Paid, charge or "")


def _part_of(paid: _Paid, amount: Decimal | None, currency: str | None) -> int | None:
    """The amount in the smallest unit of the payment's own currency, which a refund is always in.

    Raises InvalidArguments if the caller thinks of another currency.
    """
    if not paid.currency:
        raise unreadable()
    if currency and currency.upper() != paid.currency:
        raise InvalidArguments(
            f"currency: the payment is in {paid.currency[:3]}, and so is its refund. Nothing was refunded.",
            details={"fields": ["currency"]},
        )
    return None if amount is None else in_smallest_units(amount, paid.currency, "amount")


def _check_refundable(paid: _Paid, charge: _Paid | None, amount: Decimal | None) -> Decimal | None:
    """What is left to refund, None if Stripe does not say. Raises InvalidArguments if it does not suffice."""
    if paid.status in _NOT_PAID:
        raise _not_refundable("this payment did not succeed, so there is nothing to refund")
    if charge is None:
        return None
    if charge.disputed:
        raise _not_refundable("the payment is disputed, which decides about the money")
    if charge.amount_captured is None or charge.amount_refunded is None:
        return None
    left = charge.amount_captured - charge.amount_refunded
    if left <= 0:
        raise _not_refundable("this payment was already refunded in full")
    if amount is not None and amount > left:
        raise InvalidArguments(
            f"amount: only {spelled_out(left, charge.currency)} is left to refund. Nothing was refunded.",
            details={"fields": ["amount"]},
        )
    return left


def _not_refundable(reason: str) -> InvalidArguments:
    return InvalidArguments(
        f"payment_intent: {reason}. Nothing was refunded.", details={"fields": ["payment_intent", "charge"]}
    )


def _outcome(refund: Refund) -> str:
    """What became of the refund. https://docs.stripe.com/refunds#refund-statuses"""
    return {
        "succeeded": "The refund was made.",
        "pending": "The refund is pending: Stripe has not paid it out yet.",
        "requires_action": "The refund waits for the customer, who must tell Stripe where to send it.",
        "failed": "The refund failed: the money is still in the account.",
        "canceled": "The refund was canceled: the money is still in the account.",
    }.get(refund.status or "", "Stripe accepted the refund; check its status there.")
