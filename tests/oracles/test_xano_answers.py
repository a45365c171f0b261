"""Xano has no SDK: our tools send and read what its official reference documents."""

import json

import pytest

from app import outbound
from app.connectors.api import Api
from app.connectors.spec import Business
from app.connectors.xano import CONNECTOR
from app.outbound import Response
from tests.oracles.answers.xano import ANSWERS
from tests.support.signed_in import check_data

INSTANCE = "https://x1234-4567-8901.n7.xano.io/api:meta"


class Token:
    def bearer(self):
        return "a token of the reference"


@pytest.fixture
def api():
    business = Business("x1234-4567-8901", "Northwind", {"meta_api": INSTANCE})
    return Api(CONNECTOR, CONNECTOR.base_url, Token(), business)


def answer_once(monkeypatch, official, seen):
    """Answers as the reference says. A field that was added is then listed as it was sent."""

    def send(method, url, *, json=None, **options):
        seen.append((method, url, json))
        if len(seen) == 1:
            body = official.body
        else:
            assert (method, url.rpartition("/")[2]) == ("GET", "schema")
            body = [{"type": official.arguments["field_type"], **seen[0][2]}]
        return Response(200, {"Content-Type": "application/json"}, encoded(body))

    monkeypatch.setattr(outbound, "send", send)


def encoded(body):
    return json.dumps(body).encode()


@pytest.mark.parametrize("official", ANSWERS, ids=lambda official: f"{official.verb}: {official.source}")
def test_a_tool_speaks_as_the_reference_says(api, monkeypatch, official):
    seen = []
    answer_once(monkeypatch, official, seen)
    tool = CONNECTOR.find_tool(f"xano_{official.verb}")
    data = tool.call(api, tool.parse(official.arguments))
    check_data(tool, data)
    assert {name: data[name] for name in official.reads} == official.reads
    method, url, sent = seen[0]
    base = CONNECTOR.base_url if official.verb == "list_instances" else INSTANCE
    assert (method, url) == (official.request[0], base + official.request[1])
    if official.sends is None:
        assert sent is None
    else:
        assert {name: sent[name] for name in official.sends} == official.sends
        assert set(sent) - set(official.sends) <= {"required", "auth"}  # sent with their documented defaults


def test_the_schema_keeps_every_member_of_a_field(api, monkeypatch):
    official = next(each for each in ANSWERS if each.verb == "get_table_schema")
    answer_once(monkeypatch, official, [])
    tool = CONNECTOR.find_tool("xano_get_table_schema")
    fields = tool.call(api, tool.parse(official.arguments))["fields"]
    for field, sent in zip(fields, official.body, strict=True):
        assert {name: field[name] for name in sent} == sent


def test_every_answer_names_its_page():
    assert all(official.source.startswith("https://docs.xano.com/") for official in ANSWERS)
