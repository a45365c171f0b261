"""Usage of all workspaces: page and billing file agree with a naive count, and only operators see them."""

import csv
import html
import io
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import event

from app import clock, database
from app.usage import figures, rollup, scheduler
from app.usage.models import CallRow
from app.workspaces.models import Workspace
from tests.conftest import both_databases

pytestmark = pytest.mark.usefixtures("early")  # no month ends during a test
TOOLS = ("xero_list_invoices", "gmail_send_email", "hub_list_connections")
OUTCOMES = ("ok", "ok", "ok", "PROVIDER_ERROR", "APPROVAL_NEEDED")


def call(workspace_id, days_ago, tool="xero_list_invoices", outcome="ok", total_ms=12.5):
    return CallRow(
        at=clock.now() - timedelta(days=days_ago),
        workspace_id=workspace_id,
        user_id="usr_alice",
        grant_id="grt_1",
        client_name="Claude",
        tool=tool,
        slug=tool.split("_")[0],
        outcome=outcome,
        total_ms=total_ms,
    )


def store(calls):
    with database.transaction() as db:
        db.add_all(calls)


@pytest.fixture
def stored(app, people):
    """Calls of two companies over a year, most of them rolled up and some not; more than a year ago too."""
    made = [
        call(("wsp_northwind", "wsp_contoso")[n % 2], n * 4, TOOLS[n % 3], OUTCOMES[n % 5], float(n))
        for n in range(120)
    ]
    expected = [(each.at, each.workspace_id, each.tool, each.outcome, each.total_ms) for each in made]
    store(made[:80])
    scheduler.add_up()
    store(made[80:])
    return expected


def lines(answer):
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))


def naive(stored, months, workspace=""):
    """Calls per month, workspace, tool and outcome, counted one by one."""
    return Counter(
        (f"{at:%Y-%m}", where, tool, outcome)
        for at, where, tool, outcome, _ms in stored
        if f"{at:%Y-%m}" in months and workspace in {"", where}
    )


def last_months(count):
    month, found = clock.now().replace(day=1), []
    for _ in range(count):
        found.append(f"{month:%Y-%m}")
        month = (month - timedelta(days=1)).replace(day=1)
    return found


def counted(rows):
    return {(r["month"], r["workspace_id"], r["tool"], r["outcome"]): int(r["calls"]) for r in rows}


@both_databases
def test_the_file_equals_a_naive_count(dana, stored):
    answer = dana.get("/admin/usage.csv")
    assert answer.status_code == 200 and answer.mimetype == "text/csv"
    rows = lines(answer)
    assert counted(rows) == naive(stored, last_months(12)) and len(rows) > 60
    assert list(rows[0]) == [
        *("month", "workspace_id", "workspace", "tier", "tool", "outcome", "calls", "total_ms")
    ]
    assert {(r["workspace_id"], r["workspace"], r["tier"]) for r in rows} == {
        ("wsp_northwind", "Northwind", "free"),
        ("wsp_contoso", "Contoso", "free"),
    }
    months = last_months(12)
    spent = sum(ms for at, _where, _tool, _outcome, ms in stored if f"{at:%Y-%m}" in months)
    assert sum(float(r["total_ms"]) for r in rows) == pytest.approx(spent)


@both_databases
def test_a_month_and_a_workspace_are_filters_of_both(dana, stored):
    month = last_months(3)[-1]
    query = f"month={month}&workspace=wsp_contoso"
    expected = naive(stored, [month], "wsp_contoso")
    assert expected
    assert counted(lines(dana.get(f"/admin/usage.csv?{query}"))) == expected
    dana.get(f"/admin/usage?{query}")
    assert "Usage of Contoso" in dana.page
    for (_month, _where, tool, _outcome), _calls in expected.items():
        assert tool in dana.page


@both_databases
def test_the_page_adds_up_to_the_file(dana, stored):
    dana.get("/admin/usage")
    by_workspace = Counter()
    for (_month, where, _tool, _outcome), calls in naive(stored, last_months(12)).items():
        by_workspace[where] += calls
    for where, calls in by_workspace.items():
        row = dana.page.split(f"<code>{where}</code>")[1].split("</tr>")[0]
        assert f'data-label="Calls">{calls}</td>' in row
    assert 'role="img" aria-label="Calls per month. ' in dana.page


@both_databases
def test_a_roll_up_while_the_file_is_read_counts_no_call_twice(dana, stored, monkeypatch):
    mark_in = figures.rollup.mark_in

    def overtaken(db):
        found = mark_in(db)
        monkeypatch.setattr(figures.rollup, "mark_in", mark_in)
        with ThreadPoolExecutor(1) as other_process:
            other_process.submit(rollup.run).result()
        return found

    monkeypatch.setattr(figures.rollup, "mark_in", overtaken)
    assert counted(lines(dana.get("/admin/usage.csv"))) == naive(stored, last_months(12))


def test_no_cell_becomes_a_formula(dana, people):
    with database.transaction() as db:
        db.get(Workspace, "wsp_contoso").name = '=HYPERLINK("https://evil.example")'
    store([call("wsp_contoso", 0)])
    [row] = lines(dana.get("/admin/usage.csv"))
    assert row["workspace"].startswith("'=")


