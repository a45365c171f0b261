"""Clients, and which of them have stopped ordering."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from app.connectors.api import Api
from app.connectors.flowpos.auth_methods import POS_INTENTS, POS_READ
from app.connectors.flowpos.records import read_all, read_page
from app.connectors.flowpos.values import After, FlowRow, Limit, Words, currency_of, today, zone_of
from app.connectors.function_tool import tool
from app.connectors.money import Money, MoneyRow
from app.connectors.preview import quoted
from app.connectors.rows import Page
from app.errors import ObjectNotFound, PermissionDenied

_CLIENTS = "/clients"
_MOST_PAGES = 30
_MOST_NAMED = 20
_MOMENT = TypeAdapter(AwareDatetime)


class FlowposClient(FlowRow):
    """A client."""

    client_id: str = Field(validation_alias="id")
    name: str | None = None
    email: str | None = None
    orders_count: int | None = None
    total_spent: Money | None = None
    currency: str | None = None
    last_order_at: str | None = Field(None, description="In UTC; null: never ordered.")


class QuietClient(MoneyRow):
    """A client who has not ordered for a while."""

    client_id: str
    name: str | None = None
    email: str | None = None
    total_spent: Money | None = None
    currency: str | None = None
    days_since_order: int


class ClientHealth(MoneyRow):
    """How the business's clients are doing."""

    currency: str | None
    as_of: str = Field(description="Today in the business's time zone.")
    inactive_days: int
    total: int
    active: int = Field(description="Ordered within inactive_days.")
    at_risk: int = Field(description="Not within inactive_days, but within twice as many.")
    lost: int = Field(description="Not even within twice as many days.")
    never_ordered: int
    top_spenders: list[FlowposClient] = Field(description="The ten who spent the most so far.")
    at_risk_clients: list[QuietClient] = Field(description="Up to 20, those who spent the most first.")
    lost_clients: list[QuietClient] = Field(description="Up to 20, those who spent the most first.")
    warnings: list[str] = Field(description="What is missing from these figures.")


@tool(title="List FlowPOS clients", reads_only=True, pages_by="after", needs_scopes=POS_READ)
def list_clients(
    api: Api,
    search: Annotated[Words | None, Field(description="Part of the name or email address.")] = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[FlowposClient]:
    """List clients with their number of orders, total spent and last order.

    For clients at risk and top spenders use get_client_health.
    """
    return read_page(api, _CLIENTS, FlowposClient, {"search": search, "limit": limit, "cursor": after})


@tool(title="Check client health", reads_only=True, needs_scopes=POS_INTENTS, bare=True)
def get_client_health(
    api: Api,
    inactive_days: Annotated[
        int, Field(ge=1, le=3650, description="Days without an order until a client is at risk.")
    ] = 60,
) -> ClientHealth:
    """Show which clients of a FlowPOS business are active, at risk or lost, and the top spenders.

    To find one client use flowpos_list_clients.
    """
    clients, complete = read_all(api, _CLIENTS, FlowposClient, _MOST_PAGES)
    day = today(api)
    quiet = {client.client_id: _days_since(api, client.last_order_at, day) for client in clients}
    never = [c for c in clients if quiet[c.client_id] is None]
    at_risk = _quiet_clients(
        [
            (c, d)
            for c in clients
            if (d := quiet[c.client_id]) is not None and inactive_days < d <= 2 * inactive_days
        ]
    )
    lost = _quiet_clients(
        [(c, d) for c in clients if (d := quiet[c.client_id]) is not None and d > 2 * inactive_days]
    )
    return ClientHealth(
        currency=currency_of(api),
        as_of=day.isoformat(),
        inactive_days=inactive_days,
        total=len(clients),
        active=len(clients) - len(never) - len(at_risk) - len(lost),
        at_risk=len(at_risk),
        lost=len(lost),
        never_ordered=len(never),
        top_spenders=sorted((c for c in clients if _spent(c) > 0), key=lambda c: -_spent(c))[:10],
        at_risk_clients=at_risk[:_MOST_NAMED],
        lost_clients=lost[:_MOST_NAMED],
        warnings=[] if complete else [f"Only the first {len(clients)} clients were counted."],
    )


def client_name(api: Api, client_id: str) -> str:
    """The quoted name of a client, or words in its place if it could not be looked up.

    Raises ObjectNotFound for an id that the whole list does not have.
    """
    try:
        clients, is_complete = read_all(api, _CLIENTS, FlowposClient, _MOST_PAGES)
    except PermissionDenied:
        clients, is_complete = [], False
    found = next((client for client in clients if client.client_id == client_id), None)
    if found is None and is_complete:
        raise ObjectNotFound("client_id: FlowPOS has no client with that id.")
    return quoted(found.name) if found and found.name else "a client who could not be looked up"


def _quiet_clients(found: list[tuple[FlowposClient, int]]) -> list[QuietClient]:
    return [
        QuietClient(
            client_id=c.client_id,
            name=c.name,
            email=c.email,
            total_spent=c.total_spent,
            currency=c.currency,
            days_since_order=days,
        )
        for c, days in sorted(found, key=lambda pair: -_spent(pair[0]))
    ]


def _spent(client: FlowposClient) -> Decimal:
    return client.total_spent or Decimal(0)


def _days_since(api: Api, text: str | None, day: date) -> int | None:
    """The number of the business's days since then; None for never or an unreadable moment."""
    try:
        moment: datetime = _MOMENT.validate_python(text)
    except ValidationError:
        return None
    return max(0, (day - moment.astimezone(zone_of(api)).date()).days)
