"""What every answer of QuickBooks has in common: the envelope, faults in two casings, JSON or XML."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from xml.sax.saxutils import escape

from flask import Response, jsonify, make_response, request

from app.sandbox.current import here

CENT = Decimal("0.01")
_PACIFIC = timezone(timedelta(hours=-8))


class Refused(Exception):
    """A request QuickBooks refuses. `answer` is its response."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


# --- times and numbers ---


def stamp(moment: datetime, *, fine: bool = False) -> str:
    """An instant as `2026-11-05T10:00:00-08:00`."""
    return moment.astimezone(_PACIFIC).isoformat(timespec="milliseconds" if fine else "seconds")


def decimal(value: Any) -> Decimal | None:
    """A JSON number, or a number in text, exactly; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def cents(amount: Decimal) -> Decimal:
    """Rounded to two decimals, half away from zero."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def number(amount: Decimal) -> float | int:
    """Money as a JSON number: whole ones without decimals, as QuickBooks mixes them."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)


# --- answers ---


def envelope(**members: Any) -> Response:
    """A successful answer, in JSON if the caller asked for it and in XML if not."""
    body = {**members, "time": stamp(here().now(), fine=True)}
    if "json" in request.headers.get("Accept", ""):
        return jsonify(body)
    xml = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><IntuitResponse xmlns="http://schema.intuit.com/finance/v3">'
    return make_response(
        f"{xml}{''.join(_xml(k, v) for k, v in members.items())}</IntuitResponse>",
        200,
        {"Content-Type": "application/xml"},
    )


def _xml(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_xml(name, part) for part in value)
    inner = (
        "".join(_xml(key, part) for key, part in value.items())
        if isinstance(value, Mapping)
        else escape(str(value))
    )
    return f"<{name}>{inner}</{name}>"


def fault(
    code: str,
    message: str,
    detail: str,
    *,
    element: str = "",
    kind: str = "ValidationFault",
    status: int = 400,
) -> Response:
    """A refusal by the accounting service."""
    error = {"Message": message, "Detail": detail, "code": code, "element": element}
    answer = jsonify(Fault={"Error": [error], "type": kind}, time=stamp(here().now(), fine=True))
    answer.status_code = status
    return answer


def gateway_fault(status: int, code: str, message: str, detail: str | None, kind: str) -> Response:
    """A refusal by the gateway before it, which writes its members small."""
    text = f"message={message}; errorCode={int(code):06}; statusCode={status}"
    answer = jsonify(
        warnings=None,
        intuitObject=None,
        fault={"error": [{"message": text, "detail": detail, "code": code, "element": None}], "type": kind},
        report=None,
        queryResponse=None,
        batchItemResponse=[],
        attachableResponse=[],
        syncErrorResponse=None,
        requestId=None,
        time=int(datetime.now(UTC).timestamp() * 1000),
        status=None,
        cdcresponse=[],
    )
    answer.status_code = status
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="Intuit", error="invalid_token"'
    return answer


def not_found() -> Response:
    """A record that is not there: status 400."""
    detail = (
        "Object Not Found : Something you're trying to use has been made inactive. Check the fields "
        "with accounts and customers."
    )
    return fault("610", "Object Not Found", detail)


def missing(name: str) -> Refused:
    """A member that must be there."""
    return Refused(
        fault(
            "2020",
            "Required param missing, need to supply the required value for the API",
            f"Required parameter {name} is missing in the request",
            element=name,
        )
    )


def bad_reference(kind: str, id_: object) -> Refused:
    """A reference to nothing."""
    return Refused(
        fault("2500", "Invalid Reference Id", f"Invalid Reference Id : {kind} element id {id_} not found")
    )


def broken_rule(detail: str, *, code: str = "6000", element: str = "") -> Refused:
    """A rule of the business."""
    return Refused(
        fault(
            code,
            "A business validation error has occurred while processing your request",
            f"Business Validation Error: {detail}",
            element=element,
        )
    )


def too_many(retry_after: int | None) -> Response:
    """429; how long to wait is seldom said."""
    answer = gateway_fault(429, "3001", "ThrottleExceeded", None, "SERVICE")
    if retry_after is not None:
        answer.headers["Retry-After"] = str(retry_after)
    return answer
