"""FlowPOS' own health checks, of stock and of clients.

FlowPOS documents that these tools exist, not what they answer. Figures that it names as we expect become
ours; whatever else it says stays in `more`, as it says it.
"""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import Field
from pydantic.alias_generators import to_camel

from app.connectors.api import Api
from app.connectors.flowpos.auth_methods import POS_INTENTS
from app.connectors.flowpos.clients import FlowposClient
from app.connectors.flowpos.tool_calls import call
from app.connectors.flowpos.values import FlowId, FlowRow, currency_of, in_main_units, read_as
from app.connectors.function_tool import tool
from app.connectors.money import Money

_MORE: Any = Field({}, description="What else FlowPOS says, in its own words.")


class StockLine(FlowRow):
    """A product at a location."""

    product_id: str
    sku: str | None = None
    name: str | None = None
    location_id: str | None = None
    on_hand: int | None = None
    available: int | None = Field(None, description="On hand and not reserved.")
    reorder_point: int | None = None
    reorder_qty: int | None = None
    days_of_cover: float | None = Field(None, description="How long what all locations have will last.")


class InventoryHealth(FlowRow):
    """How the stock is doing. null: FlowPOS does not say."""

    as_of: str | None = Field(None, description="Today in the business's time zone.")
    location_id: str | None = None
    lines: int | None = Field(None, description="Products counted, once for each location.")
    out_of_stock: int | None = Field(None, description="Nothing available.")
    below_reorder: int | None = Field(None, description="At or below the reorder point, but not out.")
    overstocked: int | None = None
    value: Money | None = Field(None, description="Of what is on hand, at cost.")
    currency: str | None = None
    out_of_stock_lines: list[StockLine] = []
    below_reorder_lines: list[StockLine] = []
    overstocked_lines: list[StockLine] = []
    warnings: list[str] = []
    more: dict[str, Any] = _MORE


class QuietClient(FlowRow):
    """A client who has not ordered for a while."""

    client_id: str
    name: str | None = None
    email: str | None = None
    total_spent: Money | None = None
    currency: str | None = None
    days_since_order: int | None = None


class ClientHealth(FlowRow):
    """How the business's clients are doing. null: FlowPOS does not say."""

    currency: str | None = None
    as_of: str | None = Field(None, description="Today in the business's time zone.")
    inactive_days: int | None = None
    total: int | None = None
    active: int | None = Field(None, description="Ordered within inactive_days.")
    at_risk: int | None = Field(None, description="Not within inactive_days, but within twice as many.")
    lost: int | None = Field(None, description="Not even within twice as many days.")
    never_ordered: int | None = None
    top_spenders: list[FlowposClient] = []
    at_risk_clients: list[QuietClient] = []
    lost_clients: list[QuietClient] = []
    warnings: list[str] = []
    more: dict[str, Any] = _MORE


Health = TypeVar("Health", InventoryHealth, ClientHealth)


@tool(title="Check inventory health", reads_only=True, needs_scopes=POS_INTENTS, bare=True)
def get_inventory_health(
    api: Api,
    location_id: Annotated[
        FlowId | None, Field(description="Id from flowpos_get_sales_by_location; all if left out.")
    ] = None,
) -> InventoryHealth:
    """Show what a FlowPOS business has to reorder, what is out of stock or overstocked, stock value and
    days of cover.

    For single products use flowpos_get_inventory.
    """
    return _read(api, "get_inventory_health", InventoryHealth, {"locationId": location_id})


@tool(title="Check client health", reads_only=True, needs_scopes=POS_INTENTS, bare=True)
def get_client_health(
    api: Api,
    inactive_days: Annotated[
        int | None,
        Field(ge=1, le=3650, description="Days without an order until a client is at risk, usually 60."),
    ] = None,
) -> ClientHealth:
    """Show which clients of a FlowPOS business are active, at risk or lost, and the top spenders.

    To find one client use flowpos_list_clients.
    """
    return _read(api, "get_client_health", ClientHealth, {"inactiveDays": inactive_days})


def _read(api: Api, name: str, model: type[Health], arguments: Mapping[str, Any]) -> Health:
    """The answer of that tool. One in words is taken as it is."""
    answer = in_main_units(call(api, name, arguments, may_be_words=True), currency_of(api))
    row: Health = read_as(model, answer)
    known = {to_camel(field) for field in model.model_fields} | set(model.model_fields)
    row.more = {key: value for key, value in answer.items() if key not in known}
    return row
