"""Records of somebody else look exactly like records that do not exist: on every route with an id, and in
every tool.

Routes and tools come from the url_map and the catalogue. A new kind of record fails here until it has an
example below, so none is forgotten.
"""

import json
import re
from types import SimpleNamespace

import pytest
from sqlalchemy import update
from sqlmodel import select

from app import clock, database, outbound
from app.accounts import linked_logins
from app.connectors.api import Api
from app.connectors.services import services_of
from app.connectors.spec import Account, Business
from app.memory.models import Note
from app.oauth_server import grants
from app.team import invitations
from app.vault import links, store
from app.vault.token_endpoint import TokenSet
from app.webhooks import endpoints, outbox
from app.webhooks.endpoints import EndpointForm
from app.workspaces.models import Membership, Workspace
from tests.support.ai_client import AiClient
from tests.support.approvals import make_waiting
from tests.support.mcp_client import Client
from tests.support.routes import STATIC, NoticingRequest, every_route, noticed

# Names in paths and forms that mean nobody's object.
# a mailed token is a secret by itself: tests/team/test_joining.py
PUBLIC_NAMES = {"slug", "filename", "client_id", "token", "name"}
TOKENS = TokenSet(
    access_token="a", refresh_token="r", expires_in=3600, scopes=None, refresh_expires_in=None, raw={}
)


@pytest.fixture(autouse=True)
def _no_service_is_called(monkeypatch):
    def refuse(*_args, **_options):
        raise AssertionError("a service was asked about something of somebody else's")

    monkeypatch.setattr(outbound, "send", refuse)


@pytest.fixture
def connect(people, settings):
    """`connect(people.alice, "xero", "Main")`: a connection with two businesses, personal to its owner."""

    def _connect(person, slug, name, **columns):
        workspace = people.contoso if person is people.charlie else people.northwind
        businesses = tuple(Business(id=f"{len(name)}00{n}", name=f"{name} {n}") for n in (1, 2))
        with database.transaction() as db:
            connection = store.connect(
                db,
                workspace_id=workspace.id,
                owner_id=person.id,
                slug=slug,
                account=Account(key=name, name=name, businesses=businesses),
                tokens=TOKENS,
                scopes="",
                keys=settings.vault_keys,
            )
            connection.visibility = "personal"
            for column, value in columns.items():
                setattr(connection, column, value)
        return connection

    return _connect


@pytest.fixture
def alices(app, alice, people, settings, connect, sign_in):
    """One of each kind of record a person can own, by its name in paths and forms."""
    client = AiClient(app)
    assert client.register().status == 201
    connection = connect(people.alice, "freshbooks", "Secret Northwind")
    alice.submit("/memory", {"text": "The vault of Northwind is in the cellar."})
    member = SimpleNamespace(user=people.alice, workspace=people.northwind, manages=True)
    with app.app_context(), database.transaction() as db:
        form = EndpointForm("http://127.0.0.1:9/", "", ["member.joined"])
        endpoint, other = (endpoints.create(db, settings, member, form)[0] for _ in range(2))
        db.flush()
        delivery_id = outbox.store_test(db, other)  # the sweep deletes the first one
        grants.issue_personal_token(db, member, "alice's token", "tools:read", 3600)
        link = links.create(
            db,
            workspace_id=people.northwind.id,
            user_id=people.alice.id,
            slug="freshbooks",
            client_name="Claude",
        )
        grant_id = grants.list_for(db, member)[0].id
        note_id = db.scalars(select(Note.id)).one()
        sent = invitations.send(
            db, settings, people.northwind.id, "zoe@example.com", "member", by=people.alice.id
        )
        login = {"issuer": "https://firebase.example", "subject": "uid-alice", "email": people.alice.email}
        linked_logins.link(db, people.alice, linked_logins.FIREBASE, **login)
        login_id = linked_logins.list_firebase(db, settings, people.alice.id)[0].handle
    sign_in(people.alice)  # another browser of hers
    return {
        "approval_id": make_waiting(settings, connection, grant_id).id,
        "connection": connection.id,
        "connection_id": connection.id,
        "delivery_id": delivery_id,
        "endpoint_id": endpoint.id,
        "flow": client.allow(alice),
        "grant_id": grant_id,
        "invitation_id": sent.invitation.id,
        "link_id": link,
        "login_id": login_id,
        "note_id": note_id,
        "request": alice.submit("/login/code", {"email": people.alice.email})
        .headers["Location"]
        .partition("request=")[2],
        "session_id": re.search(r"/account/sessions/(\w+)/end", alice.get("/account").text)[1],
        "user_id": people.alice.id,
        "workspace": people.northwind.id,
    }


@pytest.mark.parametrize("who", ["charlie", "bob"])
def test_ids_of_somebody_else_look_like_ids_that_do_not_exist(
    app, people, sign_in, connect, alices, monkeypatch, who
):
    stranger = getattr(people, who)
    if who == "bob":
        alices.pop("workspace")  # which is his too
    monkeypatch.setattr(app, "request_class", NoticingRequest)
    with database.transaction() as db:  # what a stranger dismisses is the stranger's own
        db.execute(update(Membership).values(getting_started_done_at=clock.now()))
    before, tried = _rows(), set()
    for route in every_route(app):
        for name in _objects_of(app, route, sign_in(stranger)):
            if name == "workspace" and who == "bob":
                continue
            assert name in alices, (
                f'{route} takes "{name}": give `alices` in tests/test_strangers.py an example of one, or '
                "name it public"
            )
            theirs = _ask(route, name, alices[name], sign_in(stranger))
            nobodys = _ask(route, name, _another(alices[name]), sign_in(stranger))
            assert theirs == nobodys, (
                f"{route}: the {name} of somebody else is told apart from one that does not exist"
            )
            tried.add(name)
    assert tried == set(alices)
    assert before <= _rows(), "a stranger changed something"


