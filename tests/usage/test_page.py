"""The usage page: what a person reads there, whose calls they are, and its files."""

import csv
import io
import re
from datetime import timedelta

import pytest

from app import clock, database
from app.usage import calls_log, exporting, ledger, rollup
from app.usage.models import Call
from app.usage.tiers import limits_of
from app.workspaces.models import Membership, Workspace
from tests.conftest import both_databases
from tests.usage.conftest import a_call, some_calls


def figures_on(page):
    """The four tiles as text."""
    return [
        " ".join(re.sub("<[^>]+>", " ", tile).split())
        for tile in re.findall(r'<div class="card stat".*?</div>', page, re.S)
    ]


def read_csv(answer):
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))


@pytest.fixture
def noon(app):
    """The middle of a month and of a day, so that neither ends during a test."""
    at = clock.now()
    clock.shift(at.replace(day=15, hour=12, minute=30, second=5) - at)


@both_databases
def test_the_tiles_say_what_the_month_was_like(people, sign_in, noon, write):
    write([a_call(at=clock.now() - timedelta(days=1)) for _ in range(1_200)])
    rollup.run()
    write([a_call(outcome="TIMEOUT", total_ms=900, upstream_ms=890) for _ in range(6)])
    write([a_call(at=clock.now() - timedelta(days=30))])
    alice = sign_in(people.alice)
    assert alice.get("/usage").status_code == 200
    calls, failed, median, today = figures_on(alice.page)
    assert calls == "1,206 calls this month"
    assert failed == "0.5 % failed, 6 calls"
    assert median == "200 ms median, 3.0 ms of it ours; 95 % within 200 ms"
    assert today == "0 / 1,000 today, 1,000 left 60 of 60 left this minute"
    assert "15 " in alice.page and ": 6 calls, 6 failed" in alice.page
    for words in ("xero_list_invoices", "Alice", "Claude", "No answer in time", "calls a minute"):
        assert words in alice.page


def test_a_workspace_without_calls_is_told_what_to_do(people, sign_in):
    alice = sign_in(people.alice)
    alice.get("/usage")
    assert "No calls this month" in alice.page and "/ai-clients" in alice.page
    alice.get("/usage?tool=nothing_of_this_name")
    assert "fits these filters" in alice.page


@both_databases
def test_nothing_of_another_workspace_is_ever_counted_or_named(people, sign_in, write):
    write(
        [
            *some_calls(7, 60),
            *some_calls(
                8,
                60,
                workspace_id="wsp_contoso",
                user_id="usr_charlie",
                tool="stripe_secret_tool",
                slug="stripe",
            ),
        ]
    )
    for _ in range(2):
        alice = sign_in(people.alice)
        paths = (
            "/usage?period=90d",
            "/usage/calls.csv?period=90d",
            "/usage?period=90d&member=usr_charlie",
            "/usage/calls.csv?member=usr_charlie",
        )
        for path in (
            *paths,
            *(
                f"/usage/table.csv?period=90d&by={kind}"
                for kind in ("tool", "member", "client", "outcome", "day")
            ),
        ):
            text = alice.get(path).get_data(as_text=True)
            assert "stripe_secret_tool" not in text and "harlie@" not in text and "Charlie" not in text, path
        assert len(read_csv(alice.get("/usage/calls.csv?period=90d"))) == 60
        assert read_csv(alice.get("/usage/calls.csv?period=90d&member=usr_charlie")) == []
        rollup.run()
    assert len(read_csv(sign_in(people.charlie).get("/usage/calls.csv?period=90d"))) == 60


@both_databases
def test_a_plain_member_sees_their_own_calls_and_an_owner_all(people, sign_in, write):
    write(
        [
            a_call(user_id="usr_alice", tool="xero_get_contact"),
            a_call(user_id="usr_bob", tool="xero_list_quotes"),
        ]
    )
    bob = sign_in(people.bob)
    bob.get("/usage")
    assert "xero_list_quotes" in bob.page and "xero_get_contact" not in bob.page
    assert "By member" not in bob.page and 'name="member"' not in bob.page
    assert figures_on(bob.page)[0] == "1 call this month"
    bob.get("/usage?member=usr_alice")
    assert "xero_get_contact" not in bob.page
    assert [line["tool"] for line in read_csv(bob.get("/usage/calls.csv?member="))] == ["xero_list_quotes"]
    assert bob.get("/usage/table.csv?by=member").status_code == 400
    with database.transaction() as db:
        db.get(Membership, ("wsp_northwind", "usr_bob")).role = "admin"
    bob.get("/usage")
    assert "xero_get_contact" in bob.page and "By member" in bob.page


