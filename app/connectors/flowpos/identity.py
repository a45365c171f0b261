"""The businesses a token reaches, and the account it is stored as."""

from collections.abc import Mapping
from typing import Any

from app.connectors.api import Api
from app.connectors.flowpos.records import rows_of
from app.connectors.flowpos.values import FlowRow
from app.connectors.spec import Account, Business
from app.errors import NothingReached


class _Reached(FlowRow):
    id: str
    name: str | None = None
    currency: str | None = None
    timezone: str | None = None
    is_active: bool = True


def identify(api: Api, token_answer: Mapping[str, Any]) -> Account:
    """The businesses FlowPOS lists for the token, its active one first.

    FlowPOS names no person, so the first business by id identifies the account; the stored fact keeps that
    key when membership of that business ends. Raises NothingReached without an active business.
    """
    reached = [row for row in rows_of(api.get("/v1/businesses"), _Reached) if row.is_active]
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
        name=reached[0].name or reached[0].id,
        businesses=tuple(_business(row, is_default=row.id == active) for row in reached),
        facts={"account": key, **({"active_business": active} if isinstance(active, str) else {})},
    )


def _business(row: _Reached, *, is_default: bool) -> Business:
    facts = {"currency": row.currency, "timezone": row.timezone, "is_default": is_default or None}
    return Business(
        row.id, row.name or row.id, {name: value for name, value in facts.items() if value is not None}
    )
