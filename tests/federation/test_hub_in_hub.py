"""One installation of the product as an MCP server of another, connected by OAuth on the pages of both.

An AI client of the outer one reaches a server behind the inner one: questions, progress, levels and approvals
go through both, in either revision at either end.
"""

import html
import json
import re
from urllib.parse import urljoin

import httpx2
import pytest
import requests
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitResult

from tests.federation.revisions import both_upstream_revisions
from tests.support import loops
from tests.support.companies import ask
from tests.support.product import run_product
from tests.support.waiting import AT_MOST_SECONDS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
_ON_THIS_MACHINE = {"MCP_SERVERS_PRIVATE_HOSTS": "127.0.0.1,localhost"}


class Person:
    """A person at one hub, with a browser that follows redirects only there."""

    def __init__(self, hub, email):
        self.hub, self.browser, self.page = hub, requests.Session(), ""
        self.go("/register")
        self.press("/register", company="Paper Ltd", email=email, password="correct horse battery")
        [letter, *_] = ask(f"{hub.url}/dev/mailbox?format=json&to={email}")[2]["letters"]
        self.press("/confirm", code=re.search(r"\b\d{6}\b", letter["text"])[0])

    def go(self, path, data=None):
        """Open an address. Returns where the hub sends the browser elsewhere, or None."""
        url, method = urljoin(self.hub.url, path), "POST" if data is not None else "GET"
        for _ in range(10):
            answer = self.browser.request(method, url, data=data, allow_redirects=False, timeout=60)
            if answer.status_code not in {302, 303}:
                self.page = answer.text
                assert answer.status_code < 500, self.page
                return None
            url, method, data = urljoin(url, answer.headers["Location"]), "GET", None
            if not url.startswith(self.hub.url):
                return url
        raise AssertionError("it never ends")

    def press(self, action, **given):
        """Submit the form with that action as it stands on the page, with what is `given`."""
        form = re.search(rf'<form[^>]*action="{re.escape(action)}[^"]*".*?</form>', self.page, re.DOTALL)
        fields = list(_fields(form[0] if form else self.page))
        if form and (named := re.match(r'<form id="([^"]+)"', form[0])):  # its fields may stand elsewhere
            fields += _fields(" ".join(re.findall(rf'<input form="{named[1]}"[^>]*>', self.page)))
        data = [(name, value) for name, value in fields if name not in given]
        for name, value in given.items():
            data += [(name, each) for each in (value if isinstance(value, list) else [value])]
        return self.go(action, data)

    def add(self, url, slug, name, at_consent=None):
        """Add a server, and allow access where it asks for that; every tool is allowed."""
        self.go("/integrations/add")
        self.press("/integrations/add", url=url)
        leaves = self.press("/integrations/add", name=name)
        if at_consent is not None:
            assert leaves, self.sentences()
            assert self.go(at_consent(leaves)) is None
        assert f"{name} connected" in self.sentences(), self.sentences()
        self.go(f"/integrations/servers/{slug}")
        if f'action="/integrations/servers/{slug}/allow"' in self.page:
            self.press(f"/integrations/servers/{slug}/allow")

    def allow(self, url):
        """Allow an AI client. Returns where the browser is sent then."""
        assert self.go(url) is None
        back = self.press("/oauth/authorize/submit", decision="allow")
        return back or self.press("/integrations/complete")

    def set_level(self, slug, level):
        self.go("/integrations")
        connection = re.search(rf'data-slug="{slug}"[^>]*id="card-(con_\w+)"', self.page) or re.search(
            rf'id="card-(con_\w+)"[^>]*data-slug="{slug}"', self.page
        )
        self.go(
            f"/integrations/{slug}/permission", self._token() | {"connection": connection[1], "level": level}
        )

    def _token(self):
        return {"csrf_token": dict(_fields(self.page))["csrf_token"]}

    def sentences(self):
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", self.page))


