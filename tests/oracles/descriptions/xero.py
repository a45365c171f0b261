"""Xero's OpenAPI documents, as the methods and models that Xero generates from them in `xero-python`.

Each method of the SDK is called once with a client that sends nothing; what it would have sent says which
path, query parameters and headers there are. The models say which members a body has, and their values.
"""

import functools
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from importlib.metadata import version
from typing import Any

from xero_python.accounting import AccountingApi, models
from xero_python.identity import IdentityApi
from xero_python.identity import models as identity_models

from tests.oracles.recording import RecordedRequest

DESCRIPTION = f"xero-python {version('xero-python')} (Accounting and Identity API)"

_ACCOUNTING_ROOT = "/api.xro/2.0"
_SERVICE = "/xero"  # where the imitated services put this one's address
_BODY = re.compile(r":param (\w+) (\w+): .*in body of request", re.IGNORECASE)
_ENUMERATED = re.compile(r"\b[A-Z]{3,}(?:, [A-Z]{3,})+\b")  # as in "(MONTH, QUARTER, YEAR)"
_CONDITION = re.compile(r"([A-Za-z.]+)\s*(?:==|!=|>=|<=|>|<)")
_PRIMITIVES: Mapping[str, Any] = {"str": str, "bool": bool, "float": (int, float), "int": int}


@dataclass(frozen=True)
class Operation:
    """One method of the SDK."""

    method: str
    path: re.Pattern[str]
    query: frozenset[str]
    headers: frozenset[str]
    body: str | None  # name of the model
    returns: str | None
    choices: Mapping[str, frozenset[str]]  # a query parameter's values, where the description lists them
    models: Any


class _Silent:
    """A client of the SDK that remembers instead of sending."""

    def __init__(self) -> None:
        self.call: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})

    def call_api(self, *positional: Any, **named: Any) -> None:
        self.call = (positional, named)

    def select_header_accept(self, accepts: list[str]) -> str:
        return accepts[0]

    select_header_content_type = select_header_accept


@functools.cache
def operations() -> tuple[Operation, ...]:
    """Every method of both APIs, those with a name in their path before those with an id there."""
    found = (*_read(AccountingApi, models, _ACCOUNTING_ROOT), *_read(IdentityApi, identity_models, ""))
    return tuple(sorted(found, key=lambda operation: operation.path.pattern.count("[^/]+")))


def _read(api_class: Any, its_models: Any, root: str) -> Iterator[Operation]:
    silent = _Silent()
    api = api_class(silent)
    api.base_url = root
    for _name, function in inspect.getmembers(api, inspect.ismethod):
        parameters = [each for each in inspect.signature(function).parameters if not each.startswith("_")]
        if "OAuth2 scope" not in (function.__doc__ or ""):
            continue
        silent.call = ((), {})
        function(**dict.fromkeys(parameters, "x"))
        (url, method, _, query, headers), named = silent.call
        body = _BODY.search(function.__doc__) if named.get("body") is not None else None
        yield Operation(
            method,
            re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(url)), re.IGNORECASE),
            frozenset(key for key, _ in query),
            frozenset(key.lower() for key in headers),
            body[1] if body else None,
            named.get("response_type"),
            dict(_choices(function.__doc__, [key for key, _ in query])),
            its_models,
        )


