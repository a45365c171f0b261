"""What all QuickBooks responses share: the envelope, faults in two casings, JSON or XML."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

from flask import Response, jsonify, make_response, request

from app.sandbox import clock
from app.sandbox.current import here
from app.sandbox.refusals import RequestRefused, json_refusal, with_retry_after

_PACIFIC = timezone(timedelta(hours=-8))


# --- times and numbers ---


def stamp(moment: datetime, *, fine: bool = False) -> str:
    """An instant as `2026-11-05T10:00:00-08:00`."""
    return moment.astimezone(_PACIFIC).isoformat(timespec="milliseconds" if fine else "seconds")


def number(amount: Decimal) -> float | int:
    """Money as a JSON number: whole amounts without decimals, as at QuickBooks."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)


# --- answers ---


def envelope(**members: Any) -> Response:
    """A successful response, in JSON if the caller accepts it, else in XML."""
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


def refusal(code: str, message: str, detail: str, *, element: str = "") -> RequestRefused:
    """An error of the accounting service."""
    error = {"Message": message, "Detail": detail, "code": code, "element": element}
    fault = {"Error": [error], "type": "ValidationFault"}
    return json_refusal(400, {"Fault": fault, "time": stamp(here().now(), fine=True)})


def gateway_fault(status: int, code: str, message: str, detail: str | None, kind: str) -> Response:
    """An error of the gateway, which writes its members in lower case."""
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
        time=int(clock.now().timestamp() * 1000),
        status=None,
        cdcresponse=[],
    )
    answer.status_code = status
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="Intuit", error="invalid_token"'
    return answer


def not_found() -> Response:
    """A missing record: status 400."""
    detail = (
        "Object Not Found : Something you're trying to use has been made inactive. Check the fields "
        "with accounts and customers."
    )
    return refusal("610", "Object Not Found", detail).answer


def missing(name: str) -> RequestRefused:
    """The error for a missing member."""
    return refusal(
        "2020",
        "Required param missing, need to supply the required value for the API",
        f"Required parameter {name} is missing in the request",
        element=name,
    )


def bad_reference(kind: str, id_: object) -> RequestRefused:
    """The error for a reference to an unknown record."""
    return refusal(
        "2500", "Invalid Reference Id", f"Invalid Reference Id : {kind} element id {id_} not found"
    )


def broken_rule(detail: str, *, code: str = "6000", element: str = "") -> RequestRefused:
    """The error for a broken business rule."""
    return refusal(
        code,
        "A business validation error has occurred while processing your request",
        f"Business Validation Error: {detail}",
        element=element,
    )


def too_many(retry_after: int | None) -> Response:
    """429, mostly without the time to wait."""
    answer = gateway_fault(429, "3001", "ThrottleExceeded", None, "SERVICE")
    return with_retry_after(answer, retry_after)
