"""Who may come in: operators. For everybody else /admin does not exist, whatever route, method or id."""

import re
from datetime import timedelta

import pytest

from app import clock, database, outbound
from app.accounts.models import User
from app.oauth_server.models import Grant
from app.vault.models import Connection
from tests.support.routes import NoticingRequest, every_route
from tests.support.sweep import Sweep
from tests.test_bad_input import BODIES, JUNK


def routes_of(app):
    return [route for route in every_route(app) if route.rule.startswith("/admin")]


def ask(visitor, route, **values):
    path = route.path({"workspace": "wsp_northwind", "user_id": "usr_alice", "slug": "xero", **values})
    return (
        visitor.get(path)
        if route.method == "GET"
        else visitor.submit(path, {"active": "no", "disabled": "yes", "operator": "yes"})
    )


def test_there_are_pages_and_acts(app):
    assert len([route for route in routes_of(app) if route.method == "GET"]) >= 8
    assert len([route for route in routes_of(app) if route.method == "POST"]) >= 9


def test_strangers_sign_in_first(app, visitor):
    visitor.get("/login")
    for route in routes_of(app):
        answer = ask(visitor, route)
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (303, "/login"), (
            f"{route} lets anybody in"
        )


@pytest.mark.parametrize("who", ["alice", "bob", "charlie"])
def test_for_members_nothing_is_there(app, people, sign_in, who):
    visitor = sign_in(getattr(people, who))
    before = _rows()
    nowhere = _seen(visitor.get("/administration"))
    for route in routes_of(app):
        answer = ask(visitor, route)
        assert answer.status_code == 404, f"{route} needs the guard `operator`"
        assert _seen(answer) == nowhere, f"{route} can be told from an address that does not exist"
    assert _rows() == before
    assert "Administration" not in visitor.get("/integrations").text


def test_an_operator_comes_in_without_any_workspace(app, dana):
    for route in routes_of(app):
        if route.method == "GET":
            assert dana.follow(ask(dana, route)).status_code == 200, route


def test_an_operator_in_no_workspace_finds_the_way_in_and_out(dana):
    dana.get("/account")
    assert 'href="/admin"' in dana.page
    dana.get("/admin/workspaces")
    assert 'action="/logout"' in dana.page
    dana.submit("/logout")
    assert dana.get("/admin/workspaces").status_code == 303


def test_a_right_that_was_taken_away_is_gone_on_the_next_click(dana, people):
    with database.transaction() as db:
        db.get(User, people.dana.id).is_operator = False
        db.get(User, people.alice.id).is_operator = True
    assert dana.get("/admin/workspaces").status_code == 404
    assert dana.submit("/admin/people/usr_bob/state", {"disabled": "yes"}).status_code == 404


def test_dangerous_acts_need_a_recent_sign_in(app, dana, people):
    acts = {
        "/admin/workspaces/wsp_northwind/state": {"active": "no"},
        "/admin/people/usr_bob/operator": {"operator": "yes"},
        "/admin/people/usr_bob/state": {"disabled": "yes"},
        "/admin/ai-clients/state": {
            "client_id": "https://claude.ai/oauth/mcp-oauth-client-metadata",
            "blocked": "yes",
        },
        "/admin/connectors/xero": {"offer": "no"},
        "/admin/keys": {"name": "k", "scope": "tools:read", "days": "1", "workspace": "wsp_contoso"},
    }
    before = _rows()
    clock.shift(timedelta(minutes=31))
    for path, form in acts.items():
        refused = dana.submit(path, form)
        page = (
            path
            if path == "/admin/keys"
            else path.rsplit("/", 1)[0].replace("/wsp_northwind", "").replace("/usr_bob", "")
        )
        assert (refused.status_code, refused.headers["Location"]) == (
            303,
            f"/login?again=1&next={page.replace('/', '%2F')}",
        ), path
        assert dana.submit(path, form, htmx=True).headers["HX-Redirect"].startswith("/login?again=1")
    assert _rows() == before
    clock.reset()
    for path, form in acts.items():
        assert dana.submit(path, form).status_code in {200, 303}, path


def test_being_seen_is_written_down_for_an_operator_too(dana, people):
    clock.shift(timedelta(days=13))
    dana.get("/admin/workspaces")
    clock.shift(timedelta(days=13))
    assert dana.get("/admin/workspaces").status_code == 200


@pytest.mark.slow
def test_junk_is_a_clear_refusal(app, people, settings, sign_in, monkeypatch):
    monkeypatch.setattr(
        outbound, "send", lambda *_args, **_options: (_ for _ in ()).throw(outbound.AddressRefused())
    )
    monkeypatch.setattr(app, "request_class", NoticingRequest)
    sweep = Sweep(app, people, settings, lambda _user: sign_in(people.dana))
    for route in routes_of(app):
        sweep.become("member")
        fields = sweep.fields_of(route)
        for junk in JUNK:
            sweep.send(route, fields=dict.fromkeys(fields, junk))
            if route.arguments and junk != "\ud800":
                sweep.send(
                    route,
                    path=route.path(dict.fromkeys(route.arguments, junk)),
                    fields=sweep.plausible(fields),
                )
        for content_type, body in BODIES if route.method == "POST" else ():
            sweep.send(route, data=body, content_type=content_type)
    sweep.finish()


def _seen(answer):
    """What a person sees, without what differs from page to page anyway."""
    return re.sub(r'csrf_token"[^>]*value="[^"]+"|nonce="[^"]+"|Correlation id: <code>\w+', "", answer.text)


def _rows():
    with database.reading() as db:
        connection = db.connection()
        tables = (
            User.__tablename__,
            "workspaces",
            Grant.__tablename__,
            Connection.__tablename__,
            "oauth_clients",
            "connector_apps",
        )
        return {
            table: sorted(map(repr, connection.exec_driver_sql(f"SELECT * FROM {table}").all()))
            for table in tables
        }