def test_filters_narrow_the_whole_page(people, sign_in, write):
    write(
        [
            a_call(),
            a_call(
                tool="gmail_search_messages",
                slug="gmail",
                client_name="Cursor",
                outcome="TIMEOUT",
                user_id="usr_bob",
            ),
        ]
    )
    alice = sign_in(people.alice)
    for query in (
        "tool=gmail_search_messages",
        "connector=gmail",
        "client=Cursor",
        "outcome=TIMEOUT",
        "outcome=failed",
        "member=usr_bob",
    ):
        alice.get(f"/usage?{query}")
        assert figures_on(alice.page)[0] == "1 call this month", query
        assert "Clear the filters" in alice.page
        value = query.partition("=")[2]
        assert f'value="{value}" selected' in alice.page
        (line,) = read_csv(alice.get(f"/usage/calls.csv?{query}"))
        assert line["tool"] == "gmail_search_messages"
        (line,) = read_csv(alice.get(f"/usage/table.csv?by=tool&{query}"))
        assert (line["tool"], line["calls"], line["failed"]) == ("gmail_search_messages", "1", "1")


def test_htmx_gets_the_part_that_changes(people, sign_in, write):
    write([a_call()])
    alice = sign_in(people.alice)
    answer = alice.get("/usage?period=7d", headers={"HX-Request": "true"})
    assert answer.get_data(as_text=True).startswith('<div id="usage">')
    assert "HX-Request" in answer.headers["Vary"]
    assert alice.get("/usage/limits").get_data(as_text=True).startswith('<div class="card stat" id="limits"')


@pytest.mark.parametrize("query", ["period=yesterday", "tool=a%00b", "client=" + "a" * 400, "member=a%0ab"])
def test_a_filter_nothing_can_have_is_refused_with_a_sentence(people, sign_in, query):
    alice = sign_in(people.alice)
    for path in ("/usage", "/usage/calls.csv", "/usage/table.csv"):
        answer = alice.get(f"{path}?{query}&by=tool")
        assert answer.status_code == 400 and "usage page" in alice.page
    assert alice.get("/usage").status_code == 200


def test_a_table_that_does_not_exist_is_refused(people, sign_in):
    assert sign_in(people.alice).get("/usage/table.csv?by=password").status_code == 400


@both_databases
def test_the_file_has_every_call_newest_first(people, sign_in, write, monkeypatch):
    monkeypatch.setattr(calls_log, "_STRETCH", 50)
    calls = write(some_calls(9, 230))
    rollup.run()
    calls += write(some_calls(10, 20))
    lines = read_csv(sign_in(people.alice).get("/usage/calls.csv?period=90d"))
    assert [int(line["call_id"]) for line in lines] == sorted((call.id for call in calls), reverse=True)
    first = max(calls, key=lambda call: call.id)
    assert lines[0]["member"] == f"{first.user_id.removeprefix('usr_')}@example.com"
    assert lines[0]["time_utc"] == f"{first.at:%Y-%m-%dT%H:%M:%S.%fZ}"
    assert float(lines[0]["own_ms"]) == pytest.approx(first.total_ms - first.upstream_ms, abs=0.06)


@pytest.mark.parametrize(
    "name",
    ["=HYPERLINK(1)", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "=cmd|' /C calc'!A0", "\uff1d1"],
)
def test_no_cell_can_become_a_formula(people, sign_in, write, name):
    write([a_call(client_name=name, upstream_endpoint=name, tool=name)])
    alice = sign_in(people.alice)
    (line,) = read_csv(alice.get("/usage/calls.csv"))
    assert line["ai_client"] == line["upstream_endpoint"] == line["tool"] == "'" + name
    (line,) = read_csv(alice.get("/usage/table.csv?by=client"))
    assert line["ai_client"] == "'" + name


def test_an_ordinary_cell_stays_as_it_is(people, sign_in, write):
    write([a_call(client_name='Claude, "the" client', upstream_endpoint="GET /invoices/{id}")])
    (line,) = read_csv(sign_in(people.alice).get("/usage/calls.csv"))
    assert (line["ai_client"], line["upstream_endpoint"]) == ('Claude, "the" client', "GET /invoices/{id}")


@both_databases
def test_no_connection_is_held_while_the_reader_of_a_file_dawdles(people, sign_in, write, monkeypatch):
    monkeypatch.setattr(calls_log, "_STRETCH", 10)
    write([a_call() for _ in range(45)])
    alice = sign_in(people.alice)
    answer = alice.client.get("/usage/calls.csv", buffered=False)
    parts = answer.iter_encoded()
    for _ in range(3):
        next(parts)
        assert database.current().engine.pool.checkedout() == 0
    answer.close()


@both_databases
def test_a_download_ends_when_the_right_to_it_does(people, sign_in, write, monkeypatch):
    monkeypatch.setattr(calls_log, "_STRETCH", 10)
    write([a_call(user_id="usr_alice") for _ in range(45)])
    with database.transaction() as db:
        db.get(Membership, ("wsp_northwind", "usr_bob")).role = "admin"
    bob = sign_in(people.bob)
    answer = bob.client.get("/usage/calls.csv", buffered=False)
    parts = answer.iter_encoded()
    assert next(parts) and next(parts)
    with database.transaction() as db:
        db.get(Membership, ("wsp_northwind", "usr_bob")).role = "member"
    with pytest.raises(exporting.Forbidden):
        next(parts)
    answer.close()
    assert read_csv(bob.get("/usage/calls.csv")) == []


