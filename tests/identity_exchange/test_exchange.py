"""An ID token becomes a token of ours: for the person it is about, with FlowPOS' scopes, for as long as
the operator says.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import select, update

from app import clock, database
from app.accounts import people as persons
from app.accounts.models import User
from app.audit import AuditEntry
from app.connectors.spec import Account, Business
from app.errors import ProviderUnavailable, ReconnectNeeded
from app.identity_exchange.models import FirebaseIdentity
from app.oauth_server import grants
from app.oauth_server.models import AccessToken, Grant
from app.vault import access, connection_settings, store
from app.workspaces.models import Membership, Workspace
from tests.conftest import both_databases
from tests.identity_exchange.conftest import ISSUER, Exchanger, signed
from tests.support import acme
from tests.support.ai_client import AiClient
from tests.support.mcp_client import Client

pytestmark = pytest.mark.usefixtures("patient_database")

SCOPES = ["pos:read", "pos:write", "reports:read", "psa:read", "pos:intents"]
ONE, TWO = Business("b1", "Corner", {"is_default": True}), Business("b2", "Kiosk")


def rows(model):
    with database.reading() as db:
        return list(db.exec(select(model)).all())


@pytest.fixture
def flowpos(people, settings, monkeypatch):
    """`flowpos(ONE, TWO)`: FlowPOS is connected in Northwind; `flowpos.lists` is what it says when asked
    (or raises).
    """

    class FlowPos:
        lists: object = None
        connection = None

        def __call__(self, *businesses, slug="flowpos"):
            with database.transaction() as db:
                self.connection = store.connect(
                    db,
                    workspace_id=people.northwind.id,
                    owner_id=people.alice.id,
                    slug=slug,
                    account=Account(key=slug, name=slug, businesses=businesses),
                    tokens=acme.TOKENS,
                    scopes="",
                    keys=settings.vault_keys,
                )
            return self.connection

    known = FlowPos()

    def check(_settings, connection, **_options):
        if isinstance(known.lists, Exception):
            raise known.lists
        if known.lists is not None:
            with database.transaction() as db:
                account = Account(key=connection.account_key, name="", businesses=tuple(known.lists))
                connection.businesses = store.set_businesses(db, connection, account).businesses

    monkeypatch.setattr(access, "check", check)
    return known


@both_databases
def test_the_answer_and_what_the_token_is_good_for(app, people, program, flowpos):
    flowpos(ONE, TWO)
    answer = program.exchange()
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    given = dict(answer.json)
    token = given.pop("accessToken")
    assert given == {
        "expiresIn": 86_400,
        "role": "merchant",
        "activeBusinessId": "b1",
        "authorizedBusinessIds": ["b1", "b2"],
        "authorizedBusinesses": [{"id": "b1", "name": "Corner"}, {"id": "b2", "name": "Kiosk"}],
        "scopes": SCOPES,
    }
    tools = Client(app, token).tools()
    assert {"flowpos_list_orders", "get_client_health", "set_active_business", "hub_list_connections"} <= set(
        tools
    )
    assert not any(name.startswith("memory_") for name in tools)
    status = app.test_client().get("/status", headers={"Authorization": f"Bearer {token}"}).json
    assert (status["user"]["email"], status["workspace"]["name"], status["client"]["kind"]) == (
        people.alice.email,
        "Northwind",
        "identity",
    )
    assert token not in repr(rows(AccessToken))


@pytest.mark.parametrize(
    ("businesses", "active"),
    [((), None), ((TWO,), "b2"), ((TWO, ONE), "b1"), ((TWO, Business("b3", "Third")), None)],
)
def test_the_active_business_is_what_the_tools_work_in(program, people, flowpos, businesses, active):
    flowpos(*businesses)
    answer = program.exchange().json
    assert answer["activeBusinessId"] == active
    assert answer["authorizedBusinessIds"] == [business.id for business in businesses]


def test_nothing_connected_is_no_business_and_a_token_all_the_same(app, program, people, flowpos):
    flowpos(Business("org", "Northwind Pty"), slug="xero")
    answer = program.exchange().json
    assert (answer["activeBusinessId"], answer["authorizedBusinessIds"], answer["authorizedBusinesses"]) == (
        None,
        [],
        [],
    )
    client = Client(app, answer["accessToken"])
    assert set(client.tools()) == {"hub_list_connections", "hub_connect_service"}
    assert client.call("hub_connect_service", {"service": "flowpos"})["data"]["connect_url"]
    assert client.ask("tools/call", name="xero_list_invoices", arguments={}).status_code == 403


def test_the_lifetime_is_the_operators(app, environ, people):
    from app.config import load
    from app.factory import create_app

    short = create_app(load(environ | {"MCP_TOKEN_TTL_SECONDS": "120"}))
    answer = Exchanger(short).exchange().json
    assert answer["expiresIn"] == 120
    assert Client(short, answer["accessToken"]).ask("tools/list").status_code == 200
    clock.shift(timedelta(seconds=121))
    assert Client(short, answer["accessToken"]).ask("tools/list").status_code == 401
    assert Exchanger(short).refresh(answer["accessToken"]).status_code == 401


def test_not_configured_says_so(environ, people):
    from app.config import load
    from app.factory import create_app

    without = Exchanger(create_app(load({**environ, "FIREBASE_PROJECT_ID": "", "SANDBOX": "0"})))
    refused = without.exchange()
    assert refused.status_code == 404
    assert (
        refused.json["error"]["code"] == "NOT_CONFIGURED"
        and "FIREBASE_PROJECT_ID" in refused.json["error"]["message"]
    )
    assert without.at_token_endpoint().json["error"] == "unsupported_grant_type"
    metadata = without.app.test_client().get("/.well-known/oauth-authorization-server").json
    assert metadata["grant_types_supported"] == ["authorization_code", "refresh_token"]


# --- who it is ---


@pytest.mark.parametrize(
    "who",
    [
        {"sub": "uid-eve", "email": "eve@example.com"},
        {"sub": "uid-eve", "email": None},
        {"sub": "uid-alice", "email_verified": False},
        {"sub": "uid-alice", "email_verified": None},
        {"sub": "uid-alice", "email_verified": "true"},
        {"sub": "uid-alice", "email": 7},
        {"sub": "uid-alice", "email": "not an address"},
        # operates the installation, belongs to no workspace
        {"sub": "uid-dana", "email": "dana@example.com"},
    ],
)
def test_without_an_active_membership_it_is_forbidden(program, people, who):
    refused = program.exchange(signed(**who))
    assert refused.status_code == 403
    assert (
        refused.json["error"]["code"] == "PERMISSION_DENIED"
        and "no active membership" in refused.json["error"]["message"]
    )
    assert program.at_token_endpoint(subject_token=signed(**who)).json["error"] == "invalid_request"
    assert rows(Grant) == []
    assert program.exchange().status_code == 200


def test_somebody_removed_disabled_or_of_a_deactivated_workspace_is_forbidden(program, people):
    bob = {"sub": "uid-bob", "email": people.bob.email}
    tokens = {
        name: program.exchange(signed(**who)).json["accessToken"]
        for name, who in {"alice": {}, "bob": bob}.items()
    }
    with database.transaction() as db:
        db.delete(db.get(Membership, (people.northwind.id, people.bob.id)))
    assert program.exchange(signed(**bob)).status_code == 403
    assert program.refresh(tokens["bob"]).status_code == 401
    with database.transaction() as db:
        db.get(Workspace, people.northwind.id).deactivated_at = clock.now()
    assert program.exchange().status_code == 403
    assert program.refresh(tokens["alice"]).status_code == 403
    with database.transaction() as db:
        db.get(Workspace, people.northwind.id).deactivated_at = None
    assert program.refresh(tokens["alice"]).status_code == 200
    with database.transaction() as db:
        persons.disable(db, db.get(User, people.alice.id))
    assert program.exchange().status_code == 403
    assert program.refresh(tokens["alice"]).status_code == 401


def test_a_login_stays_who_it_was_whatever_its_address_becomes(app, program, people):
    assert program.exchange().status_code == 200
    for changes in ({"email": people.charlie.email}, {"email": None}, {"email_verified": False}):
        answer = program.exchange(signed(**changes))
        status = (
            app.test_client()
            .get("/status", headers={"Authorization": f"Bearer {answer.json['accessToken']}"})
            .json
        )
        assert status["user"]["email"] == people.alice.email
    assert [(row.issuer, row.subject, row.user_id) for row in rows(FirebaseIdentity)] == [
        (ISSUER, "uid-alice", people.alice.id)
    ]


def test_a_second_login_with_the_same_address_is_somebody_else(program, people):
    assert program.exchange().status_code == 200
    assert program.exchange(signed(sub="uid-impostor")).status_code == 403
    assert len(rows(FirebaseIdentity)) == 1
    assert program.exchange().status_code == 200


@both_databases
def test_many_at_once_make_one_identity_and_one_grant(app, people, program):
    program.exchange("warm.up.keys")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: Exchanger(app).exchange(), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json["accessToken"] for answer in answers}) == 8
    assert (len(rows(FirebaseIdentity)), len(rows(Grant))) == (1, 1)


def test_an_operator_lets_a_login_be_met_anew(app, program, people):
    token = program.exchange().json["accessToken"]
    runner = app.test_cli_runner()
    assert "Forget which Firebase login" in runner.invoke(args=["identities", "forget", "--help"]).output
    assert runner.invoke(args=["identities", "forget", "nobody"]).exit_code == 2
    assert "no login was known" in runner.invoke(args=["identities", "forget", people.bob.email]).output
    assert (
        "alice@example.com: forgotten."
        in runner.invoke(args=["identities", "forget", " Alice@example.com "]).output
    )
    assert program.refresh(token).status_code == 401
    assert program.exchange(signed(sub="uid-alice-anew")).status_code == 200
    assert program.exchange().status_code == 403


def test_the_workspace_with_flowpos_comes_before_one_without(app, people, program, flowpos):
    with database.transaction() as db:
        at = clock.now() - timedelta(days=1)
        db.add(
            Membership(workspace_id=people.contoso.id, user_id=people.alice.id, role="member", created_at=at)
        )

    def workspace():
        bearer = {"Authorization": f"Bearer {program.exchange().json['accessToken']}"}
        return app.test_client().get("/status", headers=bearer).json["workspace"]["name"]

    assert workspace() == "Contoso"
    flowpos(ONE)
    assert workspace() == "Northwind"


def test_a_personal_connection_of_a_colleague_is_not_reached(program, people, flowpos):
    flowpos(ONE)
    with database.transaction() as db:
        connection_settings.set_visibility(db, flowpos.connection, "personal")
    assert program.exchange(signed(sub="uid-bob", email=people.bob.email)).json["authorizedBusinessIds"] == []
    assert program.exchange().json["authorizedBusinessIds"] == ["b1"]


def test_a_connection_that_is_not_selected_for_the_client_is_not_reached(
    app, people, program, flowpos, sign_in
):
    flowpos(ONE, TWO)
    token = program.exchange().json["accessToken"]
    alice = sign_in(people.alice)
    alice.get("/ai-clients")
    path = re.search(r'href="(/ai-clients/grt_\w+)"', alice.page)[1]
    alice.get(path)
    alice.submit(path, {"offered": [flowpos.connection.id], "connections": "chosen"})
    for answer in (program.refresh(token), program.exchange()):
        assert (answer.json["authorizedBusinessIds"], answer.json["activeBusinessId"]) == ([], None)
    with database.transaction() as db:
        db.execute(update(Grant).values(expires_at=clock.now() - timedelta(days=1)))
    assert program.exchange().json["authorizedBusinessIds"] == [], "the choice outlives the grant"


# --- the next token ---


@both_databases
def test_refreshing_gives_the_same_with_a_fresh_token(app, people, program, flowpos):
    flowpos(ONE, TWO)
    first = program.exchange().json
    clock.shift(timedelta(hours=20))
    second = program.refresh(first["accessToken"])
    assert second.status_code == 200
    assert second.json["accessToken"] != first["accessToken"]
    assert {**second.json, "accessToken": ""} == {**first, "accessToken": ""}
    clock.shift(timedelta(hours=20))
    assert Client(app, second.json["accessToken"]).ask("tools/list").status_code == 200
    assert program.refresh(first["accessToken"]).status_code == 401
    assert program.refresh(second.json["accessToken"]).status_code == 200


def test_a_business_that_was_withdrawn_is_dropped_and_no_longer_active(app, people, program, flowpos):
    flowpos(ONE, TWO)
    token = program.exchange().json["accessToken"]
    with database.transaction() as db:
        grants.set_active_business(db, rows(Grant)[0].id, flowpos.connection.id, "b2")
    refreshed = program.refresh(token).json
    assert refreshed["activeBusinessId"] == "b2" and program.exchange().json["activeBusinessId"] == "b2"
    flowpos.lists = [ONE]
    dropped = program.refresh(token).json
    assert (dropped["activeBusinessId"], dropped["authorizedBusinessIds"]) == ("b1", ["b1"])
    assert rows(Grant)[0].active_businesses == {}
    assert "set_active_business" not in Client(app, token).tools()


def test_flowpos_away_leaves_what_it_listed_and_an_ended_sign_in_nothing(program, people, flowpos):
    flowpos(ONE, TWO)
    flowpos.lists = ProviderUnavailable("away")
    assert program.exchange().json["authorizedBusinessIds"] == ["b1", "b2"]
    flowpos.lists = ReconnectNeeded("ended")
    assert program.exchange().json["authorizedBusinessIds"] == []


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer pba_nonsense", "Basic abc"])
def test_refreshing_needs_a_living_token(app, people, program, authorization):
    refused = app.test_client().post(
        "/mcp/token/refresh", headers={"Authorization": authorization} if authorization else {}
    )
    assert refused.status_code == 401 and refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert len(refused.json["error"]["message"]) > 10
    assert program.refresh(program.exchange().json["accessToken"]).status_code == 200


def test_no_other_kind_of_token_can_be_refreshed_so(app, people, program, sign_in):
    granted = AiClient(app).connect(sign_in(people.alice))
    with app.app_context(), database.transaction() as db:
        personal = grants.issue_by_hand(
            db, "personal", people.alice.id, people.northwind.id, "mine", "tools:read", 3600
        )[1]
    for token in (granted["access_token"], personal):
        refused = program.refresh(token)
        assert (
            refused.status_code == 403 and "Only a token from /mcp/token" in refused.json["error"]["message"]
        )


def test_revoking_it_counts_at_once(people, program, sign_in):
    token = program.exchange().json["accessToken"]
    alice = sign_in(people.alice)
    assert "FlowPOS app" in alice.get("/ai-clients").get_data(as_text=True)
    alice.submit(f"/ai-clients/{rows(Grant)[0].id}/revoke")
    assert program.refresh(token).status_code == 401
    assert program.exchange().status_code == 403
    assert len(rows(Grant)) == 1


def test_refreshing_alone_does_not_go_on_for_ever(environ, people):
    from app.config import load
    from app.factory import create_app

    program = Exchanger(create_app(load(environ | {"OAUTH_REFRESH_TTL": "90000"})))
    token = program.exchange().json["accessToken"]
    clock.shift(timedelta(hours=23))
    last = program.refresh(token).json
    assert 90_000 - 23 * 3_600 - 300 < last["expiresIn"] <= 90_000 - 23 * 3_600
    clock.shift(timedelta(hours=3))
    assert program.refresh(last["accessToken"]).status_code == 401
    assert program.exchange(signed(exp=int(clock.timestamp()) + 600)).status_code == 200


def test_one_person_is_limited_and_nobody_else(program, people, monkeypatch):
    from app.accounts.budgets import Rule
    from app.identity_exchange import exchange

    # the window does not end during the test
    clock.shift(timedelta(seconds=3_601 - clock.timestamp() % 3_600))
    ends = int(clock.timestamp()) + 3_000
    monkeypatch.setattr(exchange, "_PER_PERSON", Rule("identity-exchange", 2, 3_600))
    token = program.exchange(signed(exp=ends)).json["accessToken"]
    assert program.refresh(token).status_code == 200
    refused = program.exchange(signed(exp=ends))
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) > 0
    assert program.refresh(token).status_code == 429
    assert (
        program.at_token_endpoint(subject_token=signed(exp=ends)).json["error"] == "temporarily_unavailable"
    )
    assert program.exchange(signed(sub="uid-bob", email=people.bob.email, exp=ends)).status_code == 200


def test_it_is_in_the_trail_without_a_secret(program, people):
    token = signed()
    given = program.exchange(token).json["accessToken"]
    program.refresh(given)
    entries = rows(AuditEntry)
    assert [entry.action for entry in entries] == [
        "identity.linked",
        "grant.created",
        "token.exchanged",
        "token.exchanged",
    ]
    assert not any(secret in repr(entries) for secret in (token, given, people.alice.email, "uid-alice"))
