"""Harbour CRM, as the official SDK's client finds it: discovery, registration, sign-in, tools, levers."""

import base64
import contextlib
import hashlib
import json
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata
from mcp_types import ElicitResult
from pydantic import AnyUrl

from app.sandbox.services.harbour_crm.service import WRITES
from tests.support import loops
from tests.support.processes import Levers
from tests.support.sdk_client import Storage
from tests.support.waiting import AT_MOST_SECONDS

CALLBACK = "http://127.0.0.1:9/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
REVISIONS = pytest.mark.parametrize("mode", ["auto", "legacy"], ids=["2026", "2025"])


class Crm:
    """Harbour CRM, with a person who approves what a client wants."""

    def __init__(self, sandbox, slug="harbour_crm"):
        self.sandbox, self.slug = sandbox, slug
        self.issuer, self.url = f"{sandbox}/{slug}", f"{sandbox}/{slug}/mcp"
        self.levers = Levers(sandbox, slug)
        self.levers("reset")
        self.storage = Storage()
        self.questions = []

    @contextlib.asynccontextmanager
    async def client(self, mode="auto", scopes=("crm.read", "crm.write"), answer=None):
        """A connected SDK client. `scopes` are ticked on the consent page."""
        back = []

        async def redirect(url):
            form = {"company": "northwind", "decision": "approve", "granted": [*scopes]}
            async with httpx2.AsyncClient(timeout=AT_MOST_SECONDS) as browser:
                back.append((await browser.post(url, data=form)).headers["Location"])

        async def callback():
            query = parse_qs(urlsplit(back[-1]).query)
            return AuthorizationCodeResult(
                code=query["code"][0], state=query["state"][0], iss=query.get("iss", [None])[0]
            )

        async def elicit(_context, params):
            self.questions.append(params.message)
            return ElicitResult(action="accept", content=answer)

        metadata = OAuthClientMetadata(client_name="A test", redirect_uris=[AnyUrl(CALLBACK)])
        provider = OAuthClientProvider(
            self.url,
            metadata,
            self.storage,
            redirect_handler=redirect,
            callback_handler=callback,
        )
        async with httpx2.AsyncClient(auth=provider, timeout=AT_MOST_SECONDS) as http:
            transport = streamable_http_client(self.url, http_client=http)
            elicitation = elicit if answer else None
            async with Client(transport, mode=mode, elicitation_callback=elicitation) as client:
                yield client

    def use(self, work, **options):
        """Run `work(client)` with a connected client and return what it returns."""

        async def go():
            async with self.client(**options) as client:
                with anyio.fail_after(AT_MOST_SECONDS):
                    return await work(client)

        try:
            return loops.run(go())
        except BaseExceptionGroup as group:
            raise _innermost(group) from group

    def call(self, tool, options=None, **arguments):
        """One call in a connection of its own."""
        return self.use(lambda client: client.call_tool(tool, arguments), **(options or {}))

    def rpcs(self):
        return [line["rpc"] for line in self.levers.log()["requests"] if "rpc" in line]


