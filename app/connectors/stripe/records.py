"""Requests for records: one page, a new one, and the form encoding of what is sent."""

from collections.abc import Mapping
from typing import Any, TypeVar

from app.connectors.api import Api
from app.connectors.rows import Page
from app.connectors.stripe.amounts import StripeRow
from app.connectors.stripe.values import read_as, unreadable

AnyRow = TypeVar("AnyRow", bound=StripeRow)


def page_of(
    api: Api,
    path: str,
    model: type[AnyRow],
    filters: Mapping[str, Any],
    parts: Mapping[str, Any] | None = None,
) -> Page[AnyRow]:
    """One page of a list, newest first. Stripe names no total; the last id leads to the next page."""
    body = api.get(path, params=encoded(filters), parts=parts)
    records = body.get("data") if isinstance(body, Mapping) else None
    if not isinstance(records, list):
        raise unreadable()
    last = records[-1].get("id") if records and isinstance(records[-1], Mapping) else None
    if records and body.get("has_more") and not isinstance(last, str):
        raise unreadable()  # without the way to the rest the list would look complete
    following = last if body.get("has_more") else None
    return Page(items=[read_as(model, record) for record in records], next=following)


def one(api: Api, path: str, model: type[AnyRow], id_: str) -> AnyRow:
    """The record at a path such as `/v1/customers/{id}`. Raises ObjectNotFound."""
    return read_as(model, api.get(path, parts={"id": id_}))


def create(api: Api, path: str, model: type[AnyRow], fields: Mapping[str, Any]) -> AnyRow:
    """Creates a record and returns it as Stripe stored it."""
    return read_as(model, api.post(path, form=encoded(fields)), wrote=True)


def encoded(fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A form as Stripe takes it: `metadata[order]=7`, `items[0][price]=…`. Leaves None out."""
    return [pair for name, value in fields.items() for pair in _pairs(name, value)]


def _pairs(name: str, value: Any) -> list[tuple[str, str]]:
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [pair for key, part in value.items() for pair in _pairs(f"{name}[{key}]", part)]
    if isinstance(value, list | tuple):
        return [pair for index, part in enumerate(value) for pair in _pairs(f"{name}[{index}]", part)]
    return [(name, ("true" if value else "false") if isinstance(value, bool) else str(value))]


def dashboard(api: Api, kind: str, id_: str) -> str:
    """The record's URL in Stripe's dashboard."""
    return f"https://dashboard.stripe.com/{'' if api.facts.get('livemode') else 'test/'}{kind}/{id_}"