def _fields(form):
    """What a browser sends of a form whose buttons are not pressed."""
    for tag in re.findall(r"<input\b[^>]*>", form):
        found = {name: html.unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', tag)}
        is_off = found.get("type") in {"checkbox", "radio"} and not re.search(r"\schecked\b", tag)
        if "name" in found and not is_off:
            yield found["name"], found.get("value", "")


@pytest.fixture(scope="module")
def hubs(tmp_path_factory):
    """The inner and the outer hub."""
    folder = tmp_path_factory.mktemp("hubs")
    with run_product(folder / "inner", **_ON_THIS_MACHINE) as inner:
        with run_product(folder / "outer", **_ON_THIS_MACHINE) as outer:
            yield inner, outer


@pytest.fixture
def people(hubs, notebook, revision):
    """One person at each hub. The Notebook is at the inner one, which is a server of the outer one."""
    inner = Person(hubs[0], f"ines-{revision}@example.com")
    inner.add(notebook.url, "notebook", "Notebook")
    inner.set_level("notebook", "write")
    outer = Person(hubs[1], f"otto-{revision}@example.com")
    outer.add(hubs[0].mcp_url, "inner_hub", "Inner hub", at_consent=inner.allow)
    outer.set_level("inner_hub", "write")
    return inner, outer


@pytest.fixture
def use(people):
    """`use(mode, work, answer)`: the SDK's client of the outer hub's person. Gives the questions."""
    token = _token_of(people[1])

    def _use(mode, work, answer="accept"):
        questions = []

        async def reply(_context, params):
            questions.append(params.message)
            content = {"colour": "green"} if "colour" in json.dumps(params.requested_schema) else {}
            return ElicitResult(action=answer, content=content if answer == "accept" else None)

        async def run():
            http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=AT_MOST_SECONDS)
            transport = streamable_http_client(people[1].hub.mcp_url, http_client=http)
            limit = AT_MOST_SECONDS
            options = {"read_timeout_seconds": limit, "elicitation_callback": reply}
            async with Client(transport, mode=mode, **options) as client:
                await work(client)

        loops.run(run())
        return questions

    return _use


def _token_of(person):
    """An access token as an AI client gets it: registered, allowed on the page, exchanged."""
    from tests.support.browser import Loopback
    from tests.support.by_hand import ByHand

    client = ByHand(person.hub.url, Loopback())
    back = person.allow(client.authorize_url())
    code = re.search(r"[?&]code=([^&]+)", back)[1]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": client.loopback.url,
        "client_id": client.client_id,
        "code_verifier": client.verifier,
        "resource": person.hub.mcp_url,
    }
    answer = requests.post(f"{person.hub.url}/oauth/token", data=form, timeout=60).json()
    client.loopback.close()
    return answer["access_token"]


NOTE = "inner_hub_notebook_"


@both_upstream_revisions
def test_a_server_behind_two_hubs_asks_reports_and_is_ruled_by_both(use, people, notebook):
    inner, outer = people
    for mode in ("auto", "legacy"):
        _reads_and_writes(use, mode)
        _a_question_names_both_hubs(use, mode)
        _progress_arrives(use, mode)
    _each_hub_can_forbid_a_write(use, inner, outer, notebook)
    _each_hub_can_ask_before_a_write(use, inner, outer, notebook)


def _reads_and_writes(use, mode):
    async def work(client):
        listed = {tool.name for tool in (await client.list_tools(cache_mode="bypass")).tools}
        assert {f"{NOTE}list_notes", f"{NOTE}add_note"} <= listed, listed
        text = f"Through two hubs, {mode}"
        assert (await client.call_tool(f"{NOTE}add_note", {"text": text})).structured_content["success"]
        assert text in json.dumps((await client.call_tool(f"{NOTE}list_notes", {})).structured_content)

    assert use(mode, work) == []


def _a_question_names_both_hubs(use, mode):
    async def work(client):
        result = await client.call_tool(f"{NOTE}colour_note", {"id": 1})
        assert "Note 1 is green now." in json.dumps(result.structured_content), result

    [question] = use(mode, work)
    assert question == "Inner hub asks: Notebook asks: Which colour should the note have?"


def _progress_arrives(use, mode):
    reports = []

    async def note(progress, total, message):
        reports.append((progress, total, message))

    async def work(client):
        await client.call_tool(f"{NOTE}count", {"to": 3}, progress_callback=note)

    use(mode, work)
    assert [each[:2] for each in reports] == [(1, 3), (2, 3), (3, 3)], reports


def _written(notebook):
    return sum(1 for each in notebook.calls() if each.body["params"]["name"] == "add_note")


def _each_hub_can_forbid_a_write(use, inner, outer, notebook):
    async def work(client):
        result = await client.call_tool(f"{NOTE}add_note", {"text": "Forbidden"})
        assert not result.structured_content["success"], result

    before = _written(notebook)
    for person, slug in ((inner, "notebook"), (outer, "inner_hub")):
        person.set_level(slug, "read")
        use("auto", work)
        person.set_level(slug, "write")
    assert _written(notebook) == before


def _each_hub_can_ask_before_a_write(use, inner, outer, notebook):
    async def refused(client):
        result = await client.call_tool(f"{NOTE}add_note", {"text": "Perhaps"})
        assert not result.structured_content["success"], result

    async def approved(client):
        result = await client.call_tool(f"{NOTE}add_note", {"text": "Perhaps"})
        assert result.structured_content["success"], result

    for person, slug in ((outer, "inner_hub"), (inner, "notebook")):
        person.set_level(slug, "ask")
        before = _written(notebook)
        assert len(use("auto", refused, answer="decline")) == 1
        assert _written(notebook) == before
        assert len(use("auto", approved)) == 1
        assert _written(notebook) == before + 1
        person.set_level(slug, "write")
