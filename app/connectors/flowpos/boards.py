"""PSA boards: work for clients, as items on boards."""

from typing import Annotated

from pydantic import Field

from app.connectors.api import Api
from app.connectors.flowpos.signing_in import PSA_READ
from app.connectors.flowpos.values import (
    BUSINESS,
    After,
    FlowId,
    FlowRow,
    Limit,
    Words,
    business_of,
    page_of,
    read_list,
)
from app.connectors.tool import Page, Row, tool

_BOARDS = BUSINESS + "/psa/boards"


class Board(FlowRow):
    """A board."""

    board_id: str = Field(validation_alias="id")
    name: str
    items_count: int | None = None


class Boards(Row):
    """Every board of the business."""

    items: list[Board]


class BoardItem(FlowRow):
    """Something to do."""

    item_id: str = Field(validation_alias="id")
    title: str
    status: str | None = None
    assignee: str | None = None
    due_date: str | None = None
    client_id: str | None = None


@tool(title="List FlowPOS boards", reads_only=True, needs_scopes=PSA_READ)
def list_psa_boards(api: Api) -> Boards:
    """List the business's boards with how many items each holds.

    Use it to get the `board_id` that flowpos_list_psa_items takes.
    """
    return Boards(items=read_list(api, _BOARDS, Board, business=business_of(api)))


@tool(title="List FlowPOS board items", reads_only=True, pages_by="after", needs_scopes=PSA_READ)
def list_psa_items(
    api: Api,
    board_id: Annotated[FlowId, Field(description="Id from flowpos_list_psa_boards.")],
    status: Annotated[Words | None, Field(description="Only this status, as FlowPOS writes it.")] = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[BoardItem]:
    """List the items of a board: title, status, who does it, when it is due, for which client.

    Use it for "what is open". The client's name is in flowpos_list_clients.
    """
    asked = {"status": status, "limit": limit, "cursor": after}
    return page_of(
        api, _BOARDS + "/{board}/items", BoardItem, asked, business=business_of(api), board=board_id
    )
