"""What all Stripe responses share: errors, lists, and form fields with brackets in their names."""

import itertools
import re
from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify, request

from app.sandbox import rules
from app.sandbox.refusals import RequestRefused, json_refusal, with_retry_after
from app.sandbox.store import Record

_requests = itertools.count(1)
_PART = re.compile(r"\[([^\]]*)\]")
_WHOLE = {"isk", "ugx"}  # written with two decimals, which are always 00
_THREE_DECIMALS = {"bhd", "jod", "kwd", "omr", "tnd"}


def refusal(
    status: int, message: str, *, code: str = "", param: str = "", kind: str = "invalid_request_error"
) -> RequestRefused:
    """A refusal with Stripe's error object."""
    error = {"code": code, "message": message, "param": param, "type": kind}
    return json_refusal(status, {"error": {name: value for name, value in error.items() if value}})


def oauth_error(code: str, description: str) -> Response:
    """The token endpoint's error. A wrong secret key has the error object of the API, as it is an API key."""
    if code == "invalid_client":
        return refusal(401, "Invalid API Key provided: sk_test_****").answer
    return rules.oauth_error(code, description)


def missing(param: str) -> RequestRefused:
    """The error for a missing parameter."""
    return refusal(400, f"Missing required param: {param}.", code="parameter_missing", param=param)


def no_such(what: str, id_: str, param: str = "id") -> RequestRefused:
    """404 for an unknown id of this account and mode in the path, 400 for one in a parameter.

    https://docs.stripe.com/error-codes#resource-missing
    """
    return refusal(
        404 if param == "id" else 400, f"No such {what}: '{id_}'", code="resource_missing", param=param
    )


def too_many(retry_after: int | None) -> Response:
    """429; Stripe documents no Retry-After."""
    answer = refusal(
        429, "Request rate limit exceeded. Learn more about rate limits here.", code="rate_limit"
    ).answer
    answer.headers["Stripe-Rate-Limited-Reason"] = "global-rate"
    return with_retry_after(answer, retry_after)


def with_request_id(response: Response) -> Response:
    """Add the request id of every response."""
    response.headers["Request-Id"] = f"req_{next(_requests):08d}"
    return response


def form() -> dict[str, Any]:
    """The body, or the query of a GET, nested by its brackets. Raises RequestRefused for JSON."""
    if request.method == "GET":
        pairs = list(request.args.items(multi=True))
    elif request.is_json:
        raise refusal(
            400, "Invalid request: send parameters form-encoded, not as JSON.", code="parameter_unknown"
        )
    else:
        pairs = list(request.form.items(multi=True))
    nested: dict[str, Any] = {}
    for name, value in pairs:
        head, *rest = [name.split("[", 1)[0], *_PART.findall(name)]
        place = nested
        for part in [head, *rest][:-1]:
            place = place.setdefault(part, {})
        place[[head, *rest][-1]] = value
    return nested


def check_names(given: Mapping[str, Any], known: set[str]) -> None:
    """Raises RequestRefused for an unknown parameter."""
    for name in given:
        if name not in known:
            raise refusal(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def listed(given: Any) -> list[Any]:
    """`items[0]`, `items[1]`… as a list."""
    return [given[key] for key in sorted(given, key=int)] if isinstance(given, dict) else []


def integer(given: Mapping[str, Any], name: str, default: int | None = None) -> int | None:
    """A whole number in the form. Raises RequestRefused for anything else."""
    text = given.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"-?\d{1,15}", str(text)):
        raise refusal(400, f"Invalid integer: {text}", code="parameter_invalid_integer", param=name)
    return int(text)


def amount_in(given: Mapping[str, Any], name: str, currency: str) -> int | None:
    """An amount in the currency's smallest unit. Raises RequestRefused by the rules of its currency.

    https://docs.stripe.com/currencies#special-cases
    """
    amount = integer(given, name)
    if amount is None:
        return None
    if abs(amount) >= 10 ** (12 if currency == "idr" else 8):
        raise refusal(400, "Amount is too large.", code="amount_too_large", param=name)
    if currency in _WHOLE and amount % 100:
        # https://support.stripe.com/questions/deprecation-of-fractional-isk-charges-and-refunds
        code = "invalid_charge_amount_no_decimal_compatible"
        raise refusal(400, "Invalid amount: it must be evenly divisible by 100.", code=code, param=name)
    if currency in _THREE_DECIMALS and amount % 10:
        raise refusal(400, "Invalid amount: the last digit must be 0.", param=name)
    return amount


def in_range(record: Record, field: str, wanted: Any) -> bool:
    """`created[gte]`, `created[lt]`…"""
    if not isinstance(wanted, dict):
        return True
    value = record[field]
    tests = {"gte": value.__ge__, "gt": value.__gt__, "lte": value.__le__, "lt": value.__lt__}
    return all(tests[name](int(limit)) for name, limit in wanted.items())


def page(path: str, records: list[Record], given: Mapping[str, Any]) -> Response:
    """A list, newest first."""
    return in_order(
        path, sorted(records, key=lambda record: (record["created"], record["id"]), reverse=True), given
    )


def in_order(path: str, records: list[Record], given: Mapping[str, Any]) -> Response:
    """A list in the given order: `limit` (10 by default, 100 at most) after `starting_after`."""
    limit = integer(given, "limit", 10) or 10
    if not 1 <= limit <= 100:
        raise refusal(
            400, "This value must be between 1 and 100.", code="parameter_invalid_integer", param="limit"
        )
    if after := given.get("starting_after"):
        places = [place for place, record in enumerate(records) if record["id"] == after]
        if not places:
            raise no_such("object", after, "starting_after")
        records = records[places[0] + 1 :]
    return jsonify(object="list", url=path, has_more=len(records) > limit, data=records[:limit])
