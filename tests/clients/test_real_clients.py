"""What the guides tell people to paste, pasted: with the real programs and libraries, from the page to a
working tool.
"""

import html
import re
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.clients import models
from tests.support import client_programs
from tests.support.browser import Person

pytestmark = [
    pytest.mark.needs_chromium,
    pytest.mark.needs_node,
    pytest.mark.timeout(900),  # the first one installs the programs
    pytest.mark.xdist_group("real-clients"),
]


@pytest.fixture(scope="module")
def anna(product, chromium):
    person = Person(chromium, product.url)
    person.create_account()
    return person


@pytest.fixture(scope="module")
def token(anna):
    """Made on the page, as the guides say."""
    anna.go("/ai-clients")
    anna.page.get_by_label("Name", exact=True).fill("scripts")
    anna.button("Generate token").click()
    return anna.page.get_by_role("textbox", name="New token").input_value()


@pytest.fixture(scope="module")
def model():
    with models.run() as url:
        yield url


@pytest.fixture
def terminal(tmp_path):
    return client_programs.Terminal(tmp_path)


def pasted(anna, client, start, holding=""):
    """The snippet of a guide that begins like this; the one with a token when it is to hold a header."""
    anna.go(f"/ai-clients?client={client}")
    codes = [html.unescape(code) for code in anna.page.locator("#guide pre code").all_inner_texts()]
    [code] = [
        code
        for code in codes
        if code.startswith(start) and (holding in code if holding else "--header" not in code)
    ]
    return code


def waits_for(anna, client):
    anna.go(f"/ai-clients?client={client}")
    return anna.page.locator("#live")


def test_claude_code_signs_in_with_its_metadata_document_and_the_page_sees_it_come(anna, terminal):
    """Its id is the address of a document that this machine cannot fetch: the pinned copy lets it in."""
    command = pasted(anna, "claude-code", "claude mcp add")
    assert "Added HTTP MCP server" in terminal.run(command)
    assert "Needs authentication" in terminal.run("claude mcp list")
    live = waits_for(anna, "claude-code")
    assert "Waiting for Claude Code…" in live.inner_text()
    tab = anna.context.new_page()
    stays, anna.page = anna.page, tab
    try:
        output = terminal.sign_in("claude mcp login --no-browser patchbay", anna.authorize)
    finally:
        tab.close()
        anna.page = stays
    assert "Authenticated" in output
    expect(live).to_contain_text(
        re.compile(r"Claude Code connected\s+.* ago,\s+\d+ tools, about [\d,]+ tokens", re.S), timeout=60_000
    )
    assert "✔ Connected" in terminal.run("claude mcp list")
    anna.page.locator("details.fold").first.evaluate("fold => (fold.open = true)")
    attempt = anna.page.locator("details.attempt").first
    attempt.locator("summary").click()
    for step in (
        "Opened the sign-in",
        "Allowed",
        "Returned to the client",
        "Got its token",
    ):
        attempt.get_by_text(step, exact=True).first.wait_for()


def test_claude_code_with_a_token(anna, token, terminal):
    command = pasted(anna, "claude-code", "claude mcp add", holding="--header")
    terminal.run(command, PATCHBAY_TOKEN=token)
    assert "✔ Connected" in terminal.run("claude mcp list")
    terminal.run("claude mcp remove patchbay")
    terminal.run(command, PATCHBAY_TOKEN="pbp_" + "x" * 43)
    assert "✔ Connected" not in terminal.run("claude mcp list")


def test_gemini_cli_with_a_token(anna, token, terminal):
    terminal.run(pasted(anna, "gemini", "gemini mcp add", holding="--header"), PATCHBAY_TOKEN=token)
    assert re.search(r"patchbay: .* - Connected", terminal.run("gemini mcp list"))


def test_gemini_cli_takes_the_command_for_signing_in(anna, product, terminal):
    terminal.run(pasted(anna, "gemini", "gemini mcp add"))
    assert f"patchbay: {product.mcp_url} (http)" in terminal.run("gemini mcp list")


@pytest.mark.parametrize(
    ("client", "start", "environ"),
    [
        (
            "openai",
            "import asyncio",
            {"OPENAI_BASE_URL": "{model}/v1", "OPENAI_API_KEY": "x", "OPENAI_AGENTS_DISABLE_TRACING": "1"},
        ),
        ("openai", "import os\n", {"OPENAI_BASE_URL": "{model}/v1", "OPENAI_API_KEY": "x"}),
        ("gemini", "import asyncio", {"GOOGLE_GEMINI_BASE_URL": "{model}", "GOOGLE_API_KEY": "x"}),
        ("python", "import asyncio", {}),
    ],
    ids=["openai-agents", "openai-responses", "langchain", "python"],
)
def test_a_program_calls_a_tool(anna, product, token, model, client, start, environ, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(pasted(anna, client, start))
    python = sys.executable if client == "python" else client_programs.python()
    given = {name: value.format(model=model) for name, value in environ.items()}
    done = subprocess.run(
        [python, str(program)],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PATCHBAY_TOKEN": token, **given},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "Nothing is connected yet" in done.stdout or "connected" in done.stdout, done.stdout
    assert "hub_list_connections" in done.stdout
