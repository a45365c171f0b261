"""What an MCP server asks during a call reaches the person at their AI client, whichever revision either of
them speaks: the official SDK at both ends, and the product between them in two processes.
"""

import asyncio
import base64
import json
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitRequestURLParams, ElicitResult

from tests.federation.revisions import both_upstream_revisions
from tests.mcp_server.live import listen, port_of, run_gunicorn
from tests.mcp_server.test_live import modern, modern_headers
from tests.support import loops
from tests.support.notebook import CHECKOUT, PNG
from tests.support.waiting import AT_MOST_SECONDS, until

pytestmark = [pytest.mark.slow, both_upstream_revisions]
both_client_revisions = pytest.mark.parametrize(
    "mode", ["auto", "legacy"], ids=["2026 client", "2025 client"]
)


@pytest.fixture
def listener():
    return listen()


@pytest.fixture
def environ(environ, listener):
    """The product on a port of its own, so that the test's and the workers' settings agree."""
    port = str(port_of(listener))
    return environ | {"PORT": port, "PUBLIC_URL": f"http://127.0.0.1:{port}", "WEB_THREADS": "8"}


@pytest.fixture
def url(app, environ, listener, tmp_path):
    """Our endpoint, in two worker processes."""
    target = "tests.federation.test_questions:create_app()"
    with run_gunicorn(target, listener, tmp_path / "log.txt", environ) as address:
        yield f"{address}/mcp"


def create_app():
    """The product, in a worker process."""
    import os

    from app import config, factory

    return factory.create_app(config.load(os.environ))


@pytest.fixture
def token(people, token_for):
    return token_for(people.alice)


@pytest.fixture
def use(url, token, add, connect, notebook):
    """`use(mode, answer, work)` runs `work(client)` with the SDK's client; the person answers each question
    with `answer(params)`. Gives the questions.
    """
    add(notebook.url)
    connect(permission="write")

    def _use(mode, answer, work):
        questions = []

        async def ask(_context: Any, params: Any) -> ElicitResult:
            questions.append(params)
            return answer(params)

        async def run() -> None:
            http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=AT_MOST_SECONDS)
            options = {} if answer is None else {"elicitation_callback": ask}
            transport = streamable_http_client(url, http_client=http)
            limit = AT_MOST_SECONDS
            async with Client(transport, mode=mode, read_timeout_seconds=limit, **options) as client:
                await work(client)

        loops.run(run())
        return questions

    return _use


def green(_params):
    return ElicitResult(action="accept", content={"colour": "green"})


def text_of(result):
    return json.dumps(result.structured_content)


@both_client_revisions
def test_questions_and_progress_reach_the_client_and_answers_the_server(use, mode, url, token, notebook):
    _a_question_is_answered_in_the_chat(use, mode)
    _an_image_comes_after_the_answer(use, mode)
    for action in ("decline", "cancel"):
        _a_person_who_says_no_is_believed(use, mode, action)
    _a_page_to_open_is_named_by_its_host(use, mode)
    _a_client_that_shows_no_questions_gets_a_sentence(use, mode)
    _sampling_and_roots_are_not_passed_on(use, mode)
    _progress_reaches_the_client(use, mode)
    if mode == "auto":
        _a_client_that_leaves_ends_the_call(url, token, notebook)


def _a_question_is_answered_in_the_chat(use, mode):
    async def colour(client):
        results = await asyncio.gather(
            *(client.call_tool("notebook_colour_note", {"id": n}) for n in range(1, 4))
        )
        for n, result in enumerate(results, 1):
            assert f"Note {n} is green now." in text_of(result), result

    questions = use(mode, green, colour)
    assert len(questions) == 3
    assert {each.message for each in questions} == {"Notebook asks: Which colour should the note have?"}, (
        "it names the server"
    )
    fields = questions[0].requested_schema
    assert fields["properties"]["colour"]["type"] == "string" and fields["required"] == ["colour"]


def _an_image_comes_after_the_answer(use, mode):
    async def paint(client):
        result = await client.call_tool("notebook_paint_note", {"id": 1})
        assert "In green." in text_of(result)
        assert base64.b64decode(result.content[1].data) == PNG

    assert len(use(mode, green, paint)) == 1


def _a_person_who_says_no_is_believed(use, mode, action):
    async def colour(client):
        result = await client.call_tool("notebook_colour_note", {"id": 1})
        assert "is green now" not in text_of(result)

    assert len(use(mode, lambda params: ElicitResult(action=action), colour)) == 1


def _a_page_to_open_is_named_by_its_host(use, mode):
    async def buy(client):
        assert "Ten pages more." in text_of(await client.call_tool("notebook_buy_paper", {}))

    (question,) = use(mode, lambda params: ElicitResult(action="accept"), buy)
    assert isinstance(question, ElicitRequestURLParams)
    assert question.url == CHECKOUT
    assert question.message.startswith("Notebook asks you to open a page at pay.notebook.example: ")


def _a_client_that_shows_no_questions_gets_a_sentence(use, mode):
    async def colour(client):
        result = await client.call_tool("notebook_colour_note", {"id": 1})
        assert result.is_error
        message = result.structured_content["error"]["message"]
        assert message.startswith("Notebook needs to ask the person a question for this"), message
        assert "AI client that shows questions" in message

    assert use(mode, None, colour) == []


def _sampling_and_roots_are_not_passed_on(use, mode):
    async def write(client):
        for tool in ("notebook_write_poem", "notebook_look_at_folders"):
            result = await client.call_tool(tool, {})
            message = result.structured_content["error"]["message"]
            assert message.startswith("Notebook needs the AI client's own model or folders"), message

    assert use(mode, green, write) == []


def _progress_reaches_the_client(use, mode):
    reports = []

    async def report(done, total, message):
        reports.append((done, total, message))

    async def count(client):
        result = await client.call_tool("notebook_count", {"to": 3}, progress_callback=report)
        assert "Counted to 3." in text_of(result)

    use(mode, green, count)
    assert reports == [(1, 3, "1 of 3"), (2, 3, "2 of 3"), (3, 3, "3 of 3")]


def _a_client_that_leaves_ends_the_call(url, token, notebook):
    notebook.book.is_open = False
    sent, headers = modern("notebook_wait", {}, progressToken="p"), modern_headers(token, "notebook_wait")
    with (
        httpx2.Client(timeout=AT_MOST_SECONDS) as http,
        http.stream("POST", url, json=sent, headers=headers) as answer,
    ):
        assert "Waiting" in next(line for line in answer.iter_lines() if line.startswith("data:"))
        assert notebook.book.waiting == 1
    until(lambda: notebook.book.abandoned == 1 and notebook.book.waiting == 0)
