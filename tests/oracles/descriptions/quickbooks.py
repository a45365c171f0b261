"""Requests to QuickBooks, held to the models of python-quickbooks. Intuit ships no description; the query
parameters are those that its documentation names.
"""

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from quickbooks import QuickBooks
from quickbooks.objects import Customer, Invoice, Payment

DESCRIPTION = f"python-quickbooks {version('python-quickbooks')}"

_MODELS: dict[str, Any] = {"invoice": Invoice, "customer": Customer, "payment": Payment}
_COMMON = {"minorversion"}
_WRITING = {*_COMMON, "requestid", "operation", "sendTo"}
_REPORTS = {
    "ProfitAndLoss": {"start_date", "end_date", "accounting_method", "summarize_column_by"},
    "BalanceSheet": {"start_date", "end_date", "accounting_method", "summarize_column_by"},
    "AgedReceivables": {"report_date", "aging_period", "num_periods"},
}
# https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/data-queries
_STATEMENT = re.compile(
    r"SELECT \* FROM (?P<entity>\w+)( WHERE .+?)? ORDERBY \w+( DESC)?(, \w+( DESC)?)* "
    r"STARTPOSITION \d+ MAXRESULTS \d+"
)


def check(request: Any) -> list[str]:
    """What the models and the documentation do not know of this request."""
    place = re.fullmatch(r".*/v3/company/\d+/(\w+)(?:/(\w+))?(/send)?", request.path)
    if place is None:
        return [f"no such path: {request.path}"]
    resource, name, _ = place.groups()
    params = dict(request.params)
    known = _COMMON if request.method == "GET" else _WRITING
    if resource == "reports":
        known = known | _REPORTS.get(name or "", set())
    if resource == "query":
        known = known | {"query"}
    problems = [f"unknown parameter {each}" for each in params if each not in known]
    if int(params.get("minorversion", 0)) < QuickBooks.MINIMUM_MINOR_VERSION:
        problems.append("a minor version that is not served")
    if "start_date" in params and params["start_date"] >= params.get("end_date", ""):
        problems.append("start_date must be less than end_date")
    if resource == "query":
        statement = _STATEMENT.fullmatch(params.get("query", ""))
        if statement is None or statement["entity"] not in QuickBooks._BUSINESS_OBJECTS:
            problems.append(f"no statement: {params.get('query')}")
    if request.json is not None:
        problems += _members(_MODELS.get(resource), request.json, resource)
    return problems


def _members(model: Any, sent: Any, place: str) -> Iterable[str]:
    """The members that the model does not have, at any depth."""
    if model is None or not isinstance(sent, Mapping):
        yield f"{place} is not known"
        return
    record = model()
    for name, value in sent.items():
        if name not in vars(record):
            yield f"{place} has no member {name}"
        elif name in model.class_dict:
            yield from _members(model.class_dict[name], value, f"{place}.{name}")
        elif name in model.list_dict:
            for element in value:
                kind = model.detail_dict.get(element.get("DetailType"), model.list_dict[name])
                yield from _members(kind, element, f"{place}.{name}[]")
        elif isinstance(value, Mapping | list):
            yield f"{place}.{name} is no single value"
