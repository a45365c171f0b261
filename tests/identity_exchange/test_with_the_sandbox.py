"""The exchange beside the imitated Firebase and FlowPOS, over real HTTP: sign in there, exchange here,
work, lose a business.
"""

import time

import pytest
import requests

from app.identity_exchange import businesses
from tests.hub.test_xano import state_of
from tests.identity_exchange.conftest import Exchanger
from tests.support.mcp_client import Client
from tests.support.processes import Levers
from tests.support.waiting import AT_MOST_SECONDS

CERTIFICATES = "/flowpos/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"


@pytest.fixture
def levers(sandbox):
    return Levers(sandbox, "flowpos")


@pytest.fixture
def environ(environ, sandbox, levers):
    levers("reset")
    return environ | {
        "SANDBOX_URL": sandbox,
        "FIREBASE_PROJECT_ID": "flowpos-sandbox",
        "FIREBASE_CERTS_URL": sandbox + CERTIFICATES,
    }


@pytest.fixture
def id_token(sandbox):
    """`id_token("mara")`: what Firebase gives for that login."""

    def _id_token(email):
        credentials = {"email": email, "password": "sandbox", "returnSecureToken": True}
        return requests.post(
            f"{sandbox}/flowpos/v1/accounts:signInWithPassword", json=credentials, timeout=AT_MOST_SECONDS
        ).json()["idToken"]

    return _id_token


@pytest.fixture
def mara(app, people, sign_in):
    """alice, under the address she has at FlowPOS."""
    from app import database
    from app.accounts.models import User

    with database.transaction() as db:
        db.get(User, people.alice.id).email = "mara@corner.example"
    return sign_in(people.alice)


def connect(visitor):
    """Connect FlowPOS with what the person has in its app."""
    visitor.get("/integrations")
    visitor.submit("/integrations/flowpos")
    visitor.submit("/integrations/flowpos/way", {"state": state_of(visitor), "way": "token"})
    visitor.submit(
        "/integrations/flowpos/keys",
        {"state": state_of(visitor), "way": "token", "access_token": "sandbox-flowpos-mara"},
    )


def test_from_a_login_at_firebase_to_a_tool_of_flowpos(app, mara, id_token, levers):
    program = Exchanger(app)
    assert program.exchange(id_token("zoe@corner.example")).status_code == 403
    first = program.exchange(id_token("mara@corner.example")).json
    assert first["authorizedBusinesses"] == []

    connect(mara)
    second = program.refresh(first["accessToken"]).json
    assert second["authorizedBusinesses"] == [
        {"id": "b1a0-0001", "name": "Corner Café"},
        {"id": "b1a0-0002", "name": "Harbour Kiosk"},
    ]
    assert second["activeBusinessId"] == "b1a0-0001"

    client = Client(app, second["accessToken"])
    assert client.call("flowpos_list_orders", {"limit": 1})["data"]["items"][0]["currency"] == "EUR"
    client.call("set_active_business", {"business_id": "b1a0-0002"})
    assert program.refresh(second["accessToken"]).json["activeBusinessId"] == "b1a0-0002"

    levers("withdraw", person="mara", business="b1a0-0002")
    third = program.refresh(second["accessToken"]).json
    assert (third["activeBusinessId"], third["authorizedBusinessIds"]) == ("b1a0-0001", ["b1a0-0001"])
    assert (
        client.call("flowpos_list_orders", {"limit": 1})["message"]
        == "FlowPOS account: Corner Café; business: Corner Café."
    )
    assert "set_active_business" not in client.tools()


def test_whoever_flowpos_gives_no_business_is_refused_at_every_door(
    app, mara, id_token, levers, people, sign_in
):
    program, token = Exchanger(app), id_token("mara@corner.example")
    connect(mara)
    ours = program.exchange(token).json["accessToken"]
    for business in ("b1a0-0001", "b1a0-0002"):
        levers("withdraw", person="mara", business=business)
    for _ in range(2):  # the first answer ends the connection's access, and the second is the same
        for refused in (program.refresh(ours), program.exchange(token)):
            assert refused.status_code == 403
            error = refused.json["error"]
            assert error["code"] == "PERMISSION_DENIED" and "No active business" in error["message"]
            assert error["details"]["reason"] == "NO_ACTIVE_BUSINESS"
        refused = program.at_token_endpoint(subject_token=token)
        assert (refused.status_code, refused.json["error"]) == (400, "invalid_request")
        assert "No active business" in refused.json["error_description"]
    levers("restore", person="mara", business="b1a0-0002")
    assert program.exchange(token).json["authorizedBusinessIds"] == [], "to connect FlowPOS again with"


def test_a_login_without_any_business_is_refused_though_nothing_is_connected(app, people, id_token, levers):
    from sqlmodel import select

    from app import database
    from app.accounts.models import User
    from app.oauth_server.models import Grant

    with database.transaction() as db:
        db.get(User, people.alice.id).email = "zoe@corner.example"
        db.get(User, people.bob.id).email = "tom@quay.example"
    program, zoe = Exchanger(app), id_token("zoe@corner.example")
    refused = program.exchange(zoe)
    assert refused.status_code == 403 and "No active business" in refused.json["error"]["message"]
    assert program.at_token_endpoint(subject_token=zoe).status_code == 400
    with database.reading() as db:
        assert db.exec(select(Grant)).all() == []
    assert program.exchange(id_token("tom@quay.example")).status_code == 200, "he has one, not connected yet"


@pytest.mark.parametrize("status", [500, 503, 401, 403])
def test_only_flowpos_own_word_refuses(app, mara, id_token, levers, status):
    """A gateway in front of it, an outage and an unknown project are no answer about memberships."""
    levers("fail", status=status, times=5, path="/mcp/token")
    answer = Exchanger(app).exchange(id_token("mara@corner.example"))
    assert answer.status_code == 200 and answer.json["authorizedBusinessIds"] == []


def test_flowpos_being_away_leaves_the_businesses_it_listed(app, mara, id_token, levers):
    program, token = Exchanger(app), id_token("mara@corner.example")
    connect(mara)
    assert program.exchange(token).json["authorizedBusinessIds"] == ["b1a0-0001", "b1a0-0002"]
    levers("fail", status=503, times=20)
    answer = program.exchange(token)
    assert answer.status_code == 200 and answer.json["authorizedBusinessIds"] == ["b1a0-0001", "b1a0-0002"]


def test_flowpos_being_slow_costs_seconds_not_the_token(app, mara, id_token, levers, monkeypatch):
    program, token = Exchanger(app), id_token("mara@corner.example")
    connect(mara)
    assert program.exchange(token).status_code == 200
    monkeypatch.setattr(businesses, "_SECONDS", 0.3)
    levers("hang", rpc="tools/list", times=5)
    started = time.monotonic()
    answer = program.exchange(token)
    assert time.monotonic() - started < 15
    assert answer.status_code == 200 and answer.json["authorizedBusinessIds"] == ["b1a0-0001", "b1a0-0002"]
