"""The page of the trail: who sees what, filters, paging, files, and the button that verifies."""

import csv
import io
import json
import re

import pytest

from app import audit, clock, database
from app.activity import sealing
from app.connectors.services import services_of
from tests.conftest import both_databases
from tests.support.databases import ROOT


def test_strangers_sign_in_first(visitor):
    assert visitor.get("/activity").headers["Location"] == "/login?next=/activity"


def test_with_nothing_done_it_says_what_to_do(alice):
    assert "No activity yet" in alice.get("/activity").text and "Connect a service" in alice.page


def test_acts_are_told_in_plain_sentences(alice, write):
    write("connection.connected", slug="xero", account="Demo Company (AU)")
    write(
        "connection.permission_changed",
        slug="xero",
        account="Demo Company (AU)",
        before="read",
        level="write",
    )
    write(
        "tool.called",
        tool="xero_create_invoice",
        title="Create an invoice",
        slug="xero",
        client="Claude",
        outcome="ok",
        arguments={},
    )
    write("member.removed", subject="usr_bob", role="member")
    write("parrot.fed", subject="prt_1", seeds=3)
    page = alice.get("/activity").text
    for sentence in (
        "Alice connected Xero: Demo Company (AU)",
        "Alice set Xero: Demo Company (AU) to read and write",
        "Claude used “Create an invoice” in Xero for Alice",
        "Alice removed Bob from the workspace",
        "Alice: parrot fed",
    ):
        assert sentence in page
    assert "<dt>Seeds</dt><dd>3</dd>" in page


def test_owners_see_everybody_and_members_themselves(sign_in, people, alice, write):
    write("connection.connected", slug="xero", account="Books")
    write("connection.disconnected", user="usr_bob", slug="stripe", account="Shop")
    write("person.password_changed", workspace=None, user="usr_bob")
    write("connection.connected", workspace="wsp_contoso", user="usr_charlie", slug="gmail")
    page = alice.get("/activity").text
    assert (
        "Alice connected Xero" in page
        and "Bob disconnected Stripe" in page
        and "Charlie" not in page
        and "password" not in page
    )
    bob = sign_in(people.bob).get("/activity").text
    assert (
        "Bob disconnected Stripe" in bob
        and "Bob changed their password" in bob
        and "Alice" not in bob
        and "Verify" not in bob
    )
    assert "Charlie connected Gmail" in sign_in(people.charlie).get("/activity").text
    for path in (
        "/activity?person=usr_alice",
        "/activity/trail.csv?person=usr_alice",
        "/activity/trail.jsonl",
    ):
        assert "Alice" not in sign_in(people.bob).get(path).text


def without_tokens(page):
    """A random token may hold any short word."""
    return re.sub(r'csrf_token"[^>]*value="[^"]+"|nonce="[^"]+"', "", page)


def test_an_operator_who_is_no_member_is_not_named(alice, write, people):
    write("workspace.limits_changed", user="usr_dana")
    assert (
        "The operator changed the workspace limits" in alice.get("/activity").text
        and "dana" not in without_tokens(alice.page).lower()
    )


def test_it_is_filtered_by_person_kind_and_days(alice, write):
    write("connection.connected", slug="xero", account="Books")
    write("tool.called", user="usr_bob", tool="x", title="Send it", slug="", client="Claude", outcome="ok")
    assert "Send it" not in alice.get("/activity?person=usr_alice").text and "Books" in alice.page
    assert "Books" not in alice.get("/activity?kind=tools").text and "Send it" in alice.page
    assert "No matches" in alice.get("/activity?until=2020-01-01").text
    assert "Books" in alice.get("/activity?since=2020-01-01&kind=nonsense").text
    assert "Books" not in alice.get("/activity?person=usr_charlie").text


@pytest.mark.parametrize(
    "query", ["since=yesterday", "until=2020-13-01", "since=0001-01-01", "since=2026-02-02&until=2026-02-01"]
)
def test_a_day_that_is_none_is_said(alice, write, query):
    write("connection.connected", slug="xero", account="Books")
    answer = alice.get(f"/activity?{query}")
    assert answer.status_code == 400 and 'role="alert"' in answer.text and "Books" in answer.text
    assert alice.get(f"/activity/trail.csv?{query}").status_code == 400