def _choices(text: str, query: list[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for key in query:
        described = re.search(rf":param \w+ {key.lower()}: (.*)", text)
        listed = _ENUMERATED.search(described[1]) if described else None
        if listed:
            yield key, frozenset(listed[0].split(", "))


def check(request: RecordedRequest) -> list[str]:
    """What is wrong with a request: empty when it is right."""
    path = request.path.removeprefix(_SERVICE)
    named = [each for each in operations() if each.method == request.method and each.path.fullmatch(path)]
    if not named:
        return ["no such operation"]
    operation = named[0]
    return [
        *_headers(request, operation),
        *(f"unknown query parameter {key}" for key, _ in request.params if key not in operation.query),
        *_values(request, operation),
        *_body(request, operation),
    ]


def _headers(request: RecordedRequest, operation: Operation) -> Iterator[str]:
    sent = {name.lower() for name in request.headers}
    if ("xero-tenant-id" in operation.headers) != ("xero-tenant-id" in sent):
        yield "xero-tenant-id is sent where it is not taken, or missing"
    if "idempotency-key" in sent and "idempotency-key" not in operation.headers:
        yield "Idempotency-Key is not taken here"
    if len(request.headers.get("Idempotency-Key", "")) > 128:
        yield "Idempotency-Key is too long"


def _values(request: RecordedRequest, operation: Operation) -> Iterator[str]:
    for key, value in request.params:
        if key in operation.choices and value not in operation.choices[key]:
            yield f"{key} cannot be {value}"
        if key == "Statuses":
            record = _record(operation)
            yield from (f"Statuses: {each}" for each in value.split(",") if _refuses(record, "status", each))
        elif key == "order":
            yield from _unknown_fields(operation, (part.split()[0] for part in value.split(",")))
        elif key == "where":
            yield from _unknown_fields(operation, _CONDITION.findall(value))


def _record(operation: Operation) -> Any:
    """The model of one record in the answer, such as Invoice for Invoices."""
    envelope = getattr(operation.models, str(operation.returns))
    kinds = [re.fullmatch(r"list\[(\w+)\]", kind) for kind in envelope.openapi_types.values()]
    return getattr(operation.models, next(kind[1] for kind in kinds if kind and "Error" not in kind[1]))


def _unknown_fields(operation: Operation, fields: Iterator[str] | list[str]) -> Iterator[str]:
    for field in fields:
        model = _record(operation)
        for part in field.split("."):
            attribute = _attribute(model, part)
            if attribute is None:
                yield f"{model.__name__} has no {part}"
                break
            model = getattr(operation.models, model.openapi_types[attribute], None)


def _body(request: RecordedRequest, operation: Operation) -> list[str]:
    if request.json is None:
        return [] if operation.body is None else ["a body is missing"]
    if operation.body is None:
        return ["a body is not taken here"]
    return list(_problems(request.json, operation.body, operation.models, operation.body))


def _problems(value: Any, kind: str, its_models: Any, place: str) -> Iterator[str]:
    """What is wrong with a value of that type in the models' own words."""
    if listed := re.fullmatch(r"list\[(.+)\]", kind):
        if not isinstance(value, list):
            yield f"{place} is no list"
            return
        for element in value:
            yield from _problems(element, listed[1], its_models, place)
    elif kind in _PRIMITIVES:
        if not isinstance(value, _PRIMITIVES[kind]) or (kind != "bool" and isinstance(value, bool)):
            yield f"{place} is not of type {kind}"
    elif kind.startswith("date"):
        if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            yield f"{place} is no date"
    elif issubclass(model := getattr(its_models, kind), Enum):
        if value not in {each.value for each in model}:
            yield f"{place} cannot be {value}"
    elif not isinstance(value, Mapping):
        yield f"{place} is no {kind}"
    else:
        for member, part in value.items():
            attribute = _attribute(model, member)
            if attribute is None:
                yield f"{place} has no {member}"
                continue
            if isinstance(part, str) and _refuses(model, attribute, part):
                yield f"{place}.{member} cannot be {part}"
            yield from _problems(part, model.openapi_types[attribute], its_models, f"{place}.{member}")


def _attribute(model: Any, member: str) -> str | None:
    return next((name for name, there in model.attribute_map.items() if there == member), None)


def _refuses(model: Any, attribute: str, value: str) -> bool:
    """Whether the model does not take that text: it is none of those listed, or too long."""
    try:
        model(**{attribute: value})
    except ValueError:
        return True
    return False
