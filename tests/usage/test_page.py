"""The usage page: what a person reads there, whose calls they are, and its files."""

import csv
import io
import re
from datetime import timedelta

import pytest

from app import clock, database
from app.usage import calls_log, charts, exporting, ledger, periods, scheduler
from app.usage.models import Call
from app.usage.tiers import limits_of
from app.workspaces.models import Membership, Workspace
from tests.conftest import both_databases
from tests.usage.conftest import a_call, some_calls

pytestmark = pytest.mark.usefixtures("noon")


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


@both_databases
def test_the_tiles_compare_the_month_with_the_days_before_it(people, sign_in, write):
    yesterday, last_month = clock.now() - timedelta(days=1), clock.now() - timedelta(days=31)
    write([a_call(at=yesterday) for _ in range(1_200)])
    write([a_call(at=last_month, total_ms=400, upstream_ms=390) for _ in range(603)])
    scheduler.add_up()
    write([a_call(outcome="TIMEOUT", total_ms=900, upstream_ms=890) for _ in range(6)])
    write([a_call(at=clock.now() - timedelta(days=20), total_ms=9_000) for _ in range(50)])  # in neither
    alice = sign_in(people.alice)
    assert alice.get("/usage").status_code == 200
    dates = periods.find("month").before.dates
    calls, rate, median, today = figures_on(alice.page)
    assert calls == f"Calls this month 1,206 +100% vs {dates}"
    assert rate == f"Success rate 99.5% 6 failed −0.5 pts vs {dates}"
    assert median == f"Median time 200 ms 3.0 ms Patchbay overhead −50% vs {dates}"
    assert today == "Calls today (UTC) 0 / 1,000 1,000 left today 60 of 60 left this minute"
    assert "15 " in alice.page and ": 6 calls, 6 failed" in alice.page


def test_without_calls_before_there_is_nothing_to_compare_with(people, sign_in, write):
    write([a_call()])
    alice = sign_in(people.alice)
    alice.get("/usage")
    dates = periods.find("month").before.dates
    assert figures_on(alice.page)[0] == f"Calls this month 1 No calls {dates}"


def test_calls_before_are_not_denied_because_there_are_none_now(people, sign_in, write):
    write([a_call(at=clock.now() - timedelta(days=1)) for _ in range(3)])
    alice = sign_in(people.alice)
    alice.get("/usage?period=today")
    dates = periods.find("today").before.dates
    calls, rate, median, _ = figures_on(alice.page)
    assert calls == f"Calls today 0 −100% vs {dates}"
    assert (rate, median) == ("Success rate – 0 failed", "Median time –")


def test_each_breakdown_is_a_view_of_its_own(people, sign_in, write):
    write(
        [a_call(), a_call(tool="memory_search", slug="", upstream_ms=0.0, outcome="TIMEOUT", client_name="")]
    )
    alice = sign_in(people.alice)
    for view, words in {
        "": ("List Xero invoices", "xero_list_invoices", "Search notes", "95th percentile"),
        "connector": ("Xero", "Built in", "95th percentile"),
        "client": ("Claude", "Unnamed client"),
        "member": ("Alice",),
        "outcome": ("Timed out", "TIMEOUT", "Share of errors"),
        "latest": ("API call", "Just now", "Timed out"),
        "nonsense": ("Search notes",),
    }.items():
        alice.get(f"/usage?view={view}")
        table = alice.page.split('id="breakdown"')[1]
        assert [each for each in words if each not in table] == [], view
        assert alice.page.count('aria-current="page"') == 2, view  # the navigation, and the view


def test_a_table_is_sorted_by_the_chosen_column(people, sign_in, write):
    write(
        [a_call(tool="quick"), a_call(tool="quick"), a_call(tool="slow", total_ms=9_000, outcome="TIMEOUT")]
    )
    alice = sign_in(people.alice)
    for sort, order in {
        "": "quick slow",
        "p95": "slow quick",
        "failed": "slow quick",
        "x": "quick slow",
    }.items():
        alice.get(f"/usage?sort={sort}")
        assert re.findall(r'"mono hint">(\w+)', alice.page) == order.split(), sort
    assert alice.page.count("aria-sort") == 1


def test_a_long_table_begins_with_twenty_rows(people, sign_in, write):
    write([a_call(tool=f"tool_{number:02}") for number in range(31)])
    alice = sign_in(people.alice)
    alice.get("/usage")
    assert alice.page.count('"mono hint">tool_') == 20 and "Show all 31" in alice.page
    alice.get("/usage?rows=all")
    assert alice.page.count('"mono hint">tool_') == 31 and "Show all" not in alice.page


@both_databases
def test_the_number_of_queries_does_not_depend_on_what_there_is(people, sign_in, write, statements):
    alice = sign_in(people.alice)

    def queries(path):
        alice.get(path)
        with statements() as made:
            assert alice.get(path).status_code == 200
        return len(made)

    write([a_call()])
    paths = [f"/usage?period=12m&view={view}" for view in ("tool", "member", "latest")]
    few = [queries(path) for path in paths]
    write([a_call(tool=f"tool_{n}", client_name=f"client {n}") for n in range(40)])
    write(some_calls(12, 300, days=300))
    scheduler.add_up()
    write(some_calls(13, 30))
    assert [queries(path) for path in paths[:2]] == few[:2]
    # The list of latest calls also looks behind the mark, among the rows that are in tallies.
    assert queries(paths[2]) <= few[2] + 2