def test_it_goes_on_without_gaps_or_repeats(alice, write):
    with database.transaction() as db:
        for number in range(120):
            audit.record(
                db, "parrot.fed", workspace_id="wsp_northwind", user_id="usr_alice", number=f"n{number:03}"
            )
    seen, path = [], "/activity?kind="
    while path:
        page = alice.get(path).text
        seen += [line.split("<")[0] for line in page.split("<dt>Number</dt><dd>")[1:]]
        path = (
            page.split('activity-more"><a class="button" href="')[1].split('"')[0].replace("&amp;", "&")
            if "activity-more" in page
            else ""
        )
    assert seen == [f"n{number:03}" for number in reversed(range(120))]
    fragment = alice.get("/activity?behind=1-1", headers={"HX-Request": "true"}).text
    assert "<html" not in fragment
    assert alice.get("/activity?behind=nonsense").status_code == 200


def test_the_files_hold_what_the_page_shows(alice, write):
    write("connection.renamed", slug="xero", account="=HYPERLINK(1)", label="@home")
    write("tool.called", user="usr_bob", tool="x", title="Send it", slug="", client="Claude", outcome="ok")
    answer = alice.get("/activity/trail.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert (
        answer.headers["Content-Disposition"].startswith("attachment;")
        and "no-store" in answer.headers["Cache-Control"]
    )
    assert [row["action"] for row in rows] == ["tool.called", "connection.renamed"]
    assert rows[1]["what"].startswith("Alice renamed Xero: =HYPERLINK(1)") and rows[1]["entry"] == "1"
    records = [
        json.loads(line) for line in alice.get("/activity/trail.jsonl?kind=connections").text.splitlines()
    ]
    assert [(each["seq"], each["person"], each["details"]["label"]) for each in records] == [
        (1, "Alice", "@home")
    ]


def test_no_cell_is_a_formula(alice, write, people):
    with database.transaction() as db:
        db.merge(people.alice).name = "=1+1"
    write("connection.renamed", subject="-2")
    for row in csv.reader(io.StringIO(alice.get("/activity/trail.csv").text)):
        assert not [each for each in row if each[:1] in {"=", "+", "-", "@"}]


def test_files_are_written_lot_by_lot(alice, write, monkeypatch):
    monkeypatch.setattr("app.activity.trail._LOT", 7)
    with database.transaction() as db:
        for number in range(30):
            audit.record(db, "parrot.fed", workspace_id="wsp_northwind", user_id="usr_alice", number=number)
    records = [
        json.loads(line)["details"]["number"] for line in alice.get("/activity/trail.jsonl").text.splitlines()
    ]
    assert records == list(reversed(range(30)))


def test_verify_says_that_nothing_was_changed(alice, write):
    write()
    assert "1 entry, not verified yet" in alice.get("/activity").text
    alice.follow(alice.submit("/activity/verify"))
    assert "Unchanged:" in alice.page and "up to entry 1." in alice.page
    write()
    assert "1 new entry since" in alice.get("/activity").text
    assert "up to entry 2." in alice.submit("/activity/verify", htmx=True).text


def test_verify_says_what_was_changed(alice, write, tamper):
    for _ in range(3):
        write()
    sealing.seal()
    tamper("DELETE FROM audit_entries WHERE seq = 2 AND workspace_id IS NOT NULL")
    alice.get("/activity")
    alice.follow(alice.submit("/activity/verify"))
    assert "Entry 2 is missing." in alice.page and "Tell your operator" in alice.page


def test_members_cannot_verify(sign_in, people, alice):
    bob = sign_in(people.bob)
    assert bob.submit("/activity/verify").status_code == 403
    alice.get("/activity")
    assert alice.submit("/activity/verify").status_code == 303


def test_a_long_trail_is_verified_in_steps(alice, write, monkeypatch):
    monkeypatch.setattr("app.activity.verifying._BATCH", 2)
    monkeypatch.setattr("app.activity.page._STEP_SECONDS", 0)
    for _ in range(4):
        write()
    alice.get("/activity")
    step = alice.submit("/activity/verify")
    assert step.status_code == 200 and "Verifying: 0 of 4 entries" in step.text
    place = step.text.split('name="place" value="')[1].split('"')[0]
    monkeypatch.setattr("app.activity.page._STEP_SECONDS", 60)
    alice.follow(alice.submit("/activity/verify", {"place": place}))
    assert "up to entry 4." in alice.page
    alice.follow(alice.submit("/activity/verify", {"place": place[:-4] + "abcd"}))
    assert "up to entry 4." in alice.page