def _innermost(error):
    return _innermost(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


@pytest.fixture
def crm(sandbox):
    return Crm(sandbox)


@pytest.fixture
def twin(sandbox):
    return Crm(sandbox, "harbour_crm_twin")


@REVISIONS
def test_the_sdk_finds_its_way_in_and_every_kind_of_content_out(crm, mode):
    async def work(client):
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        account = await client.call_tool("get_account", {})
        chart = await client.call_tool("draw_pipeline", {})
        resources = [str(r.uri) for r in (await client.list_resources()).resources]
        logo = await client.read_resource("harbour://logo.png")
        contact = await client.read_resource("harbour://contacts/ct_3")
        prompt = await client.get_prompt("prepare_meeting", {"contact_id": "ct_3"})
        return tools, account, chart, resources, logo, contact, prompt

    tools, account, chart, resources, logo, contact, prompt = crm.use(work, mode=mode)
    assert len(tools) == 16
    assert {name for name, tool in tools.items() if not tool.annotations.read_only_hint} == WRITES
    assert all(tool.output_schema for name, tool in tools.items() if name != "draw_pipeline")
    assert account.structured_content == {
        "company": "Northwind Studio",
        "signed_in_as": "nora@northwind.example",
        "scopes": ["crm.read", "crm.write"],
    }
    assert chart.content[0].mime_type == "image/png"
    assert base64.b64decode(chart.content[0].data).startswith(b"\x89PNG\r\n")
    assert resources == ["harbour://guide", "harbour://stages", "harbour://logo.png"]
    assert base64.b64decode(logo.contents[0].blob).startswith(b"\x89PNG\r\n")
    assert json.loads(contact.contents[0].text)["name"] == "Priya Nair"
    assert "ct_3" in prompt.messages[0].content.text
    assert crm.levers.log()["registrations"] == 1


@REVISIONS
def test_what_a_tool_writes_is_read_again(crm, mode):
    async def work(client):
        made = await client.call_tool(
            "create_contact", {"name": "Noor Haddad", "email": "noor@x.example", "company_id": "co_1"}
        )
        id_ = made.structured_content["id"]
        await client.call_tool("add_note", {"contact_id": id_, "text": "Likes tea."})
        read = (await client.call_tool("get_contact", {"contact_id": id_})).structured_content
        await client.call_tool("delete_contact", {"contact_id": id_})
        return read, await client.call_tool("get_contact", {"contact_id": id_})

    read, gone = crm.use(work, mode=mode)
    assert (read["name"], [note["text"] for note in read["notes"]]) == ("Noor Haddad", ["Likes tea."])
    assert gone.is_error and "There is no contact ct_13." in gone.content[0].text


@REVISIONS
def test_merging_asks_the_person_which_name_stays(crm, mode):
    merged = crm.call(
        "merge_contacts", {"mode": mode, "answer": {"name": "second"}}, first_id="ct_5", second_id="ct_6"
    )
    assert merged.structured_content["name"] == "Marta Kowalski"
    assert crm.questions == ["Which name should the merged contact have: Marta Kowalska or Marta Kowalski?"]
    assert crm.call("get_contact", contact_id="ct_6").is_error


def test_merging_asks_nobody_when_the_name_is_given(crm):
    merged = crm.call("merge_contacts", first_id="ct_5", second_id="ct_6", keep_name="first")
    assert (merged.structured_content["name"], crm.questions) == ("Marta Kowalska", [])


@REVISIONS
def test_a_search_for_duplicates_reports_its_progress(crm, mode):
    steps = []

    async def work(client):
        async def on_progress(progress, total, message):
            steps.append((progress, total, message))

        return await client.call_tool("find_duplicates", {}, progress_callback=on_progress)

    found = crm.use(work, mode=mode).structured_content
    assert found == {"pairs": [["ct_5", "ct_6"]], "compared": 12}
    assert steps[0] == (1, 12, "Compared Ines Moreau") and steps[-1][0] == 12


def test_a_write_without_its_scope_leads_to_more_consent(crm):
    """The SDK steps up by itself: it reads the scope from the 403 and comes back with both."""
    crm.use(lambda client: client.list_tools(), scopes=("crm.read",))
    assert crm.storage.tokens.scope == "crm.read"
    moved = crm.call("move_deal", deal_id="dl_1", stage="won")
    assert moved.structured_content["stage"] == "won"
    assert crm.storage.tokens.scope == "crm.read crm.write"


def _sign_in(crm, **changed):
    """A client written out, for what the SDK's client never does. Returns its registration and the code."""
    client = httpx2.post(f"{crm.issuer}/register", json={"redirect_uris": [CALLBACK]}).json()
    query = {
        "response_type": "code",
        "client_id": client["client_id"],
        "redirect_uri": CALLBACK,
        "scope": "crm.read",
        "state": "s",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "resource": crm.url,
        **changed,
    }
    form = {"company": "harbour", "decision": "approve", "granted": "crm.read"}
    answer = httpx2.post(f"{crm.issuer}/oauth/authorize", params=query, data=form)
    if answer.status_code != 302:
        return client, None
    back = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert back["iss"] == [crm.issuer]
    return client, back["code"][0]


def _token(crm, client, **given):
    body = {"client_id": client["client_id"], "client_secret": client["client_secret"], **given}
    return httpx2.post(f"{crm.issuer}/oauth/token", data=body)


def _exchange(crm, client, code, **changed):
    given = {"code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER, **changed}
    return _token(crm, client, grant_type="authorization_code", **given)


def _ping(crm, token):
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    return httpx2.post(crm.url, json=body, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "harbour-unknown"},
        {"redirect_uri": "https://elsewhere.example/callback"},
        {"resource": "https://other.example/mcp"},
        {"resource": ""},
        {"code_challenge": ""},
        {"code_challenge_method": "plain"},
        {"scope": "crm.everything"},
    ],
    ids=lambda changed: "-".join(changed),
)
def test_the_consent_page_refuses_what_a_real_server_refuses(crm, changed):
    assert _sign_in(crm, **changed)[1] is None