def test_the_number_of_queries_does_not_grow_with_workspaces(dana, people):
    def queries_of_page():
        statements, engine = [], database.current().engine

        def note(_connection, _cursor, statement, *_rest):
            statements.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        dana.get("/admin/usage")
        event.remove(engine, "before_cursor_execute", note)
        return len(statements)

    store([call("wsp_contoso", 0)])
    before = queries_of_page()
    with database.transaction() as db:
        db.add_all(Workspace(id=f"wsp_{n}", name=f"Company {n}", created_at=clock.now()) for n in range(40))
    store([call(f"wsp_{n}", 1) for n in range(40)])
    assert queries_of_page() == before
    assert dana.page.count('data-label="Share"') == 20, "the most, not all"


@pytest.mark.parametrize("query", ["month=2019-01", "month=soon", "workspace=wsp_unknown"])
def test_a_wrong_filter_is_a_sentence(dana, query):
    answer = dana.get(f"/admin/usage?{query}")
    assert answer.status_code == 422 and 'role="alert"' in answer.text
    assert dana.get("/admin/usage").status_code == 200


def test_without_calls_it_says_so(dana):
    assert "No calls in the last 12 months." in dana.get("/admin/usage").text


@pytest.mark.parametrize("path", ["/admin/usage", "/admin/usage.csv"])
def test_to_everybody_else_it_does_not_exist(people, sign_in, path):
    assert sign_in(people.alice).get(path).status_code == 404
    assert sign_in(people.dana).get(path).status_code == 200


# --- what a workspace used: by service, member and day ---


@pytest.fixture
def of_two_people(app, people):
    """Some rolled up and some not: alice and bob in Northwind, charlie in Contoso, one built-in tool."""
    made = []
    for n in range(60):
        each = call(("wsp_northwind", "wsp_contoso")[n % 3 == 0], n, TOOLS[n % 2], OUTCOMES[n % 5])
        each.user_id = "usr_charlie" if n % 3 == 0 else ("usr_alice", "usr_bob")[n % 2]
        made.append(each)
    made[7].slug = ""
    facts = [
        (f"{e.at:%Y-%m}", e.workspace_id, e.slug, e.user_id, f"{e.at:%Y-%m-%d}", e.outcome) for e in made
    ]
    store(made[:40])
    scheduler.add_up()
    store(made[40:])
    return facts


@both_databases
@pytest.mark.parametrize(
    ("by", "column", "place"), [("service", "service", 2), ("member", "member_id", 3), ("day", "day", 4)]
)
def test_the_file_breaks_down_by_service_member_or_day(dana, of_two_people, by, column, place):
    rows = lines(dana.get(f"/admin/usage.csv?by={by}"))
    expected = Counter((fact[0], fact[1], fact[place]) for fact in of_two_people)
    failed = sum(fact[5] not in {"ok", "APPROVAL_NEEDED"} for fact in of_two_people)
    assert {(r["month"], r["workspace_id"], r[column]): int(r["calls"]) for r in rows} == expected
    assert sum(int(r["failed"]) for r in rows) == failed > 0
    assert {r["workspace"] for r in rows} == {"Northwind", "Contoso"}
    if by == "member":
        assert {r["member"] for r in rows} == {"alice@example.com", "bob@example.com", "charlie@example.com"}


@both_databases
def test_the_page_shows_the_chosen_breakdown_of_a_workspace(dana, of_two_people):
    for by, words in [
        ("service", ("Xero", "Gmail", "Built-in tools")),
        ("member", ("alice@example.com", "bob@example.com")),
        ("day", [fact[4] for fact in of_two_people if fact[1] == "wsp_northwind"]),
    ]:
        answer = dana.get(f"/admin/usage?workspace=wsp_northwind&by={by}")
        table = dana.page.partition(f'aria-label="Calls by {by}"')[2].partition("</table>")[0]
        assert answer.status_code == 200 and all(word in table for word in words), by
        assert "charlie@example.com" not in table
        assert f"/admin/usage.csv?month=&workspace=wsp_northwind&by={by}" in html.unescape(dana.page)


def test_no_cell_of_a_breakdown_is_a_formula(dana, people, of_two_people):
    with database.transaction() as db:
        db.get(Workspace, people.northwind.id).name = "=HYPERLINK(1)"
    for by in ("service", "member", "day"):
        names = {r["workspace"] for r in lines(dana.get(f"/admin/usage.csv?by={by}"))}
        assert "'=HYPERLINK(1)" in names and "=HYPERLINK(1)" not in names


@pytest.mark.parametrize("by", ["client", "DAY", "user_id", "';--", "outcome"])
def test_another_breakdown_is_refused(dana, of_two_people, by):
    assert dana.get("/admin/usage", query_string={"by": by}).status_code == 422
    assert "Choose a breakdown" in dana.page
    assert dana.get("/admin/usage.csv", query_string={"by": by}).status_code == 400
