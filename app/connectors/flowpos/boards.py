"""PSA boards: work for clients, as items on boards."""

from typing import Annotated

from pydantic import Field

from app.connectors.api import Api
from app.connectors.flowpos.auth_methods import PSA_READ
from app.connectors.flowpos.records import read_list, read_page
from app.connectors.flowpos.values import After, FlowId, FlowRow, Limit, Words
from app.connectors.function_tool import tool
from app.connectors.rows import Page, Row


class PsaBoard(FlowRow):
    """A board."""

    board_id: str = Field(validation_alias="id")
    name: str | None = None
    items_count: int | None = None


class PsaBoards(Row):
    """Every board of the business."""

    items: list[PsaBoard]


class PsaBoardItem(FlowRow):
    """Something to do."""

    item_id: str = Field(validation_alias="id")
    title: str | None = None
    status: str | None = None
    assignee: str | None = None
    due_date: str | None = None
    client_id: str | None = None


@tool(title="List FlowPOS boards", reads_only=True, needs_scopes=PSA_READ)
def list_psa_boards(api: Api) -> PsaBoards:
    """List the PSA boards of a business with their number of items."""
    return PsaBoards(items=read_list(api, "list_psa_boards", PsaBoard))


@tool(title="List FlowPOS board items", reads_only=True, pages_by="after", needs_scopes=PSA_READ)
def list_psa_items(
    api: Api,
    board_id: Annotated[FlowId, Field(description="Id from flowpos_list_psa_boards.")],
    status: Annotated[Words | None, Field(description="As FlowPOS writes it.")] = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[PsaBoardItem]:
    """List the items of a PSA board: title, status, assignee, due date, client."""
    wanted = {"boardId": board_id, "status": status, "limit": limit, "cursor": after}
    return read_page(api, "list_psa_items", PsaBoardItem, wanted)
