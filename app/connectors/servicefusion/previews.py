"""What a new job or estimate in ServiceFusion would be, for the person who approves it."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from app.connectors.api import Api
from app.connectors.lookups import named
from app.connectors.preview import Fact, Preview, amount, counted, facts, listed, quoted
from app.connectors.servicefusion import work
from app.connectors.servicefusion.customers import CustomerRow, find_by_name
from app.connectors.servicefusion.records import one
from app.connectors.servicefusion.technicians import TechnicianRow
from app.errors import MissingRight

_FINAL = "It can't be changed or deleted from here."


def create_job(api: Api, technician_ids: Sequence[int] | None = None, **arguments: Any) -> Preview:
    """Preview of `create_job`. Raises ObjectNotFound for an unknown customer or technician."""
    people = [_technician(api, id_) for id_ in technician_ids or ()]
    assigned = f", assigned to {listed(people)}" if people else ""
    return _preview(api, "job", assigned, facts(("Technicians", listed(people, most=20))), **arguments)


def create_estimate(api: Api, **arguments: Any) -> Preview:
    """Preview of `create_estimate`. Raises ObjectNotFound for an unknown customer."""
    return _preview(api, "estimate", "", (), **arguments)


def _preview(
    api: Api,
    noun: str,
    more: str,
    also: tuple[Fact, ...],
    *,
    customer_id: int | None = None,
    customer_name: str | None = None,
    start_date: date | None = None,
    products: list[work.NewProduct] | None = None,
    services: list[work.NewService] | None = None,
    **rest: Any,
) -> Preview:
    work.customer_of(customer_id, customer_name)
    if customer_id is not None:
        customer, is_new = _customer(api, customer_id), False
    else:
        customer, is_new = quoted(str(customer_name)), not find_by_name(api, str(customer_name))
    lines, total = _lines([*(products or ()), *(services or ())])
    when = f" on {start_date.day} {start_date:%B %Y}" if start_date else ""
    parts = [f"Create {noun} for {'new customer ' if is_new else ''}{customer}{when}", lines]
    return Preview(
        ": ".join(filter(None, parts)) + more,
        f"Create {noun}" + (f", {total}" if total else ""),
        facts(
            ("Customer", f"{customer} (not in ServiceFusion yet, would be created)" if is_new else customer)
        )
        + also,
        frozenset({"customer_name", "start_date"}),
        _FINAL,
    )


def _lines(lines: Sequence[work.NewProduct | work.NewService]) -> tuple[str, str]:
    """The lines in words, and the total of those with a price; ServiceFusion names no currency."""
    if not lines:
        return "", ""
    priced = [line for line in lines if line.rate is not None]
    total = sum((Decimal(line.rate or 0) * (line.multiplier or 1) for line in priced), Decimal(0))
    rest = len(lines) - len(priced)
    open_prices = f"{counted(rest, 'line')} at the price book's price" if rest else ""
    money = amount(total, None) + " in the company's currency" if priced else ""
    words = " and ".join(filter(None, (money, open_prices)))
    return f"{counted(len(lines), 'line')}, {words}", amount(total, None) if priced and not rest else ""


def _customer(api: Api, customer_id: int) -> str:
    try:
        found = one(api, "/v1/customers/{id}", customer_id, CustomerRow)
    except MissingRight:
        return "a customer that could not be looked up"
    return quoted(found.customer_name) if found.customer_name else "a customer without a name"


def _technician(api: Api, technician_id: int) -> str:
    try:
        found = one(api, "/v1/techs/{id}", technician_id, TechnicianRow)
    except MissingRight:
        return "a technician who could not be looked up"
    return named(" ".join(filter(None, (found.first_name, found.last_name)))) or "a technician without a name"
