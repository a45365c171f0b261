"""Clients."""

from typing import Annotated

from pydantic import Field

from app.connectors.api import Api
from app.connectors.flowpos.auth_methods import POS_READ
from app.connectors.flowpos.records import read_all, read_page
from app.connectors.flowpos.values import After, FlowRow, Limit, Words
from app.connectors.function_tool import tool
from app.connectors.money import Money
from app.connectors.preview import quoted
from app.connectors.rows import Page
from app.errors import ObjectNotFound, PermissionDenied

_MOST_PAGES = 30


class FlowposClient(FlowRow):
    """A client."""

    client_id: str = Field(validation_alias="id")
    name: str | None = None
    email: str | None = None
    orders_count: int | None = None
    total_spent: Money | None = None
    currency: str | None = None
    last_order_at: str | None = Field(None, description="In UTC; null: never ordered.")


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
    return read_page(api, "list_clients", FlowposClient, {"search": search, "limit": limit, "cursor": after})


def client_name(api: Api, client_id: str) -> str:
    """The quoted name of a client, or words in its place if it could not be looked up.

    Raises ObjectNotFound for an id that the whole list does not have.
    """
    try:
        clients, is_complete = read_all(api, "list_clients", FlowposClient, _MOST_PAGES)
    except PermissionDenied:
        clients, is_complete = [], False
    found = next((client for client in clients if client.client_id == client_id), None)
    if found is None and is_complete:
        raise ObjectNotFound("client_id: FlowPOS has no client with that id.")
    return quoted(found.name) if found and found.name else "a client who could not be looked up"
