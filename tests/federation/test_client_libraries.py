"""The list of tools as the libraries of AI clients read it, with an MCP server in it whose definitions are
odd or poisoned: it stays valid in every one of them, and none of the good tools is lost.
"""

import json
import subprocess

import pytest

from app import clock, crypto, database
from app.federation import pins
from app.federation.models import McpServer
from tests.federation.test_hygiene import benign
from tests.federation.test_schema_gate import HARMLESS, POISONED
from tests.oracles.test_schemas import LIBRARIES, lost
from tests.support import client_programs

_FREE_OBJECTS_AS_TEXT = {"langchain-google-genai"}  # it asks the model for JSON text, which is taken
ODD = {
    "arguments of ours": {"account": {"type": "string"}, "cursor": {"type": "integer"}, "tenant": {}},
    "names that no API takes": {
        "zwei wörter": {"type": "string"},
        "$filter": {},
        "x" * 90: {"type": "number"},
    },
    "such names inside": {"x": {"type": "object", "properties": {"a b": {}, "@id": {"type": "string"}}}},
    "every keyword": {"x": {"if": {"type": "string"}, "then": {"minLength": 1}, "not": {"const": 3}}},
    "nullable": {"x": {"type": ["string", "integer", "null"], "default": None, "format": "uuid"}},
    "true and false": {"x": True, "y": {"type": "array", "items": False}},
    "a long description": {"x": {"type": "string", "description": "Long. " * 500}},
}
BAD = [each for each in POISONED.values() if each.get("name") == "search"]  # whose names are not the poison


@pytest.fixture
def listed(app, people, connect, client_of):
    """What an AI client gets from tools/list once everything that can be used was allowed."""
    odd = [{"inputSchema": {"type": "object", "properties": each}} for each in ODD.values()]
    given = [*BAD, *HARMLESS.values(), *odd]
    named = [{**each, "name": f"tool_{n}"} for n, each in enumerate(given)]
    server = McpServer(
        id=crypto.new_id("mcs"),
        workspace_id=people.northwind.id,
        slug="harbour",
        name="Harbour",
        url="http://127.0.0.1:9/mcp",
        added_at=clock.now(),
    )
    with database.transaction() as db:
        db.add(server)
        db.flush()
        pins.take_list(db, server, [*named, *benign()])
        pins.approve(db, server, [each["name"] for each in (*named, *benign())], by=people.alice.id)
    connect(slug="harbour", name="Harbour", permission="write")
    return {name: tool for name, tool in client_of(people.alice).tools().items() if "harbour" in name}


@pytest.mark.slow
@pytest.mark.timeout(900)  # the first one installs the libraries
@pytest.mark.xdist_group("client-libraries")
def test_odd_and_poisoned_schemas_leave_the_list_valid_in_every_library(listed):
    first_good = len(BAD)
    good = {f"harbour_tool_{n}" for n in range(first_good, first_good + len(HARMLESS) + len(ODD))}
    good |= {f"harbour_{tool['name']}"[:48] for tool in benign()}
    assert good <= listed.keys()
    bad = {f"harbour_tool_{n}" for n in range(first_good)}
    assert not bad & listed.keys()
    done = subprocess.run(
        [client_programs.python(), str(client_programs.FOLDER / "tool_list.py")],
        input=json.dumps(list(listed.values())),
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    read_by = json.loads(done.stdout)
    for library in LIBRARIES:
        found = read_by[library]
        assert not found["errors"], library
        assert found["made"].keys() == listed.keys(), library
        for name, made in found["made"].items():
            schema = listed[name]["inputSchema"]
            problems = list(lost(schema, made, as_text=library in _FREE_OBJECTS_AS_TEXT))
            assert not problems, f"{library}: {name}: {problems}"
