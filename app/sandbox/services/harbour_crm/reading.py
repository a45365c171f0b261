"""The tools of Harbour CRM that read, among them a chart, and one that takes a while and reports progress."""

from collections.abc import Callable
from difflib import SequenceMatcher
from typing import Annotated, Any

import anyio
from mcp.server.mcpserver import Context, Image, MCPServer
from mcp_types import ToolAnnotations
from pydantic import Field

from app.sandbox.mcp_desk import McpDesk, caller
from app.sandbox.services.harbour_crm.chart import draw_bars
from app.sandbox.services.harbour_crm.demo import STAGES
from app.sandbox.services.harbour_crm.records import (
    Companies,
    ContactDetails,
    ContactId,
    Contacts,
    CrmAccount,
    CrmCompany,
    CrmContact,
    CrmNote,
    Deal,
    DealId,
    Deals,
    Duplicates,
    Stage,
    Task,
    Tasks,
    books,
    found,
)

_PAGE = 5
_STEP_SECONDS = 0.05
_ALIKE = 0.85
Register = Callable[..., Callable[[Any], Any]]


def _reading(server: MCPServer[Any]) -> Register:
    annotations = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
    return lambda title: server.tool(title=title, annotations=annotations)


def add_reading(server: MCPServer[Any], desk: McpDesk) -> None:
    """Register them."""
    reading = _reading(server)

    @reading("Get the account")
    def get_account(ctx: Context) -> CrmAccount:
        """Whose CRM this is: the company, the person who signed in, and what the access covers."""
        access = caller(ctx.request_context)
        with desk.open() as at:
            name = at.service.company(access.company).name
        return CrmAccount(company=name, signed_in_as=access.person, scopes=sorted(access.scopes))

    @reading("Search contacts")
    def search_contacts(
        ctx: Context,
        text: Annotated[str, Field(max_length=100, description="Part of a name, email or role.")] = "",
        company_id: Annotated[str, Field(description="Only people at this company.")] = "",
        page: Annotated[int, Field(ge=1, description="Page to read, from 1.")] = 1,
    ) -> Contacts:
        """Find people by name, email or role, five to a page. Without arguments: everybody."""
        with books(desk, ctx) as (_, book):
            hits = [
                CrmContact(**record)
                for record in book.all("contact")
                if text.lower() in f"{record['name']} {record['email']} {record['role']}".lower()
                and company_id in {"", record["company_id"]}
            ]
        end = page * _PAGE
        following = page + 1 if end < len(hits) else None
        return Contacts(contacts=hits[end - _PAGE : end], total=len(hits), next_page=following)

    @reading("Get a contact")
    def get_contact(ctx: Context, contact_id: ContactId) -> ContactDetails:
        """One person with the notes about them."""
        with books(desk, ctx) as (_, book):
            record = found(book, "contact", contact_id)
            notes = [CrmNote(**note) for note in book.all("note") if note["contact_id"] == contact_id]
        return ContactDetails(**record, notes=notes[::-1])

    @reading("List companies")
    def list_companies(ctx: Context) -> Companies:
        """Every company with its id."""
        with books(desk, ctx) as (_, book):
            return Companies(companies=[CrmCompany(**record) for record in book.all("company")])

    @reading("List deals")
    def list_deals(
        ctx: Context,
        stage: Annotated[Stage | None, Field(description="Only deals at this stage.")] = None,
    ) -> Deals:
        """Deals with stage, amount and expected date."""
        with books(desk, ctx) as (_, book):
            return Deals(deals=[Deal(**d) for d in book.all("deal") if stage in {None, d["stage"]}])

    @reading("List tasks")
    def list_tasks(
        ctx: Context,
        open_only: Annotated[bool, Field(description="Leave out what is done.")] = True,
        deal_id: Annotated[DealId | None, Field(description="Only tasks about this deal.")] = None,
    ) -> Tasks:
        """What is to be done, by date."""
        with books(desk, ctx) as (_, book):
            tasks = [Task(**record) for record in book.all("task")]
        wanted = [t for t in tasks if not (open_only and t.done) and deal_id in {None, t.deal_id}]
        return Tasks(tasks=sorted(wanted, key=lambda task: task.due_on))

    @server.tool(
        title="Draw the pipeline",
        annotations=ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False),
        structured_output=False,
    )
    def draw_pipeline(ctx: Context) -> Image:
        """A bar chart (PNG) of what the deals at each stage are worth, from lead to lost."""
        with books(desk, ctx) as (_, book):
            worth = dict.fromkeys(STAGES, 0.0)
            for deal in book.all("deal"):
                worth[deal["stage"]] += float(deal["amount"])
        return Image(data=draw_bars(list(worth.values())), format="png")

    @reading("Find duplicates")
    async def find_duplicates(ctx: Context) -> Duplicates:
        """Compare every contact with every other one by name. Takes a moment and reports its progress."""
        with books(desk, ctx) as (_, book):
            people = [(record["id"], record["name"]) for record in book.all("contact")]
        pairs: list[list[str]] = []
        for number, (id_, name) in enumerate(people, 1):
            for other, other_name in people[number:]:
                if SequenceMatcher(None, name, other_name).ratio() >= _ALIKE:
                    pairs.append([id_, other])
            await ctx.report_progress(number, len(people), f"Compared {name}")
            await anyio.sleep(_STEP_SECONDS)
        return Duplicates(pairs=pairs, compared=len(people))
