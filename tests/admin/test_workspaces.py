"""The page of workspaces: what they use, what they may, and whether they are let in."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import event

from app import clock, database
from app.oauth_server.callers import find_caller
from app.usage import scheduler
from app.usage.models import CallRow
from app.workspaces.models import Membership, Workspace
from tests.conftest import both_databases

LIMITS = "/admin/workspaces/wsp_northwind/limits"
STATE = "/admin/workspaces/wsp_northwind/state"


def call(days_ago=0, workspace_id="wsp_northwind"):
    at = clock.now() - timedelta(days=days_ago)
    row = CallRow(
        at=at, workspace_id=workspace_id, user_id="u", grant_id="g", tool="t", outcome="ok", total_ms=1.0
    )
    with database.transaction() as db:
        db.add(row)


def stored():
    with database.reading() as db:
        row = db.get(Workspace, "wsp_northwind")
        return row.tier, row.per_minute, row.per_day


@both_databases
@pytest.mark.usefixtures("early")
def test_it_shows_members_tier_and_the_calls_of_28_days(dana):
    for days_ago in (0, 0, 3, 3, 3, 27, 28, 40):
        call(days_ago)
    dana.get("/admin/workspaces")
    assert "Northwind" in dana.page and "Contoso" in dana.page
    assert "2 members" in dana.page and "1 member " in dana.page
    assert "6 calls in 28 days" in dana.page and "0 calls in 28 days" in dana.page
    assert re.search(
        r'role="img" aria-label="6 calls in the last 28 days, most on \d+ \w+: 3; today 2"', dana.page
    )
    assert dana.page.count("<rect ") == 3


@both_databases
@pytest.mark.usefixtures("early")
def test_a_call_counts_once_before_and_after_it_is_added_up(dana):
    call(1)
    call(1)
    assert "2 calls in 28 days" in dana.get("/admin/workspaces").text
    scheduler.add_up()
    call(0)
    assert "3 calls in 28 days" in dana.get("/admin/workspaces").text


def test_the_usage_of_a_whole_page_is_one_query(dana):
    queries = []
    event.listen(
        database.current().engine,
        "before_cursor_execute",
        lambda c, cur, statement, *rest: queries.append(statement),
    )
    dana.get("/admin/workspaces")
    assert len([statement for statement in queries if "usage_totals" in statement]) == 1
    assert len([statement for statement in queries if statement.startswith("SELECT")]) <= 6


@both_databases
def test_many_come_a_page_at_a_time_newest_first_and_are_found_by_name(dana):
    at = clock.now()
    with database.transaction() as db:
        db.add_all(
            Workspace(id=f"wsp_{n:03}", name=f"Company {n:03}_x", created_at=at + timedelta(seconds=n // 3))
            for n in range(60)
        )
    seen, path, pages = [], "/admin/workspaces", 0
    while path:
        dana.get(path)
        seen += re.findall(r'id="(wsp_\w+)"', dana.page)
        found = re.search(r'href="(/admin/workspaces\?after=[^"]+)">Older', dana.page)
        path, pages = found and found[1], pages + 1
    assert pages == 3 and len(seen) == len(set(seen)) == 62
    assert seen[0] == "wsp_059"
    assert re.findall(r'id="(wsp_\w+)"', dana.get("/admin/workspaces?q=pany+017").text) == ["wsp_017"]
    assert "No matches" in dana.get("/admin/workspaces?q=%25").text
    assert "wsp_northwind" in dana.get("/admin/workspaces?after=wsp_gone&q=NORTHW").text


def test_tier_and_limits_are_changed_in_place_and_hold_for_the_next_call(dana, client_of, people, trail):
    token = client_of(people.alice).token
    answer = dana.submit(LIMITS, {"tier": "pro", "per_minute": "1,200", "per_day": ""}, htmx=True)
    assert answer.status_code == 200 and "<html" not in answer.text and 'id="wsp_northwind"' in answer.text
    assert "Pro: 1,200 per minute, 50,000 per day" in answer.text and "Saved." in answer.text
    caller = find_caller(token)
    assert (caller.tier, caller.per_minute, caller.per_day) == ("pro", 1200, None)
    [entry] = trail("workspace.limits_changed")
    assert (entry.user_id, entry.workspace_id) == (people.dana.id, "wsp_northwind")
    assert entry.details["before"] == {"tier": "free", "per_minute": None, "per_day": None}
    assert entry.details["after"] == {"tier": "pro", "per_minute": 1200, "per_day": None}
    dana.submit(LIMITS, {"tier": "pro", "per_minute": "1200", "per_day": ""})
    assert len(trail("workspace.limits_changed")) == 1


@pytest.mark.usefixtures("early")
def test_a_limit_of_one_call_a_minute_is_felt_at_once(dana, client_of, people):
    dana.submit(LIMITS, {"tier": "free", "per_minute": "1", "per_day": ""})
    alice = client_of(people.alice)
    answers = [
        alice.ask("tools/call", name="hub_list_connections", arguments={}).status_code for _ in range(3)
    ]
    assert answers == [200, 429, 429]
    dana.submit(LIMITS, {"tier": "free", "per_minute": "", "per_day": ""})
    assert alice.ask("tools/call", name="hub_list_connections", arguments={}).status_code == 200


def test_without_javascript_the_same_form_comes_back_to_the_row(dana):
    page = dana.follow(dana.submit(LIMITS, {"tier": "enterprise", "per_minute": "", "per_day": "900000"}))
    assert page.status_code == 200 and "Saved." in dana.page
    assert re.findall(r'id="(wsp_\w+)"', dana.page) == ["wsp_northwind"]
    assert "Enterprise: 6,000 per minute, 900,000 per day" in dana.page


@pytest.mark.parametrize(
    "form",
    [
        {"tier": "gold"},
        {"tier": "free", "per_minute": "0"},
        {"tier": "free", "per_minute": "-1"},
        {"tier": "free", "per_minute": "1.5"},
        {"tier": "free", "per_day": "9" * 30},
        {"tier": "free", "per_day": "many"},
        {},
    ],
)
def test_what_makes_no_sense_changes_nothing_and_stays_in_the_form(dana, trail, form):
    answer = dana.submit(LIMITS, {"per_minute": "", "per_day": "", **form})
    assert answer.status_code == 400 and 'role="alert"' in answer.text
    assert all(f'value="{value}"' in answer.text for name, value in form.items() if name != "tier")
    fragment = dana.submit(LIMITS, {"per_minute": "", "per_day": "", **form}, htmx=True)
    assert fragment.status_code == 400 and "<html" not in fragment.text
    assert stored() == ("free", None, None) and not trail("workspace.limits_changed")
    assert dana.submit(LIMITS, {"tier": "pro"}).status_code == 303


def test_a_deactivated_workspace_lets_nobody_in_and_keeps_everything(dana, client_of, people, sign_in, trail):
    alice, client = sign_in(people.alice), client_of(people.alice)
    assert alice.get("/integrations").status_code == 200 and client.call("hub_list_connections")["success"]
    answer = dana.submit(STATE, {"active": "no"}, htmx=True)
    assert (
        "Deactivated" in answer.text
        and 'Activate<span class="visually-hidden"> Northwind</span>' in answer.text
    )
    for path in (
        "/integrations",
        "/integrations/status",
        "/ai-clients",
        "/memory",
        "/team",
        "/usage",
        "/activity",
    ):
        refused = alice.get(path)
        assert (refused.status_code, "deactivated by the operator" in refused.text) == (403, True), path
    assert client.refusal("hub_list_connections")[0] == "WORKSPACE_INACTIVE"
    assert client.tools() == {}
    assert alice.get("/account").status_code == 200
    assert sign_in(people.charlie).get("/integrations").status_code == 200
    dana.submit(STATE, {"active": "yes"})
    assert alice.get("/integrations").status_code == 200 and client.call("hub_list_connections")["success"]
    assert [
        entry.user_id for action in ("deactivated", "activated") for entry in trail(f"workspace.{action}")
    ] == [people.dana.id] * 2


def test_who_is_in_another_workspace_too_can_go_there(dana, people, sign_in):
    with database.transaction() as db:
        db.add(
            Membership(
                workspace_id=people.contoso.id, user_id=people.alice.id, role="member", created_at=clock.now()
            )
        )
    alice = sign_in(people.alice)
    alice.get("/integrations")
    dana.submit(STATE, {"active": "no"})
    assert alice.get("/integrations").status_code == 403
    assert alice.follow(alice.submit("/workspace", {"workspace": people.contoso.id})).status_code == 200
    assert alice.get("/integrations").status_code == 200


def test_markup_in_a_name_is_text(dana):
    with database.transaction() as db:
        db.get(Workspace, "wsp_northwind").name = '<script>alert(1)</script>"'
    assert "<script>alert" not in dana.get("/admin/workspaces").text