def test_a_workspace_without_calls_is_told_what_to_do(people, sign_in):
    alice = sign_in(people.alice)
    alice.get("/usage")
    assert "No calls this month" in alice.page and "Connect an AI client" in alice.page
    alice.get("/usage?tool=nothing_of_this_name")
    assert "match these filters" in alice.page


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
                for kind in ("tool", "connector", "member", "client", "outcome", "day")
            ),
        ):
            text = alice.get(path).get_data(as_text=True)
            assert "stripe_secret_tool" not in text and "harlie@" not in text and "Charlie" not in text, path
        assert len(read_csv(alice.get("/usage/calls.csv?period=90d"))) == 60
        assert read_csv(alice.get("/usage/calls.csv?period=90d&member=usr_charlie")) == []
        scheduler.add_up()
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
    assert "Members" not in bob.page and 'name="member"' not in bob.page
    assert figures_on(bob.page)[0].startswith("Calls this month 1 ")
    bob.get("/usage?view=member")
    assert "Alice" not in bob.page and 'aria-current="page">Tools' in bob.page
    bob.get("/usage?member=usr_alice")
    assert "xero_get_contact" not in bob.page
    assert [line["tool"] for line in read_csv(bob.get("/usage/calls.csv?member="))] == ["xero_list_quotes"]
    assert bob.get("/usage/table.csv?by=member").status_code == 400
    with database.transaction() as db:
        db.get(Membership, ("wsp_northwind", "usr_bob")).role = "admin"
    bob.get("/usage")
    assert "xero_get_contact" in bob.page and "Members" in bob.page


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
        assert figures_on(alice.page)[0].startswith("Calls this month 1 "), query
        assert "Clear filters" in alice.page
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
    scheduler.add_up()
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
def test_what_is_left_of_the_limits_is_exact_and_looking_counts_nothing(people, sign_in):
    limits = limits_of("free")
    for _ in range(7):
        ledger.admit("wsp_northwind", limits)
    ledger.admit("wsp_contoso", limits)
    alice = sign_in(people.alice)
    for _ in range(2):
        assert alice.get("/usage/limits").status_code == 200
        alice.get("/usage")
        assert (
            figures_on(alice.page)[3]
            == "Calls today (UTC) 7 / 1,000 993 left today 53 of 60 left this minute"
        )
    clock.shift(timedelta(minutes=1))
    alice.get("/usage")
    assert figures_on(alice.page)[3] == "Calls today (UTC) 7 / 1,000 993 left today 60 of 60 left this minute"


def test_an_operators_change_of_limits_shows_at_once(people, sign_in):
    alice = sign_in(people.alice)
    for tier, per_day, words in (
        ("pro", None, "Calls today (UTC) 0 / 50,000 "),
        ("enterprise", None, "Calls today (UTC) 0 No daily limit"),
        ("free", 3, "Calls today (UTC) 0 / 3 "),
    ):
        with database.transaction() as db:
            workspace = db.get(Workspace, "wsp_northwind")
            workspace.tier, workspace.per_day = tier, per_day
        alice.get("/usage")
        assert figures_on(alice.page)[3].startswith(words)
        assert f"{tier.capitalize()} tier" in alice.page
    for _ in range(3):
        ledger.admit("wsp_northwind", limits_of("free", None, 3))
    alice.get("/usage")
    assert "Daily limit reached. Resets at midnight UTC" in alice.page


@pytest.mark.needs_redis
def test_with_redis_what_is_left_is_read_where_it_is_counted(environ, request, redis_of_its_own):
    environ["REDIS_URL"] = redis_of_its_own
    people, sign_in = request.getfixturevalue("people"), request.getfixturevalue("sign_in")
    for _ in range(5):
        ledger.admit("wsp_northwind", limits_of("free"))
    alice = sign_in(people.alice)
    for _ in range(2):
        alice.get("/usage")
        assert (
            figures_on(alice.page)[3]
            == "Calls today (UTC) 5 / 1,000 995 left today 55 of 60 left this minute"
        )
    assert ledger.current().spent("wsp_contoso").day == 0


def test_without_an_answer_of_redis_the_database_says(people, sign_in, app):
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
    assert figures_on(alice.page)[0].startswith("Calls this month 1 ") and "memory_list" in alice.page
    alice.get("/usage?view=latest")
    assert "List notes" in alice.page and "Just now" in alice.page


@pytest.mark.parametrize("period", ["today", "7d", "28d", "90d", "month", "last-month", "12m"])
def test_the_chart_tells_in_a_table_what_it_draws(people, sign_in, write, period):
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


def test_the_chart_has_a_scale_with_its_numbers(people, sign_in, write):
    write([a_call() for _ in range(137)])
    alice = sign_in(people.alice)
    alice.get("/usage?period=7d")
    scale = alice.page.split('class="chart-scale"')[1].split("</svg>")[0]
    assert re.findall(r"<text[^>]*>([\d,]+)</text>", scale) == ["0", "50", "100", "150"]
    assert all(words in alice.page for words in ("Succeeded</li>", "Failed</li>", "Before this period</li>"))
    heights = [
        float(each)
        for each in re.findall(r'class="bar" x="[^"]+" y="[^"]+" width="[^"]+" height="([\d.]+)"', alice.page)
    ]
    assert heights == [pytest.approx(charts.HEIGHT * 137 / 150, abs=0.01)]


def test_what_is_tried_in_the_browser_is_a_client_like_others(people, sign_in, write):
    write([a_call(client_name="Tried in Patchbay"), a_call()])
    alice = sign_in(people.alice)
    alice.get("/usage?view=client&client=Tried+in+Patchbay")
    assert figures_on(alice.page)[0].startswith("Calls this month 1 ")
    assert '<option value="Tried in Patchbay" selected>' in alice.page