def test_refreshing_rotates_and_revoking_ends_the_access(crm):
    client, code = _sign_in(crm)
    assert _exchange(crm, client, code, code_verifier="w" * 64).status_code == 400
    client, code = _sign_in(crm)
    first = _exchange(crm, client, code).json()
    second = _token(crm, client, grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    spent = _token(crm, client, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert spent.json()["error"] == "invalid_grant"
    assert _ping(crm, second["access_token"]).status_code != 401
    revoked = httpx2.post(
        f"{crm.issuer}/oauth/revoke",
        data={**{k: client[k] for k in ("client_id", "client_secret")}, "token": second["refresh_token"]},
    )
    assert (revoked.status_code, _ping(crm, second["access_token"]).status_code) == (200, 401)


def test_what_one_client_was_granted_is_of_no_use_to_another(crm):
    _, code = _sign_in(crm)
    other = httpx2.post(f"{crm.issuer}/register", json={"redirect_uris": [CALLBACK]}).json()
    assert _exchange(crm, other, code).json()["error"] == "invalid_grant"


def test_a_token_for_the_twin_is_none_for_the_crm(crm, twin):
    client, code = _sign_in(twin)
    token = _exchange(twin, client, code).json()["access_token"]
    assert _ping(crm, token).status_code == 401
    assert _ping(twin, token).status_code != 401


def test_forgotten_clients_must_register_again(crm):
    client, code = _sign_in(crm)
    refresh = _exchange(crm, client, code).json()["refresh_token"]
    crm.levers("forget_clients")
    answer = _token(crm, client, grant_type="refresh_token", refresh_token=refresh)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert _sign_in(crm, client_id=client["client_id"])[1] is None


def test_a_lever_changes_how_a_tool_is_listed(crm):
    async def listed(client):
        return {tool.name: tool for tool in (await client.list_tools()).tools}

    before = crm.use(listed)
    crm.levers("change_tool", tool="list_deals", patch={"description": "Now something else."})
    crm.levers("change_tool", tool="list_tasks", patch={"name": "list_todos"})
    crm.levers("change_tool", tool="list_leads", like="list_deals")
    after = crm.use(listed)
    assert after["list_deals"].description == "Now something else."
    assert after.keys() - before.keys() == {"list_todos", "list_leads"}
    assert before.keys() - after.keys() == {"list_tasks"}
    assert len(crm.call("list_todos").structured_content["tasks"]) == 3
    assert crm.call("list_leads").structured_content["deals"]
    assert crm.call("list_tasks").is_error
    crm.levers("change_tool")
    assert crm.use(listed) == before


def test_a_lever_spoils_one_result(crm):
    crm.levers("spoil", how="flood", characters=300_000)
    assert len(crm.call("list_tasks").content[0].text) == 300_000
    crm.levers("spoil", how="lie")
    with pytest.raises(RuntimeError, match="Invalid structured content"):
        crm.call("list_tasks")
    assert not crm.call("list_tasks").is_error


def test_a_fault_can_hit_one_tool_alone(crm):
    crm.levers("fail", rpc="tools/call list_tasks", status=503)
    assert not crm.call("list_deals").is_error
    with pytest.raises(Exception, match="error response"):
        crm.call("list_tasks")
    assert crm.rpcs().count("tools/call list_tasks") == 1


def test_work_is_done_although_its_answer_is_lost(crm):
    crm.levers("fail", rpc="tools/call add_note", status=502, when="after")
    with pytest.raises(Exception, match="error response"):
        crm.call("add_note", contact_id="ct_1", text="Lost?")
    crm.levers("cut", rpc="tools/call add_note")
    with pytest.raises(Exception):
        crm.call("add_note", contact_id="ct_1", text="Cut?")
    notes = crm.call("get_contact", contact_id="ct_1").structured_content["notes"]
    assert [note["text"] for note in notes] == ["Cut?", "Lost?"]


def test_the_twin_lists_poison(twin):
    tools = {t.name: t for t in twin.use(lambda client: client.list_tools()).tools}
    assert tools["delete_contact"].annotations.read_only_hint
    assert "\U000e0041" in tools["search_contacts"].description
    assert "Ignore all previous instructions" in tools["list_deals"].description
    assert twin.call("list_deals").structured_content["deals"]