def test_only_a_few_files_are_sent_at_once(people, sign_in, write):
    write([a_call()])
    alice = sign_in(people.alice)
    waiting = [alice.client.get("/usage/calls.csv", buffered=False) for _ in range(exporting._AT_ONCE)]
    refused = alice.get("/usage/calls.csv")
    assert refused.status_code == 429 and refused.headers["Retry-After"] == "30"
    for answer in waiting:
        answer.close()
        answer.close()
    assert len(read_csv(alice.get("/usage/calls.csv"))) == 1
    assert len([alice.get("/usage/calls.csv") for _ in range(10)]) == 10


@both_databases
def test_what_is_left_of_the_limits_is_exact_and_looking_counts_nothing(people, sign_in, noon):
    limits = limits_of("free")
    for _ in range(7):
        ledger.admit("wsp_northwind", limits)
    ledger.admit("wsp_contoso", limits)
    alice = sign_in(people.alice)
    for _ in range(2):
        assert alice.get("/usage/limits").status_code == 200
        alice.get("/usage")
        assert figures_on(alice.page)[3] == "7 / 1,000 today, 993 left 53 of 60 left this minute"
    clock.shift(timedelta(minutes=1))
    alice.get("/usage")
    assert figures_on(alice.page)[3] == "7 / 1,000 today, 993 left 60 of 60 left this minute"


def test_an_operators_change_of_limits_shows_at_once(people, sign_in, noon):
    alice = sign_in(people.alice)
    for tier, per_day, words in (
        ("pro", None, "0 / 50,000 today"),
        ("enterprise", None, "0 today, without a daily limit"),
        ("free", 3, "0 / 3 today"),
    ):
        with database.transaction() as db:
            workspace = db.get(Workspace, "wsp_northwind")
            workspace.tier, workspace.per_day = tier, per_day
        alice.get("/usage")
        assert figures_on(alice.page)[3].startswith(words)
        assert f"{tier} tier" in alice.page
    for _ in range(3):
        ledger.admit("wsp_northwind", limits_of("free", None, 3))
    alice.get("/usage")
    assert "Nothing is left: the count starts again at midnight UTC" in alice.page


@pytest.mark.needs_redis
def test_with_redis_what_is_left_is_read_where_it_is_counted(environ, request, redis_of_its_own):
    environ["REDIS_URL"] = redis_of_its_own
    people, sign_in = request.getfixturevalue("people"), request.getfixturevalue("sign_in")
    request.getfixturevalue("noon")
    for _ in range(5):
        ledger.admit("wsp_northwind", limits_of("free"))
    alice = sign_in(people.alice)
    for _ in range(2):
        alice.get("/usage")
        assert figures_on(alice.page)[3] == "5 / 1,000 today, 995 left 55 of 60 left this minute"
    assert ledger.current().spent("wsp_contoso").day == 0


def test_without_an_answer_of_redis_the_database_says(people, sign_in, noon, app):
    away = ledger.Ledger("redis://127.0.0.1:1/0")
    away.admit("wsp_northwind", limits_of("free"))
    assert (away.spent("wsp_northwind").minute, away.spent("wsp_northwind").day) == (1, 1)


def test_a_call_shows_up_at_once(people, sign_in):
    call = Call(
        at=clock.now(),
        workspace_id="wsp_northwind",
        user_id="usr_alice",
        grant_id="g",
        tool="memory_list",
        outcome="ok",
        total_ms=1.2,
    )
    alice = sign_in(people.alice)
    ledger.record(call)
    alice.get("/usage")
    assert figures_on(alice.page)[0] == "1 call this month"
    assert "memory_list" in alice.page and "just now" in alice.page.lower()


@pytest.mark.parametrize("period", ["today", "7d", "28d", "90d", "month", "last-month", "12m"])
def test_the_chart_tells_in_a_table_what_it_draws(people, sign_in, noon, write, period):
    write(some_calls(11, 120, days=70))
    alice = sign_in(people.alice)
    alice.get(f"/usage?period={period}")
    lines = read_csv(alice.get(f"/usage/table.csv?by=day&period={period}"))
    drawn = re.findall(r"<title>([^<]*calls?[^<]*)</title>", alice.page)
    assert len(drawn) == len(lines) == {"90d": 90, "12m": 53, "last-month": 31}.get(period, 28)
    assert sum(int(line["calls"]) for line in lines) == sum(
        int(re.search(r"([\d,]+) calls?", title)[1]) for title in drawn
    )
    assert ' style="' not in alice.page
