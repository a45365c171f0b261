"""Every tool of every service, run from its form as a browser without scripts sends it, does what a direct
call does.
"""

import importlib
import json
import re

import pytest

from app import database
from app.connectors.services import services_of
from app.connectors.spec import Business
from app.vault.access import businesses_of, open_api
from app.vault.models import Connection
from tests.support.processes import Levers

SERVICES = list(services_of(None))
# Made anew by each call: ids, times, running numbers.
_ANEW = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+")


class DirectCalls:
    """The tools of a connection, called without a form; what samples take."""

    def __init__(self, settings, sandbox, connector, connection_id):
        self.connector, self._settings, self._id = connector, settings, connection_id
        self.levers = Levers(sandbox.url, connector.slug)
        self.business: Business | None = None

    def call(self, verb, arguments=None, **more):
        tool = next(tool for tool in self.connector.tools if tool.verb == verb)
        with database.reading() as db:
            connection = db.get(Connection, self._id)
        known = businesses_of(connection)
        default = next((b for b in known if b.facts.get("is_default") is True), known[0] if known else None)
        business = self.business or default
        api = open_api(self._settings, connection, business=business if tool.one_business else None)
        return tool.call(api, tool.parse({**(arguments or {}), **more}))


def comparable(data, *, whole):
    """Data as text: of a read all of it, of a write without what is made anew."""
    text = json.dumps(data, sort_keys=True)
    return text if whole else _ANEW.sub("#", text)


@pytest.mark.parametrize("connector", SERVICES, ids=lambda each: each.slug)
def test_the_form_of_every_tool_does_what_a_direct_call_does(
    connector, people, sign_in, settings, sandbox, connect, no_limits, open_form
):
    sample_file = importlib.import_module(f"tests.connectors.samples.{connector.slug}")
    samples, company = sample_file.SAMPLES, getattr(sample_file, "COMPANY", None)
    alice = sign_in(people.alice)
    connection = connect(alice, connector.slug, level="write", company=company)
    here = DirectCalls(settings, sandbox, connector, connection.id)
    tried = set()
    for name, sample in samples.items():
        tool = next(tool for tool in connector.tools if tool.verb == name.partition("#")[0])
        form = open_form(alice, connection, tool.name_in(connector.slug))
        arguments = {
            argument: value
            for argument, value in sample(here).items()
            # a button confirms, and the service's own token of a page is behind "Next page"
            if argument != "confirm" and not (argument == tool.pages_by and argument not in form.names)
        }
        form.write(arguments)
        answer = form.send()
        assert answer.status_code == 200, (name, arguments, re.findall(r'-error">([^<]+)', answer.text))
        if not tool.reads_only:
            assert "Nothing has changed yet." in form.html, (name, messages(form.html))
            answer = form.press("call")
        assert form.data is not None, (name, messages(form.html))
        confirmed = {"confirm": True} if "confirm" in tool.input_schema["properties"] else {}
        if tool.reads_only:
            direct = here.call(tool.verb, {**arguments, **confirmed})
            data = {key: value for key, value in form.data.items() if key != "next_cursor"}
            direct.pop("next", None)
            assert comparable(data, whole=True) == comparable(direct, whole=True), name
        tried.add(tool.verb)
    assert tried == {tool.verb for tool in connector.tools}


def messages(html):
    return re.findall(r'role="alert">.*?</div></div>', html, re.S)
