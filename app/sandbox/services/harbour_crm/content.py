"""The resources and prompts of Harbour CRM."""

import json
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError

from app.sandbox.mcp_desk import McpDesk
from app.sandbox.services.harbour_crm.chart import draw_bars
from app.sandbox.services.harbour_crm.demo import STAGES
from app.sandbox.services.harbour_crm.records import books

_GUIDE = """# How we work with deals

- A lead becomes *qualified* once somebody has spoken with the customer.
- Send a *proposal* within three days, and note the date the customer expects.
- Two people look at every deal above 10,000 before the *negotiation*.
"""


def add_content(server: MCPServer[Any], desk: McpDesk) -> None:
    """Register them."""

    @server.resource("harbour://guide", title="How we work with deals", mime_type="text/markdown")
    def guide() -> str:
        """The house rules for deals."""
        return _GUIDE

    @server.resource("harbour://stages", title="Stages of a deal", mime_type="application/json")
    def stages() -> str:
        """The stages in their order."""
        return json.dumps(list(STAGES))

    @server.resource("harbour://logo.png", title="Logo", mime_type="image/png")
    def logo() -> bytes:
        """Three bars."""
        return draw_bars([2, 3, 1])

    @server.resource("harbour://contacts/{contact_id}", title="A contact", mime_type="application/json")
    def contact(contact_id: str, ctx: Context) -> str:
        """One contact by its id."""
        with books(desk, ctx) as (_, book):
            record = book.find("contact", contact_id)
        if record is None:
            raise ResourceNotFoundError(f"There is no contact {contact_id}.")
        return json.dumps(record)

    @server.prompt(title="Prepare a meeting")
    def prepare_meeting(contact_id: str) -> str:
        """Everything worth knowing before meeting a contact."""
        return (
            f"Prepare me for a meeting with the contact {contact_id}: read it with get_contact, look at the "
            "deals of the company and the open tasks about them, and end with three questions I should ask."
        )
