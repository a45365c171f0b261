"""Blocking an AI client: refused everywhere from its next request on, and back as it was when unblocked."""

from datetime import timedelta

import pytest

from app import clock, database
from app.oauth_server.models import Client
from tests.support.ai_client import AiClient
from tests.support.mcp_client import Client as Caller

CLAUDE = "https://claude.ai/oauth/mcp-oauth-client-metadata"


@pytest.fixture
def claude(app, people, sign_in):
    """An AI client alice has connected, with its token answer."""
    client = AiClient(app)
    client.tokens = client.connect(sign_in(people.alice))
    return client


def block(visitor, client_id, value="yes", **options):
    return visitor.submit("/admin/ai-clients/state", {"client_id": client_id, "blocked": value}, **options)


def test_a_blocked_client_is_refused_at_every_door(app, dana, claude, people, sign_in, trail):
    alice, caller = sign_in(people.alice), Caller(app, claude.tokens["access_token"])
    assert caller.ask("tools/list").status_code == 200
    code = claude.code(alice)
    answer = block(dana, claude.client_id, htmx=True)
    assert (
        answer.status_code == 200
        and "Blocked" in answer.text
        and 'Unblock<span class="visually-hidden"> Test client</span>' in answer.text
        and "<html" not in answer.text
    )
    assert caller.ask("tools/list").status_code == 401
    assert (
        app.test_client().get("/status", headers={"Authorization": f"Bearer {caller.token}"}).status_code
        == 401
    )
    assert claude.ask(alice).status_code == 400
    assert claude.exchange(code).error == "invalid_client"
    assert claude.refresh(claude.tokens["refresh_token"]).error == "invalid_client"
    [entry] = trail("client.blocked")
    assert (entry.user_id, entry.subject) == (people.dana.id, claude.client_id)
    block(dana, claude.client_id, "no")
    assert caller.ask("tools/list").status_code == 200
    assert claude.refresh(claude.tokens["refresh_token"]).status == 200
    assert claude.exchange(code).status == 200
    assert trail("client.unblocked")


def test_a_built_in_client_can_be_blocked_before_its_first_visit(app, dana, people, sign_in):
    dana.get("/admin/ai-clients?kind=pinned")
    assert CLAUDE in dana.page and "Built in" in dana.page
    block(dana, CLAUDE)
    client = AiClient(app, client_id=CLAUDE, redirect_uri="https://claude.ai/api/mcp/auth_callback")
    assert client.ask(sign_in(people.alice)).status_code == 400
    block(dana, CLAUDE, "no")
    with database.transaction() as db:
        db.get(Client, CLAUDE).fresh_until = clock.now() + timedelta(days=365)
    assert client.ask(sign_in(people.alice)).status_code == 200


def test_the_list_says_kind_last_use_and_grants(dana, claude):
    dana.get("/admin/ai-clients?kind=registered")
    assert "Test client" in dana.page and claude.client_id in dana.page and "returns to " in dana.page
    assert 'data-label="Grants" class="numeric">1<' in dana.page and CLAUDE not in dana.page
    assert "No blocked AI clients" in dana.get("/admin/ai-clients?kind=blocked").text
    block(dana, claude.client_id)
    assert claude.client_id in dana.get("/admin/ai-clients?kind=blocked").text
    assert claude.client_id in dana.get("/admin/ai-clients?q=test+CLI").text
    assert "No matches" in dana.get("/admin/ai-clients?q=%25").text
    assert dana.get("/admin/ai-clients?kind=nonsense&after=nobody").status_code == 200


@pytest.mark.parametrize("client_id", ["", "nobody", "https://elsewhere.example/client", "\x00", "x" * 600])
def test_a_client_nobody_knows_is_404(dana, client_id):
    assert block(dana, client_id).status_code == 404


def test_neither_yes_nor_no_is_refused(dana, claude):
    assert block(dana, claude.client_id, "maybe").status_code == 400
    assert block(dana, claude.client_id).status_code == 303