def test_it_stands_in_the_menu(alice):
    assert 'href="/activity"' in alice.get("/activity").text


def test_an_export_is_checked_with_the_program_of_the_documentation(alice, write, tmp_path, capsys):
    for number in range(3):
        write(amount=4321.5 * number, label="Größe “x”", nested={"b": [1, {"a": None}]})
    (tmp_path / "activity.jsonl").write_text(alice.get("/activity/trail.jsonl").text)
    program = re.search(r"```python\n(.+?)```", (ROOT / "docs" / "activity.md").read_text(), re.S)[1]
    program = program.replace("activity.jsonl", str(tmp_path / "activity.jsonl"))
    exec(program, {})
    assert "3 entries, unchanged" in capsys.readouterr().out
    lines = (tmp_path / "activity.jsonl").read_text()
    (tmp_path / "activity.jsonl").write_text(lines.replace("4321.5", "9321.5"))
    with pytest.raises(AssertionError, match="entry 2 was changed"):
        exec(program, {})


@both_databases
@pytest.mark.parametrize("field", ["person", "kind", "since", "until", "behind"])
def test_junk_in_the_filter_is_no_trouble(alice, write, field):
    write()
    for junk in (
        "\x00",
        "\u202e",
        "'\"><script>",
        "9" * 400,
        "1-" + "9" * 18,
        "9" * 17 + "-1",
        "1e999",
        "A" * 9000,
        "-1",
        "%00%ff",
    ):
        for path in ("/activity", "/activity/trail.csv", "/activity/trail.jsonl"):
            answer = alice.client.get(path, query_string={field: junk})
            assert answer.status_code in {200, 400} and "<script>" not in answer.text.split("</head>")[-1], (
                path,
                junk,
            )


def test_junk_as_the_place_of_a_verification_begins_at_the_start(alice, write):
    write()
    alice.get("/activity")
    for junk in ("\x00", "a.b.c", "9" * 400, "\u202e"):
        assert alice.submit("/activity/verify", {"place": junk}).status_code == 303
    assert "up to entry 1." in alice.get("/activity").text


CREATE_INVOICE = services_of(None).find_tool("xero_create_invoice")[1].title


def an_approval(write, last="approval.carried_out", *, approval="apr_1", decider="usr_bob"):
    """What a write leaves that waited for approval, as the product records it."""
    call = {"tool": "xero_create_invoice", "title": "Create an invoice", "slug": "xero", "client": "Claude"}
    write("tool.called", outcome="APPROVAL_NEEDED", arguments={"amount": "10.00"}, **call)
    about = {"subject": approval, "tool": "xero_create_invoice", "connection": "con_1"}
    write("approval.requested", client="Claude", **about)
    write("tool.called", outcome="APPROVAL_NEEDED", arguments={"amount": "10.00"}, **call)
    if last == "approval.requested":
        return
    if last == "approval.rejected":
        write(last, user=decider, **about)
        return
    write("approval.approved", user=decider, **about)
    outcome = "ok" if last == "approval.carried_out" else "PROVIDER_ERROR"
    write("tool.called", outcome=outcome, arguments={"amount": "10.00"}, **call)
    write(last, outcome=outcome, **about)


def lines_on(page):
    """Each line as its words, with its state, without what it opens."""
    summaries = re.findall(r"<summary>(.*?)</summary>", page, re.S)
    words = [" ".join(re.sub("<[^>]+>", " ", each).split()) for each in summaries]
    return [re.sub(r" \d\d:\d\d$", "", each) for each in words if "for Alice" in each or "AI client" in each]


@pytest.mark.parametrize(
    ("last", "state"),
    [
        ("approval.requested", "Waiting for approval"),
        ("approval.rejected", "Rejected"),
        ("approval.carried_out", "Done"),
        ("approval.did_not_work", "Failed"),
    ],
)
def test_a_write_that_needs_approval_is_one_line_with_its_state(alice, write, last, state):
    an_approval(write, last)
    page = alice.get("/activity").text
    assert lines_on(page) == [f"Claude requested “{CREATE_INVOICE}” in Xero for Alice {state}"]
    steps = re.findall(r"<li><p><b>([^<]+)</b>", page)
    expected = {
        "approval.requested": [],
        "approval.rejected": ["Requested by Claude for Alice", "Rejected by Bob"],
        "approval.carried_out": ["Requested by Claude for Alice", "Approved by Bob", "Ran", "Done"],
        "approval.did_not_work": [
            "Requested by Claude for Alice",
            "Approved by Bob",
            "Ran: rejected by the service",
            "Failed",
        ],
    }
    assert steps == expected[last]
    assert len(list(csv.DictReader(io.StringIO(alice.get("/activity/trail.csv").text)))) == {
        "approval.requested": 3,
        "approval.rejected": 4,
    }.get(last, 6)


