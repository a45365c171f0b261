"""Reads on in an answer that was too long for one result."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from app.connectors.function_tool import tool
from app.connectors.rows import Row
from app.connectors.services import services_of
from app.mcp_server import stored_answers
from app.mcp_server.tools.spec import BuiltIn, ToolContext
from app.vault.models import Connection


class AnswerPart(Row):
    """A part of a long answer."""

    text: str
    next_cursor: str | None = Field(description="Pass as `cursor` for the next part; null at the end.")
    total_characters: int


@tool(title="Read on", reads_only=True, open_world=False)
def read_more(
    context: ToolContext,
    cursor: Annotated[str, Field(max_length=100, description="next_cursor of the answer before.")],
) -> AnswerPart:
    """Read the next part of an answer that was too long.

    Use it only with a `next_cursor` that a tool's answer came with. It works for an hour.
    """
    caller = context.caller
    mine = {each.id for each in context.connections}
    keys = context.settings.vault_keys
    text, following, total = stored_answers.read(keys, caller.workspace_id, caller.user_id, mine, cursor)
    return AnswerPart(text=text, next_cursor=following, total_characters=total)


def _has_long_answers(connections: Sequence[Connection]) -> bool:
    """Only services that a workspace brought itself return texts of any length."""
    found = (services_of(each.workspace_id).find(each.slug) for each in connections)
    return any(connector is not None and connector.workspace_id is not None for connector in found)


TOOLS = (BuiltIn("hub_read_more", read_more, is_offered=_has_long_answers),)
