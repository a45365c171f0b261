"""What a tool returns beside plain data reaches the AI client: images as they are, long texts in parts."""

import base64
import functools
import hashlib
import random
import re
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from mcp_types import CallToolResult, ImageContent, TextContent
from sqlmodel import select

from app import background, clock, database
from app.connectors.mcp import call_tool
from app.connectors.rows import size_in_tokens
from app.mcp_server.models import StoredAnswer
from app.vault.models import Connection
from tests.conftest import both_databases
from tests.services import stock
from tests.support.mcp_upstreams import serve_notebook
from tests.support.notebook import PNG

MOST_TOKENS = 25_000


@functools.cache
def text():
    """Five million characters, made when the first test needs them."""
    return "".join(random.Random(7).choices('abcdefghij "\\\nüß→', k=5_000_000))


@dataclass(frozen=True)
class McpTool(stock.DataTool):
    """A tool of an MCP server, as data."""

    url: str = ""

    def call(self, context, arguments):
        return call_tool(replace(context, base_url=self.url), self.verb, arguments, safe=self.reads_only)


def tool(url, verb):
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    common = {"title": verb, "description": verb, "method": "POST", "path": "", "data_schema": {}}
    return McpTool(verb=verb, url=url, reads_only=True, input_schema=schema, **common)


def long_text() -> CallToolResult:
    """Return five megabytes of text."""
    return CallToolResult(content=[TextContent(type="text", text=text())])


def long_list() -> dict[str, list[str]]:
    """Return a long list."""
    return {"lines": [f"line {n} of many" for n in range(20_000)]}


def pictures() -> CallToolResult:
    """Return a large image."""
    image = base64.b64encode(PNG + random.Random(1).randbytes(2_000_000)).decode()
    return CallToolResult(content=[ImageContent(type="image", data=image, mime_type="image/png")])


def too_long() -> CallToolResult:
    """Return twenty megabytes."""
    return CallToolResult(content=[TextContent(type="text", text="x" * 20_000_000)])


@pytest.fixture
def ask(people, client_of, connect, own_services, room, closed_later):
    """`ask(tool, arguments, user=…)` calls a tool as an AI client does and returns the result."""
    text()  # before a call has to wait for it
    with closed_later(serve_notebook()) as upstream:
        functions = (long_text, long_list, pictures, too_long)
        for function in functions:
            upstream.add_tool(function)
        tools = tuple(tool(upstream.url, function.__name__) for function in functions)
        own_services.rows[people.northwind.id] = (
            stock.connector(room.url, people.northwind.id, tools=(stock.LIST, *tools)),
        )
        connect()

        def _ask(name, arguments=None, user=people.alice):
            return client_of(user).ask("tools/call", name=name, arguments=arguments or {}).json["result"]

        yield _ask


def digest(encoded):
    return hashlib.sha256(base64.b64decode(encoded)).hexdigest()


def data(result):
    assert result["structuredContent"]["success"], result["structuredContent"]
    return result["structuredContent"]["data"]


def test_an_image_arrives_as_the_same_bytes_after_the_envelope(ask):
    result = ask("stock_pictures")
    assert [each["type"] for each in result["content"]] == ["text", "image"]
    sent, received = pictures().content[0], result["content"][1]
    assert digest(received["data"]) == digest(sent.data) and received["mimeType"] == sent.mime_type


def test_a_page_of_ours_says_that_there_was_more_than_it_displays(ask, owner):
    owner.get("/integrations")
    path = f"/integrations/stock/{re.search(r'card-(con_[0-9a-z]+)', owner.page)[1]}/tools/stock_pictures"
    owner.get(path)
    owner.submit(path)
    assert "It also returned content, such as images or links, that only an AI client" in owner.page


@both_databases
def test_five_megabytes_of_text_come_in_parts_without_a_gap(ask):
    first = ask("stock_long_text")
    envelope = first["structuredContent"]
    assert size_in_tokens(envelope) <= MOST_TOKENS
    assert "first part of 5,000,000 characters" in envelope["message"]
    read, cursor = data(first)["text"], envelope["next_cursor"]
    for _ in range(2):
        part = ask("hub_read_more", {"cursor": cursor})
        assert size_in_tokens(part["structuredContent"]) <= MOST_TOKENS
        read += data(part)["text"]
        cursor = data(part)["next_cursor"]
        assert data(part)["total_characters"] == len(text())
    assert len(read) > 100_000 and text().startswith(read)
    end = re.sub(r"\.\d+$", ".4999000", cursor)
    assert data(ask("hub_read_more", {"cursor": end}))["text"] == text()[-1000:]
    assert data(ask("hub_read_more", {"cursor": end}))["next_cursor"] is None