def test_a_decider_finds_the_write_among_their_own_acts(sign_in, people, write):
    an_approval(write)
    page = sign_in(people.bob).get("/activity").text
    assert lines_on(page) == [f"Claude requested “{CREATE_INVOICE}” in Xero for Alice Done"]
    assert lines_on(sign_in(people.alice).get("/activity?person=usr_bob").text) == lines_on(page)


def test_an_approval_is_one_line_across_pages(alice, write, monkeypatch):
    monkeypatch.setattr("app.activity.page._PAGE_SIZE", 3)
    for number in range(4):
        an_approval(write, approval=f"apr_{number}")
    lines, path = [], "/activity"
    while path:
        page = alice.get(path).text
        lines += lines_on(page)
        found = re.search(r'activity-more"><a class="button" href="([^"]+)"', page)
        path = found[1].replace("&amp;", "&") if found else ""
    assert len(lines) == 4 and lines.count(f"Claude requested “{CREATE_INVOICE}” in Xero for Alice Done") == 4


def test_a_call_that_failed_says_why_and_one_that_waits_did_not_fail(alice, write):
    call = {"tool": "xero_create_invoice", "title": "Create an invoice", "slug": "xero", "client": "Claude"}
    write("tool.called", outcome="INVALID_ARGUMENTS", arguments={}, **call)
    write("tool.called", outcome="APPROVAL_NEEDED", arguments={}, **call)
    page = alice.get("/activity").text
    assert lines_on(page) == [
        "Claude used “Create an invoice” in Xero for Alice Waiting for approval",
        "Claude used “Create an invoice” in Xero for Alice Invalid arguments",
    ]
    assert page.count('class="badge error"') == 1
    rows = list(csv.DictReader(io.StringIO(alice.get("/activity/trail.csv").text)))
    assert [row["what"] for row in rows] == [
        "Claude requested “Create an invoice” in Xero for Alice: approval needed",
        "Claude tried “Create an invoice” in Xero for Alice: invalid arguments",
    ]


def test_what_completes_an_act_is_a_step_of_it(alice, write):
    write("client.allowed", subject="cli_1", client="Claude", host="claude.ai")
    write("grant.created", subject="grt_1", client="Claude")
    write("connection.disconnected", subject="con_9", slug="xero", account="Books")
    write("connection.revocation_abandoned", user=None, subject="con_9", slug="xero", account="Books")
    page = alice.get("/activity").text
    assert page.count("activity-what") == 2 and "Not confirmed by the service" in page


@pytest.fixture
def half_past_eleven_on_10_june():
    """Request it before somebody who signs in: a session does not last from season to season."""
    at = clock.now()
    clock.shift(at.replace(month=6, day=10, hour=11, minute=30) - at)
    return at


def test_days_are_those_of_the_persons_own_zone(half_past_eleven_on_10_june, alice, write, people):
    with database.transaction() as db:
        db.merge(people.alice).time_zone = "Pacific/Kiritimati"  # 14 hours ahead
    at = half_past_eleven_on_10_june
    write(label="Home")
    page = alice.get("/activity").text
    assert f"11 June {at.year}" in page and ">01:30</time>" in page and "Pacific/Kiritimati" in page
    day = f"{at.year}-06-11"
    assert "Home" in alice.get(f"/activity?since={day}&until={day}").text
    assert "No matches" in alice.get(f"/activity?until={at.year}-06-10").text
    assert "Home" in alice.get(f"/activity/trail.csv?since={day}").text


def test_the_page_costs_the_same_queries_however_long_the_trail(alice, write, statements):
    an_approval(write)
    alice.get("/activity")
    with statements() as few:
        alice.get("/activity")
    for number in range(2, 9):
        an_approval(write, approval=f"apr_{number}")
    alice.get("/activity")
    with statements() as many:
        alice.get("/activity")
    assert alice.page.count(CREATE_INVOICE) >= 8 and len(many) == len(few)
