"""Notebook: an MCP server by the official SDK, with tools of every kind that a server may have."""

import base64
from typing import Annotated, Any

import anyio
from mcp.server.caching import CacheHint
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.resolve import Elicit, ListRoots, Resolve, Sample
from mcp_types import (
    CallToolResult,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestURLParams,
    ImageContent,
    InputRequiredResult,
    ListRootsResult,
    ResourceLink,
    SamplingMessage,
    TextContent,
    ToolAnnotations,
)
from pydantic import BaseModel, Field

NAME = "Notebook"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
CHECKOUT = "https://pay.notebook.example/checkout/42"
_READS, _WRITES = ToolAnnotations(read_only_hint=True), ToolAnnotations(destructive_hint=False)


class Note(BaseModel):
    id: int
    text: str


class Notes(BaseModel):
    notes: list[Note]


class Colour(BaseModel):
    colour: str = Field(description="The colour of the note.")


class Notebook:
    """What the server remembers, and the levers of a test."""

    def __init__(self, *, ttl_ms: int | None = None) -> None:
        self.notes = ["Buy milk", "Call the bank"]
        self.is_open = True  # False: `wait` does not return
        self.waiting = 0  # calls of `wait` that are under way
        self.abandoned = 0  # those whose caller left
        hints = {"tools/list": CacheHint(ttl_ms=ttl_ms)} if ttl_ms is not None else None
        self.server = MCPServer(
            "notebook",
            title=NAME,
            version="1.4.0",
            instructions="Keep short notes. List them before you change one.",
            log_level="ERROR",
            cache_hints=hints,
        )
        _add_tools(self)
        _add_questions(self)
        _add_resources(self)


def _add_tools(book: Notebook) -> None:
    server = book.server

    @server.tool(title="List notes", annotations=_READS)
    def list_notes(contains: str = "") -> Notes:
        """List the notes.

        Use it to find the id of a note.
        """
        found = [Note(id=n, text=text) for n, text in enumerate(book.notes, 1) if contains in text]
        return Notes(notes=found)

    @server.tool(title="Add a note", annotations=_WRITES)
    def add_note(text: str) -> Note:
        """Write a new note."""
        book.notes.append(text)
        return Note(id=len(book.notes), text=text)

    @server.tool(title="Delete a note", annotations=ToolAnnotations(destructive_hint=True))
    def delete_note(id: int) -> str:
        """Delete a note for good."""
        if not 1 <= id <= len(book.notes):
            raise ToolError(f"There is no note {id}.")
        return f"Deleted: {book.notes.pop(id - 1)}"

    @server.tool(title="Draw a note", annotations=_READS)
    def draw_note(id: int) -> CallToolResult:
        """Return a note as an image, with a link to its text."""
        image = ImageContent(type="image", data=base64.b64encode(PNG).decode(), mime_type="image/png")
        link = ResourceLink(type="resource_link", uri=f"notebook://notes/{id}", name=f"note {id}")
        words = TextContent(type="text", text=f"Note {id} as an image.")
        return CallToolResult(content=[words, image, link])

    @server.tool(title="Count slowly", annotations=_READS)
    async def count(context: Context, to: int = 3) -> str:
        """Count, and report each number."""
        for n in range(1, to + 1):
            await context.report_progress(n, to, f"{n} of {to}")
        return f"Counted to {to}."

    @server.tool(title="Wait", annotations=_READS)
    async def wait(context: Context) -> str:
        """Wait until the notebook is opened."""
        book.waiting += 1
        try:
            await context.report_progress(0, None, "Waiting")
            while not book.is_open:
                await anyio.sleep(0.01)
            return "It is open."
        except BaseException:
            book.abandoned += 1
            raise
        finally:
            book.waiting -= 1


async def _ask_colour() -> Elicit[Colour]:
    return Elicit("Which colour should the note have?", Colour)


async def _ask_model() -> Sample:
    words = TextContent(type="text", text="A poem about notes.")
    return Sample([SamplingMessage(role="user", content=words)], max_tokens=50)


async def _ask_folders() -> ListRoots:
    return ListRoots()


def _add_questions(book: Notebook) -> None:
    server = book.server

    @server.tool(title="Colour a note", annotations=_WRITES)
    async def colour_note(id: int, colour: Annotated[Colour, Resolve(_ask_colour)]) -> str:
        """Give a note a colour, which the person chooses."""
        return f"Note {id} is {colour.colour} now."

    @server.tool(title="Paint a note", annotations=_READS)
    async def paint_note(id: int, colour: Annotated[Colour, Resolve(_ask_colour)]) -> CallToolResult:
        """Return a note as an image in a colour, which the person chooses."""
        image = ImageContent(type="image", data=base64.b64encode(PNG).decode(), mime_type="image/png")
        return CallToolResult(content=[TextContent(type="text", text=f"In {colour.colour}."), image])

    @server.tool(title="Buy more paper", annotations=_WRITES)
    async def buy_paper(context: Context) -> str | InputRequiredResult:
        """Buy more pages, which the person pays on a page of ours."""
        message = "Pay for ten more pages."
        if context.protocol_version == "2026-07-28":
            answer: Any = (context.input_responses or {}).get("pay")
            if answer is None:
                question = ElicitRequest(params=ElicitRequestURLParams(message=message, url=CHECKOUT))
                return InputRequiredResult(input_requests={"pay": question}, request_state="paying")
        else:
            answer = await context.elicit_url(message, CHECKOUT, "paper-42")
        return "Ten pages more." if answer.action == "accept" else f"Not bought: {answer.action}."

    @server.tool(title="Write a poem", annotations=_READS)
    async def write_poem(poem: Annotated[CreateMessageResult, Resolve(_ask_model)]) -> str:
        """Ask the client's own model for a poem."""
        return str(poem.content)

    @server.tool(title="Look at folders", annotations=_READS)
    async def look_at_folders(folders: Annotated[ListRootsResult, Resolve(_ask_folders)]) -> str:
        """Ask the client which folders it works in."""
        return str(folders.roots)


def _add_resources(book: Notebook) -> None:
    server = book.server

    @server.resource("notebook://all", title="All notes", mime_type="text/plain")
    def all_notes() -> str:
        """Every note, a line each."""
        return "\n".join(book.notes)

    @server.resource("notebook://cover", title="The cover", mime_type="image/png")
    def cover() -> bytes:
        """The cover as an image."""
        return PNG

    @server.resource("notebook://notes/{id}", title="One note", mime_type="text/plain")
    def one_note(id: str) -> str:
        """One note."""
        return book.notes[int(id) - 1]

    @server.prompt(title="Tidy up")
    def tidy_up(tone: str = "friendly") -> str:
        """Ask for the notes to be tidied up."""
        return f"Tidy up these notes in a {tone} tone: {'; '.join(book.notes)}"
