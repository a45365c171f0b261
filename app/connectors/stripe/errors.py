"""What Stripe's refusals mean, in our words. Stripe's own text goes into `details`, cleaned and bounded.

https://docs.stripe.com/error-handling and https://docs.stripe.com/error-codes
"""

import re
from collections.abc import Mapping
from typing import Any

from app.connectors.rows import plain
from app.errors import (
    InvalidArguments,
    MissingRight,
    ObjectNotFound,
    PermissionDenied,
    ProviderError,
    ProviderRateLimited,
    ToolError,
)
from app.outbound import Response

_LONGEST_REASON = 300
_ADVICE = {
    "charge_already_refunded": "this payment was already refunded in full",
    "amount_too_large": "the amount is larger than Stripe allows, or than what is left to refund",
    "amount_too_small": "the amount is smaller than Stripe allows for this currency",
    "invoice_not_editable": "only a draft can be changed: this invoice is final",
    "invoice_no_customer_line_items": "an invoice needs a line before it can be sent",
    "balance_insufficient": "the Stripe balance does not hold that much",
    "charge_disputed": "the payment is disputed, which decides about the money",
    "customer_tax_location_invalid": "the customer needs an address for tax",
    "email_invalid": "check the email address",
    "url_invalid": "check the address",
    "invalid_charge_amount_no_decimal_compatible": "amounts in this currency have no decimals",
}
_CURSORS = {"starting_after", "ending_before"}


def read_error(answer: Response) -> ToolError | None:
    """The error an answer means, or None for none or when its status is enough."""
    if answer.status < 400 or answer.status >= 500:
        return None
    body = answer.json()
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return None
    code, message = str(error.get("code") or ""), str(error.get("message") or "")
    details = _details(answer, error, code, message)
    if answer.status == 402:
        cause = "that the card was declined" if error.get("type") == "card_error" else "that this failed"
        return ProviderError(f"Stripe says {cause}. The reason is in the details.", details=details)
    if answer.status in {401, 403} and is_about_address(answer):
        return PermissionDenied(
            "Stripe accepts this key from certain IP addresses only, and this server is not among them. In "
            "Stripe, add the server's address to the key (Developers, API keys), or reconnect Stripe with "
            "a key without that restriction.",
            details=details,
        )
    if answer.status == 403:
        return _not_permitted(message, details)
    if answer.status in {400, 404} and code == "resource_missing" and error.get("param") in _CURSORS:
        return InvalidArguments(
            "Stripe no longer has the record this page starts after: list again from the first page.",
            details=details,
        )
    # An unknown id in a parameter is a 400: https://docs.stripe.com/error-codes#resource-missing
    if answer.status == 404 or (answer.status == 400 and code == "resource_missing"):
        return _unknown(message, details)
    if (answer.status == 409 and code == "idempotency_key_in_use") or code == "lock_timeout":
        return ProviderRateLimited(
            "Stripe is still working on something with the same record. Please try again.", details=details
        )
    if answer.status == 400:
        advice = _ADVICE.get(code)
        field = error.get("param")
        about = (
            (f" It is about {plain(field)[:60]}.")
            if isinstance(field, str) and re.fullmatch(r"[\w\[\]]{1,60}", field)
            else ""
        )
        return InvalidArguments(
            f"Stripe refused the request: {advice}." if advice else f"Stripe refused the request.{about}",
            details=details,
        )
    return None


def is_about_address(answer: Response) -> bool:
    """Whether a key was refused only because it may not be used from this server's IP address.

    https://docs.stripe.com/keys#limit-api-secret-keys-ip-address
    """
    body = answer.json()
    error = body.get("error") if isinstance(body, Mapping) else None
    message = error.get("message") if isinstance(error, Mapping) else None
    return isinstance(message, str) and re.search(r"\bIP address", message, re.IGNORECASE) is not None


def is_expired(answer: Response) -> bool:
    """Whether an answer says that the key or token has ended, so that a fresh one may help."""
    return answer.status == 401 and not is_about_address(answer)


def _not_permitted(message: str, details: dict[str, Any]) -> MissingRight:
    if account := re.search(r"\bacct_\w{1,64}", message):
        details["account"] = account[0]
    if permission := re.search(r"\brak_\w{1,80}", message):
        details["permission"] = permission[0]
    return MissingRight(
        "The Stripe key or app lacks permission for this. In Stripe, edit the key's permissions (Developers, "
        "API keys), or reconnect Stripe with a key that has it.",
        details=details,
    )


def _unknown(message: str, details: dict[str, Any]) -> ObjectNotFound:
    if other := re.search(r"exists in (live|test) mode", message):
        return ObjectNotFound(
            f"Stripe has that id in {other[1]} mode only, and this connection uses the other mode. Use an "
            "id from the list tools.",
            details=details,
        )
    return ObjectNotFound(
        "Stripe has no record with that id. List the records again and use an id from there.", details=details
    )


def _details(answer: Response, error: Mapping[str, Any], code: str, message: str) -> dict[str, Any]:
    given = {
        "status": answer.status,
        "code": code,
        "decline_code": error.get("decline_code"),
        "fields": [error["param"]] if isinstance(error.get("param"), str) else None,
        # Stripe quotes a key in part; even that stays out.
        "reason": re.sub(r"\b(sk|rk|pk)_\w[\w*]*", "(key)", message)[:_LONGEST_REASON],
        "request_id": answer.headers.get("Request-Id"),
    }
    return {name: plain(value) for name, value in given.items() if value}