def test_long_structured_data_keeps_its_form_and_the_whole_can_be_read_as_text(ask):
    first = ask("stock_long_list")
    assert size_in_tokens(first["structuredContent"]) <= MOST_TOKENS
    assert data(first)["lines"][0] == "line 0 of many"
    part = data(ask("hub_read_more", {"cursor": first["structuredContent"]["next_cursor"]}))
    assert part["text"].startswith('{"lines":["line 0 of many","line 1 of many"')


def test_twenty_megabytes_are_refused_in_words(ask):
    error = ask("stock_too_long")["structuredContent"]["error"]
    assert error["code"] == "PROVIDER_ERROR"
    assert error["message"] == (
        "Stock Room sent more than fits in one answer. Ask for less: fewer records or a shorter period."
    )


def test_the_rest_is_sealed_and_only_the_caller_reads_it(ask, people):
    cursor = ask("stock_long_text")["structuredContent"]["next_cursor"]
    with database.reading() as db:
        (row,) = db.exec(select(StoredAnswer)).all()
    assert text()[:20] not in row.text_sealed and cursor.partition(".")[0] not in row.id_digest
    for user in (people.bob, people.charlie):
        error = ask("hub_read_more", {"cursor": cursor}, user=user)["structuredContent"]["error"]
        assert error["code"] == "INVALID_ARGUMENTS" and "Make the first call again" in error["message"]
    assert data(ask("hub_read_more", {"cursor": cursor}))["text"]


@pytest.mark.parametrize("cursor", ["", "x", ".5", "x.-5", "x.99999999999999999999", "x.5.5", "é.٣"])
def test_a_cursor_that_is_not_ours_is_refused(ask, cursor):
    error = ask("hub_read_more", {"cursor": cursor})["structuredContent"]["error"]
    assert error["code"] == "INVALID_ARGUMENTS"


def test_a_position_past_the_end_is_the_end(ask):
    cursor = ask("stock_long_text")["structuredContent"]["next_cursor"]
    beyond = re.sub(r"\.\d+$", ".999999999999", cursor)
    assert data(ask("hub_read_more", {"cursor": beyond})) == {
        "text": "",
        "next_cursor": None,
        "total_characters": len(text()),
    }


@both_databases
def test_the_rest_expires_and_is_deleted_and_newer_ones_make_room(ask, frozen_clock):
    cursors = []
    for _ in range(12):
        cursors.append(ask("stock_long_list")["structuredContent"]["next_cursor"])
        clock.shift(timedelta(seconds=1))
    with database.reading() as db:
        assert len(db.exec(select(StoredAnswer)).all()) == 10
    assert "error" in ask("hub_read_more", {"cursor": cursors[0]})["structuredContent"]
    assert data(ask("hub_read_more", {"cursor": cursors[-1]}))["text"]
    clock.shift(timedelta(hours=1, seconds=1))
    assert "error" in ask("hub_read_more", {"cursor": cursors[-1]})["structuredContent"]
    background._forget_expired()
    with database.reading() as db:
        assert db.exec(select(StoredAnswer)).all() == []


def test_the_rest_is_not_read_once_the_connection_is_somebody_elses_alone(ask, people):
    cursor = ask("stock_long_list")["structuredContent"]["next_cursor"]
    with database.transaction() as db:
        connection = db.exec(select(Connection)).one()
        connection.owner_id, connection.visibility = people.bob.id, "personal"
    assert "error" in ask("hub_read_more", {"cursor": cursor})["structuredContent"]


def test_the_rest_is_read_only_while_the_connection_is_there(ask, owner):
    cursor = ask("stock_long_list")["structuredContent"]["next_cursor"]
    with database.transaction() as db:
        row = db.exec(select(StoredAnswer)).one()
        db.delete(db.get(Connection, row.connection_id))
    assert "error" in ask("hub_read_more", {"cursor": cursor})["structuredContent"]
    with database.reading() as db:
        assert db.exec(select(StoredAnswer)).all() == []
