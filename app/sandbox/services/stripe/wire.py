"""What every answer of Stripe has in common: errors, lists, and forms with brackets in their names."""

import itertools
import re
from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify, request

from app.sandbox.store import Record

_requests = itertools.count(1)
_PART = re.compile(r"\[([^\]]*)\]")


class Refused(Exception):
    """A request Stripe refuses. `answer` is its response."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str = "",
        param: str = "",
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        error = {"code": code, "message": message, "param": param, "type": kind}
        self.answer = jsonify(error={name: value for name, value in error.items() if value})
        self.answer.status_code = status


def missing(param: str) -> Refused:
    """A parameter is needed."""
    return Refused(400, f"Missing required param: {param}.", code="parameter_missing", param=param)


def no_such(what: str, id_: str, param: str = "id") -> Refused:
    """404 for an id of this account and mode that is not there."""
    return Refused(404, f"No such {what}: '{id_}'", code="resource_missing", param=param)


def too_many(retry_after: int | None) -> Response:
    """429; Stripe documents no Retry-After."""
    answer = Refused(
        429, "Request rate limit exceeded. Learn more about rate limits here.", code="rate_limit"
    ).answer
    answer.headers["Stripe-Rate-Limited-Reason"] = "global-rate"
    if retry_after is not None:
        answer.headers["Retry-After"] = str(retry_after)
    return answer


def with_request_id(response: Response) -> Response:
    """Every answer has one."""
    response.headers["Request-Id"] = f"req_{next(_requests):08d}"
    return response


def form() -> dict[str, Any]:
    """The body, or the query of a GET, nested as its brackets say. Raises Refused for JSON."""
    if request.method == "GET":
        pairs = list(request.args.items(multi=True))
    elif request.is_json:
        raise Refused(
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
    """Refuse a parameter Stripe does not know."""
    for name in given:
        if name not in known:
            raise Refused(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def listed(given: Any) -> list[Any]:
    """`items[0]`, `items[1]`… as a list."""
    return [given[key] for key in sorted(given, key=int)] if isinstance(given, dict) else []


def integer(given: Mapping[str, Any], name: str, default: int | None = None) -> int | None:
    """A whole number of the form. Refuses anything else."""
    text = given.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"-?\d{1,12}", str(text)):
        raise Refused(400, f"Invalid integer: {text}", code="parameter_invalid_integer", param=name)
    return int(text)


def in_range(record: Record, field: str, wanted: Any) -> bool:
    """`created[gte]`, `created[lt]`…"""
    if not isinstance(wanted, dict):
        return True
    value = record[field]
    tests = {"gte": value.__ge__, "gt": value.__gt__, "lte": value.__le__, "lt": value.__lt__}
    return all(tests[name](int(limit)) for name, limit in wanted.items())


def page(path: str, records: list[Record], given: Mapping[str, Any]) -> Response:
    """A list, newest first: `limit` (10 by default, 100 at most) after `starting_after`."""
    limit = integer(given, "limit", 10) or 10
    if not 1 <= limit <= 100:
        raise Refused(
            400, "This value must be between 1 and 100.", code="parameter_invalid_integer", param="limit"
        )
    ordered = sorted(records, key=lambda record: (record["created"], record["id"]), reverse=True)
    if after := given.get("starting_after"):
        places = [place for place, record in enumerate(ordered) if record["id"] == after]
        if not places:
            raise Refused(400, f"No such object: '{after}'", code="resource_missing", param="starting_after")
        ordered = ordered[places[0] + 1 :]
    return jsonify(object="list", url=path, has_more=len(ordered) > limit, data=ordered[:limit])
