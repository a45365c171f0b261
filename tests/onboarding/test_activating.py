"""Credentials of a service create a company: checked first, stored together, exactly once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import select

from app import clock, database
from app.accounts import people as persons
from app.accounts.models import User
from app.audit import AuditEntry
from app.oauth_server.models import Grant
from app.vault.models import Connection, Credential
from app.workspaces.models import Membership, Workspace
from tests.conftest import both_databases
from tests.onboarding.conftest import Company, error_of
from tests.support.mcp_client import Client

pytestmark = pytest.mark.usefixtures("patient_database")  # of what many do at once

GOOD = {"service": "servicefusion", "client_id": "sandbox", "client_secret": "sandbox"}


def stored_counts():
    """The row counts of everything an activation creates."""
    with database.reading() as db:
        return [
            len(db.exec(select(model)).all())
            for model in (User, Workspace, Membership, Connection, Credential, Grant)
        ]


@both_databases
def test_a_workspace_comes_to_be_whose_tools_answer(app, settings, company):
    answer = company.activate(company.setup_token())
    assert answer.status_code == 200, answer.text
    given = answer.json
    assert set(given) == {"workspace", "mcp_url", "access_token", "expires_in"}
    assert given["mcp_url"] == settings.mcp_url and given["expires_in"] == 30 * 86_400
    assert given["workspace"]["name"] == company.name
    client = Client(app, given["access_token"])
    assert "servicefusion_list_customers" in client.tools()
    assert client.call("servicefusion_list_customers", {})["data"]["items"]
    status = (
        app.test_client().get("/status", headers={"Authorization": f"Bearer {given['access_token']}"}).json
    )
    assert status["user"]["email"] == company.email and status["user"]["role"] == "owner"
    assert status["workspace"]["id"] == given["workspace"]["id"]
    assert stored_counts() == [1, 1, 1, 1, 1, 1]


def test_what_was_filled_in_is_sealed_and_nowhere_else(app, company, levers, caplog):
    assert (
        company.activate(
            company.setup_token(), **GOOD | {"client_id": "harbour", "client_secret": "harbour"}
        ).status_code
        == 200
    )
    with database.reading() as db:
        rows = [
            *db.exec(select(Connection)).all(),
            *db.exec(select(Credential)).all(),
            *db.exec(select(AuditEntry)).all(),
        ]
    assert not any('"client_secret"' in repr(row) for row in rows)
    assert not any("is ready" in text and "pbp_" in text for text in company.letters())
    assert "pbp_" not in caplog.text


def test_the_person_is_told_and_gets_in_by_a_mailed_code(company, visitor):
    company.activate(company.setup_token())
    assert "enter this email and choose" in company.letters()[0]
    visitor.get("/login")
    page = visitor.submit("/login/code", {"email": company.email})
    request = page.headers["Location"].partition("request=")[2]
    visitor.get(page.headers["Location"])
    visitor.follow(visitor.submit("/confirm", {"request": request, "code": company.code()}))
    assert "ServiceFusion" in visitor.get("/integrations").get_data(as_text=True)


def test_refused_credentials_keep_nothing_and_the_token_still_works(company):
    setup = company.setup_token()
    refused = company.activate(setup, **GOOD | {"client_secret": "wrong"})
    error = error_of(refused)
    assert refused.status_code == 422 and error["code"] == "CREDENTIALS_REFUSED"
    assert "ServiceFusion does not accept" in error["message"] and "wrong" not in refused.text
    assert "client_secret" in error["details"]["fields"]
    assert stored_counts() == [0] * 6
    assert company.activate(setup).status_code == 200


def test_a_service_that_is_down_keeps_nothing_and_the_token_still_works(company, levers):
    setup = company.setup_token()
    levers("servicefusion")("fail", status=503, times=5)
    refused = company.activate(setup)
    assert refused.status_code in {502, 503}
    assert "ServiceFusion" in error_of(refused)["message"]
    assert stored_counts() == [0] * 6
    levers("servicefusion")("reset")
    assert company.activate(setup).status_code == 200


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Bearer pbi_unknown", "Basic abc", "Bearer \xff"]
)
def test_without_a_setup_token_nothing_is_asked(company, levers, authorization):
    setup = company.setup_token()
    headers = {} if authorization is None else {"Authorization": authorization}
    refused = company.post("/api/activate", GOOD, **headers)
    assert refused.status_code == 401
    assert error_of(refused)["code"] == "INVALID_TOKEN" and refused.headers["WWW-Authenticate"].startswith(
        "Bearer"
    )
    assert company.post(f"/api/activate?access_token={setup}", GOOD).status_code == 401
    assert company.activate(setup).status_code == 200


def test_a_setup_token_is_for_this_alone_and_for_an_hour(app, company):
    setup = company.setup_token()
    assert app.test_client().get("/status", headers={"Authorization": f"Bearer {setup}"}).status_code == 401
    assert Client(app, setup).ask("tools/list").status_code == 401
    clock.shift(timedelta(hours=1, seconds=1))
    assert company.activate(setup).status_code == 401
    assert company.activate(company.setup_token()).status_code == 200


def test_another_kind_of_token_is_no_setup_token(company):
    token = company.activate(company.setup_token()).json["access_token"]
    assert company.activate(token).status_code == 401


@both_databases
def test_of_many_at_once_one_makes_a_company(company):
    setup = company.setup_token()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: company.activate(setup).status_code, range(6)))
    assert sorted(answers) == [200, 401, 401, 401, 401, 401]
    assert stored_counts() == [1, 1, 1, 1, 1, 1]


@both_databases
def test_an_address_with_an_account_gets_one_more_workspace(app, people, sign_in):
    company = Company(app, email=people.alice.email, name="Second Company")
    answer = company.activate(company.setup_token())
    assert answer.status_code == 200
    page = sign_in(people.alice)
    assert page.get("/integrations").status_code == 200
    assert "Northwind" in page.page and "Second Company" in page.page
    client = Client(app, answer.json["access_token"])
    assert (
        client.call("hub_list_connections")["message"] == "1 connected account in workspace Second Company."
    )


def test_somebody_disabled_meanwhile_gets_nothing(app, people):
    company = Company(app, email=people.bob.email)
    setup = company.setup_token()
    with database.transaction() as db:
        persons.disable(db, db.get(User, people.bob.id))
    before = stored_counts()
    assert company.activate(setup).status_code == 401
    assert stored_counts() == before


def test_no_database_connection_is_held_while_the_service_is_asked(company, levers, monkeypatch):
    from app import outbound

    engine, held = database.current().engine, []
    send = outbound.send
    monkeypatch.setattr(
        outbound, "send", lambda *a, **k: held.append(engine.pool.checkedout()) or send(*a, **k)
    )
    assert company.activate(company.setup_token()).status_code == 200
    assert held and set(held) == {0}


# --- which service, which values ---


def test_an_unknown_service_names_the_possible_ones(company):
    setup = company.setup_token()
    for service in ("nonesuch", "", None, "gmail"):
        refused = company.activate(setup, service=service, client_id="a")
        error = error_of(refused)
        assert refused.status_code == 422
        assert {"servicefusion", "stripe", "xano", "flowpos"} <= set(error["details"]["services"])
        assert "gmail" not in error["details"]["services"], "it has no way in by values"
        assert "servicefusion" in error["message"]
        fields = error["details"]["services"]["servicefusion"][0]["fields"]
        assert [field["name"] for field in fields] == ["client_id", "client_secret"]
    assert company.activate(setup).status_code == 200


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "client_id"),
        ({"client_id": "sandbox"}, "client_secret"),
        ({"client_id": "sandbox", "client_secret": ""}, "client_secret"),
        ({"client_id": "sandbox", "client_secret": "sandbox", "password": "x"}, "password"),
        ({"client_id": "sandbox", "client_secret": "sand box"}, "client_secret"),
        ({"client_id": "sandbox", "client_secret": "s" * 20_000}, "client_secret"),
        ({"client_id": "sandbox", "client_secret": {"a": 1}}, "client_secret"),
        ({"client_id": 1, "client_secret": "sandbox"}, "client_id"),
        ({"client_id": "sandbox", "client_secret": "sandbox", "way": "nonesuch"}, "way"),
    ],
)
def test_values_that_do_not_fit_are_named_and_no_service_is_asked(company, levers, given, field):
    setup = company.setup_token()
    before = levers("servicefusion").log()
    refused = company.activate(setup, service="servicefusion", **given)
    assert refused.status_code in {400, 422}
    assert field in error_of(refused)["details"]["fields"]
    assert levers("servicefusion").log() == before and stored_counts() == [0] * 6
    assert company.activate(setup).status_code == 200


@pytest.mark.parametrize(
    ("given", "tool"),
    [
        ({"service": "stripe", "api_key": "DEMO"}, "stripe_list_customers"),
        ({"service": "flowpos", "access_token": "sandbox-flowpos-mara"}, "flowpos_list_orders"),
        ({"service": "flowpos", "api_key": "fp_mcp_sandbox_corner"}, "flowpos_list_orders"),
        (
            {"service": "flowpos", "id_token": "sandbox-identity-tom", "way": "identity"},
            "flowpos_list_orders",
        ),
        (
            {"service": "servicefusion", "client_id": " harbour ", "client_secret": "harbour"},
            "servicefusion_list_jobs",
        ),
    ],
)
def test_every_service_with_a_way_in_by_values(app, company, given, tool):
    from app.connectors.services import services_of

    if given.get("api_key") == "DEMO":
        given = given | {"api_key": services_of(None).get("stripe").forms[0].fields[0].demo}
    answer = company.activate(company.setup_token(), **given)
    assert answer.status_code == 200, answer.text
    client = Client(app, answer.json["access_token"])
    assert tool in client.tools() and client.call(tool, {})["success"]


def test_trying_secrets_is_limited(company, monkeypatch, early):
    from app.accounts.budgets import Rule
    from app.onboarding import activating

    monkeypatch.setattr(activating, "_PER_SETUP", Rule("api-activate-setup", 2, 3_600))
    setup = company.setup_token()
    for _ in range(2):
        assert company.activate(setup, **GOOD | {"client_secret": "wrong"}).status_code == 422
    refused = company.activate(setup)
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) > 0
    assert company.activate(company.setup_token()).status_code == 200


def test_it_is_in_the_trail_without_a_secret(company):
    company.activate(company.setup_token())
    with database.reading() as db:
        entries = db.exec(select(AuditEntry)).all()
    actions = [entry.action for entry in entries]
    for action in (
        "setup.confirmed",
        "person.registered",
        "workspace.created",
        "connection.connected",
        "token.created",
    ):
        assert actions.count(action) == 1
    assert "sandbox" not in repr(entries) and company.email not in repr(entries)


# --- what AI clients may do ---

READS_AND_WRITES = 13  # tools of ServiceFusion


def tools_of(app, answer):
    names = Client(app, answer.json["access_token"]).tools()
    return [name for name in names if name.startswith("servicefusion_")]


@pytest.mark.parametrize(
    ("permission", "count"),
    [("write", READS_AND_WRITES), ("ask", READS_AND_WRITES), ("read", 10), ("off", 0)],
)
def test_the_permission_asked_for_is_that_of_the_connection(app, company, permission, count):
    answer = company.activate(company.setup_token(), **GOOD | {"permission": permission})
    assert answer.status_code == 200 and answer.json["permission"] == permission
    assert len(tools_of(app, answer)) == count
    with database.reading() as db:
        assert db.scalars(select(Connection.permission)).one() == permission
        changes = db.scalars(
            select(AuditEntry.details).where(AuditEntry.action == "connection.permission_changed")
        ).all()
    wanted = [] if permission == "read" else [("read", permission)]
    assert [(each["before"], each["level"]) for each in changes] == wanted


@pytest.mark.parametrize("given", [{}, {"permission": None}])
def test_without_one_a_company_can_read(app, company, given):
    answer = company.activate(company.setup_token(), **GOOD | given)
    assert answer.status_code == 200 and len(tools_of(app, answer)) == 10


@pytest.mark.parametrize("given", ["", "admin", "WRITE", " write", "read,write", ["write"], True, 1, {}])
def test_another_permission_is_refused_before_the_service_is_asked(company, levers, given):
    setup, before = company.setup_token(), levers("servicefusion").log()["requests"]
    refused = company.activate(setup, **GOOD | {"permission": given})
    error = error_of(refused)
    assert refused.status_code in {400, 422} and "permission" in error["details"]["fields"]
    assert stored_counts() == [0] * 6 and levers("servicefusion").log()["requests"] == before
    assert company.activate(setup, **GOOD | {"permission": "write"}).status_code == 200


def test_a_repeated_activation_changes_no_permission(company):
    setup = company.setup_token()
    assert company.activate(setup, **GOOD | {"permission": "ask"}).status_code == 200
    assert company.activate(setup, **GOOD | {"permission": "write"}).status_code == 401
    with database.reading() as db:
        assert db.scalars(select(Connection.permission)).all() == ["ask"]