def test_her_own_ids_do_work(app, alice, alices, monkeypatch):
    """The sweep above proves something only if the examples are real."""

    def no_network(*_args, **_options):
        raise outbound.AddressRefused()

    monkeypatch.setattr(outbound, "send", no_network)
    monkeypatch.setattr(Api, "_pause", lambda *_args: None)
    monkeypatch.setattr(app, "request_class", NoticingRequest)
    worked = set()
    for route in every_route(app):
        if route.endpoint in {
            "accounts.logout",
            "sign_in_settings.sign_out_everywhere",
            "invitations.other_account",
        }:
            continue
        for name in _objects_of(app, route, alice):
            if _ask(route, name, alices[name], alice) != _ask(route, name, _another(alices[name]), alice):
                worked.add(name)
    assert worked == set(alices)


def _objects_of(app, route, visitor):
    """The names in the route's path and forms that identify somebody's record."""
    if route.endpoint == STATIC:
        return
    yield from sorted(set(route.arguments) - PUBLIC_NAMES)
    list(noticed())
    _send(route, {}, visitor)
    for name in sorted(set(noticed()) - set(route.arguments) - PUBLIC_NAMES):
        if name in {"connection", "flow", "request", "workspace"} or name.endswith(("_id", "_ids")):
            yield name


def _send(route, values, visitor):
    fields = {name: value for name, value in values.items() if name not in route.arguments}
    path = route.path({"slug": "freshbooks", "name": "freshbooks_list_invoices", **values})
    if route.method == "GET":
        return visitor.client.get(path, query_string=fields)
    plain = {
        "level": "off",
        "visibility": "shared",
        "shared": "yes",
        "label": "Mine",
        "text": "Mine",
        "decision": "allow",
        "code": "000000",
    }
    return visitor.client.post(path, data={"csrf_token": visitor.csrf, **plain, **fields})


def _ask(route, name, value, visitor):
    """What a person sees: status, location and text, without what differs from page to page anyway."""
    answer = _send(route, {name: value}, visitor)
    hidden = answer.get_data(as_text=True).replace(value, "ID")
    hidden = re.sub(
        r'(csrf_token"[^>]*value|nonce)="[^"]+"|Correlation id: <code>\w+|"correlation_id":"\w+"|\?v=\w+',
        "",
        hidden,
    )
    return answer.status_code, answer.headers.get("Location", "").replace(value, "ID"), hidden


def _another(value):
    """An id of the same shape that does not exist."""
    return value[:-6] + ("zzzzzz" if not value.endswith("zzzzzz") else "yyyyyy")


def _rows():
    """Every row of people's records, as text."""
    owned = "connections credentials oauth_grants oauth_flows connect_links "
    owned += "memberships workspaces mailed_codes memory_notes approvals invitations"
    with database.reading() as db:
        connection = db.connection()
        return {
            f"{table}: {row!r}"
            for table in owned.split()
            for row in connection.exec_driver_sql(f"SELECT * FROM {table}")
        }


@pytest.fixture
def charlies_client(app, people):
    member = SimpleNamespace(user=people.charlie, workspace=people.contoso)
    with app.app_context(), database.transaction() as db:
        db.get(Workspace, people.contoso.id).tier = "enterprise"
        return Client(app, grants.issue_personal_token(db, member, "charlie's client", "tools:write", 3600))


@pytest.mark.parametrize("slug", sorted(each.slug for each in services_of(None)))
def test_no_tool_works_with_an_account_or_business_of_another_workspace(
    app, people, connect, charlies_client, slug
):
    hers = connect(
        people.alice,
        slug,
        "Secret Northwind",
        permission="write",
        label="Northwind's own",
        visibility="shared",
    )
    for name in ("Contoso one", "Contoso two"):
        connect(people.charlie, slug, name, permission="write")
    connector = services_of(None).get(slug)
    listed = charlies_client.tools()
    assert "orthwind" not in json.dumps(listed)
    tools = [listed[tool.name_in(slug)] for tool in connector.tools]
    for tool in tools:
        if "account" in tool["inputSchema"]["properties"]:
            refusals = {
                charlies_client.refusal(tool["name"], {"account": wanted})
                for wanted in (hers.id, hers.label, hers.account_name)
            }
            assert refusals == {charlies_client.refusal(tool["name"], {"account": "con_unknown"})}, tool[
                "name"
            ]
        name = connector.business.name if connector.business else ""
        if name in tool["inputSchema"]["properties"]:
            kind = connector.business.type
            arguments = {"account": "Contoso one", name: kind(hers.businesses[0]["id"])}
            unknown = {"account": "Contoso one", name: kind("9" * 5)}
            assert charlies_client.refusal(tool["name"], arguments) == charlies_client.refusal(
                tool["name"], unknown
            ), tool["name"]
    assert "orthwind" not in json.dumps(charlies_client.call("hub_list_connections"))


def test_no_tool_of_our_own_tells_things_of_another_workspace_from_what_does_not_exist(
    charlies_client, alices
):
    for tool in charlies_client.tools().values():
        if services_of(None).find_tool(tool["name"]):
            continue
        for name in tool["inputSchema"]["properties"]:
            if name not in alices:
                assert not name.endswith("_id"), (
                    f'{tool["name"]} takes "{name}": give `alices` in tests/test_strangers.py an example '
                    "of one"
                )
                continue
            theirs = charlies_client.refusal(tool["name"], {name: alices[name]})
            assert theirs == charlies_client.refusal(tool["name"], {name: _another(alices[name])}), tool[
                "name"
            ]
        assert "orthwind" not in json.dumps(
            charlies_client.ask("tools/call", name=tool["name"], arguments={}).json
        )
