"""A server that refuses a call until the person has opened a page of its own (-32042)."""

import json
from dataclasses import dataclass, field

import pytest
from mcp.shared.exceptions import UrlElicitationRequiredError
from mcp_types import ElicitRequestURLParams

from app.connectors.mcp import client_of as client_at
from app.errors import ToolError
from app.vault.access import open_api

PAGE = "https://pay.notebook.example/consent"
OURS = "http://LOCALHOST.:8000/oauth/authorize?client_id=theirs"


@dataclass
class Printer:
    """The tool, and what the person does when asked. `done`: they are done on the page."""

    done: bool = False
    says: str = "accept"
    finishes: bool = True
    page: str = PAGE
    calls: int = 0
    questions: list = field(default_factory=list)
    capabilities = {"elicitation": {"url": {}}}
    earlier = None

    def answer(self, method, params):
        self.questions.append((method, params["mode"], params["url"], params["message"]))
        self.done = self.finishes and self.says == "accept"
        return {"action": self.says}

    async def print_notes(self) -> str:
        """Print the notes."""
        self.calls += 1
        if not self.done:
            question = ElicitRequestURLParams(message="Pay first.", url=self.page, elicitation_id="p1")
            raise UrlElicitationRequiredError([question])
        return "Printed."


@pytest.fixture
def printer(session_server):
    printer = Printer()
    session_server.add_tool(printer.print_notes, name="print_notes")
    return printer


@pytest.fixture
def call(settings, printer, session_server, add, connect):
    """The call of a tool that writes, by a person who can be asked."""
    add(session_server.url)
    api = open_api(settings, connect(permission="write"))
    return lambda: client_at(api).call_tool("print_notes", {}, safe=False, answer=printer)


def test_the_person_is_asked_and_the_call_is_made_again(call, printer):
    assert "Printed." in json.dumps(call()["content"])
    assert printer.questions == [("elicitation/create", "url", PAGE, "Pay first.")]
    assert printer.calls == 2


@pytest.mark.parametrize(("says", "calls"), [("decline", 1), ("accept", 2)], ids=["declined", "not done yet"])
def test_one_who_is_not_done_is_asked_once(call, printer, says, calls):
    printer.says, printer.finishes = says, False
    with pytest.raises(ToolError, match="Notebook needs the person to finish on its page first"):
        call()
    assert (len(printer.questions), printer.calls) == (1, calls)


@pytest.mark.parametrize("spoken", ["2026-07-28", "2025-11-25"], ids=["2026 client", "2025 client"])
def test_a_client_that_shows_no_pages_gets_the_host_and_the_address(
    printer, people, session_server, add, connect, client_of, spoken
):
    add(session_server.url)
    connect(permission="write")
    client = client_of(people.alice)
    if spoken == "2025-11-25":
        client.initialize(spoken)
    error = client.call("notebook_print_notes", {})["error"]
    assert "needs the person to open a page at pay.notebook.example first" in error["message"]
    assert error["details"]["open_url"] == PAGE


@pytest.mark.parametrize("spoken", ["2026-07-28", "2025-11-25"], ids=["2026 client", "2025 client"])
def test_nobody_is_sent_to_a_page_of_this_installation(
    printer, people, session_server, add, connect, client_of, spoken
):
    """It could allow the server's own client something, with one press."""
    add(session_server.url)
    connect(permission="write")
    printer.page = OURS
    client = client_of(people.alice)
    if spoken == "2025-11-25":
        client.initialize(spoken)
    error = client.call("notebook_print_notes", {})["error"]
    assert error["message"].startswith("Notebook asked to open a page of Patchbay itself")
    assert "open_url" not in error["details"] and printer.calls == 1
