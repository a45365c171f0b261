"""Which businesses a sign-in reaches, and under which name it is kept."""

from collections.abc import Mapping
from typing import Any

from app.connectors.api import Api
from app.connectors.flowpos.values import FlowRow, read_list
from app.connectors.spec import Account, Business
from app.errors import NothingReached


class _Reached(FlowRow):
    id: str
    name: str
    currency: str | None = None
    timezone: str | None = None
    is_active: bool = True


def identify(api: Api, token_answer: Mapping[str, Any]) -> Account:
    """The businesses FlowPOS lists for the sign-in, the one that is active there first.

    FlowPOS names no person, so the first business by id stands for the account; the stored fact keeps that
    when a membership of that business ends later. Raises NothingReached when there is no business to work
    with.
    """
    reached = [row for row in read_list(api, "/v1/businesses", _Reached) if row.is_active]
    if not reached:
        raise NothingReached(
            "This FlowPOS sign-in reaches no active business. Connect FlowPOS again with another one."
        )
    active = token_answer.get("activeBusinessId") or api.facts.get("active_business")
    reached.sort(key=lambda row: row.id != active)
    key = api.facts.get("account")
    if not isinstance(key, str):
        key = min(row.id for row in reached)
    return Account(
        key=key,
        name=reached[0].name,
        businesses=tuple(_business(row, is_default=row.id == active) for row in reached),
        facts={"account": key, **({"active_business": active} if isinstance(active, str) else {})},
    )


def _business(row: _Reached, *, is_default: bool) -> Business:
    facts = {"currency": row.currency, "timezone": row.timezone, "is_default": is_default or None}
    return Business(row.id, row.name, {name: value for name, value in facts.items() if value is not None})
