"""Calls that are stored together: each has the outcome it would have alone."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import select

from app import audit, clock, database
from app.errors import TooManyRequests
from app.usage import ledger as ledgers
from app.usage.ledger import Ledger
from app.usage.models import Call, CallRow, LimitCounter
from app.usage.tiers import Limits
from tests.conftest import both_databases
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("patient_database", "early")
FREE = Limits(100, None)


def call(workspace_id, number):
    """A call that says which one it is."""
    whose = {"workspace_id": workspace_id, "user_id": "u", "grant_id": "g", "client_name": 'Ä "quoted" 🎉'}
    return Call(at=clock.now(), **whose, tool=f"tool_{number}", outcome="ok", total_ms=0.1 + number)


def entry(number):
    return audit.make("tool.called", workspace_id="w", user_id="u", subject=str(number), details={"ü": [1.5]})


def together(*works):
    """Run the works so that one commit stores all, in this order. Returns whether each was let in."""
    bound = ledgers.current()

    def let_in(work):
        try:
            work(bound)
        except TooManyRequests:
            return False
        return True

    with ThreadPoolExecutor(len(works)) as pool:
        with bound._pen:
            running = []
            for work in works:
                running.append(pool.submit(let_in, work))
                until(lambda: len(bound._queue) == len(running))
        return [each.result() for each in running]


def counts():
    with database.reading() as db:
        found = sorted((row.workspace_id, row.window, row.count) for row in db.exec(select(LimitCounter)))
    return {workspace_id: [n for w, _, n in found if w == workspace_id] for workspace_id, *_ in found}


def stored():
    with database.reading() as db:
        rows = db.exec(select(CallRow).order_by(CallRow.id)).all()
        trail = db.exec(select(audit.AuditEntry).order_by(audit.AuditEntry.id)).all()
    return [(row.tool, row.outcome) for row in rows], [each.subject for each in trail]


@both_databases
def test_the_first_are_let_in_in_the_order_they_came(app):
    few, per_day = Limits(2, None), Limits(100, 1)
    answers = together(
        lambda ledger: ledger.admit_and_record("w", few, call("w", 0), entry(0)),
        lambda ledger: ledger.admit_and_record("v", FREE, call("v", 1)),
        lambda ledger: ledger.record(call("w", 2), entry(2)),
        lambda ledger: ledger.admit("w", few),
        lambda ledger: ledger.admit_and_record("w", few, call("w", 4), entry(4)),
        lambda ledger: ledger.admit_and_record("x", per_day, call("x", 5)),
        lambda ledger: ledger.admit("w", few),
        lambda ledger: ledger.admit_and_record("x", per_day, call("x", 7)),
    )
    assert answers == [True, True, True, True, False, True, False, False]
    refused = {4, 7}
    rows, trail = stored()
    assert rows == [(f"tool_{n}", "RATE_LIMITED" if n in refused else "ok") for n in (0, 1, 2, 4, 5, 7)]
    assert trail == ["0", "2"]
    assert counts() == {"w": [2, 2], "v": [1, 1], "x": [1, 1]}


@both_databases
def test_what_is_stored_is_what_was_given(app):
    given = [call("w", 0), call("v", 1)]
    given[0].connection_id, given[0].upstream_endpoint, given[0].upstream_status = "con_1", "GET /x", 200
    given[1].upstream_ms, given[1].bytes, given[1].slug = 1e-7, 2_000_000_000, "acme"
    trail = entry(1)
    together(
        lambda ledger: ledger.record(given[0]),
        lambda ledger: ledger.admit_and_record("v", FREE, given[1], trail),
    )
    with database.reading() as db:
        rows = db.exec(select(CallRow).order_by(CallRow.id)).all()
        [trailed] = db.exec(select(audit.AuditEntry))
    for row, one in zip(rows, given, strict=True):
        assert {name: getattr(row, name) for name in Call.__slots__} == {
            name: getattr(one, name) for name in Call.__slots__
        }
    assert {name: getattr(trailed, name) for name in audit.COLUMNS} == trail
    assert audit.signer().accepts(trailed.signature, audit.content_of(trailed.model_dump()))


@both_databases
def test_new_limits_count_from_the_call_that_has_them(app):
    answers = together(
        *[lambda ledger: ledger.admit("w", Limits(2, None))] * 3,
        *[lambda ledger: ledger.admit("w", Limits(3, None))] * 2,
        *[lambda ledger: ledger.admit("w", Limits(1, None))] * 2,
    )
    assert answers == [True, True, False, True, False, False, False]
    assert counts() == {"w": [3, 3]}


@pytest.mark.parametrize("database_kind", [pytest.param("postgres", marks=pytest.mark.needs_postgres)])
def test_a_batch_is_one_statement_however_many_are_in_it(app, sent):
    with sent() as made:
        together(
            *[
                lambda ledger, n=n: ledger.admit_and_record(f"w{n % 3}", FREE, call("w", n), entry(n))
                for n in range(9)
            ]
        )
    assert len(made) == 1
    assert len(stored()[0]) == len(stored()[1]) == 9


@pytest.mark.parametrize("database_kind", [pytest.param("postgres", marks=pytest.mark.needs_postgres)])
def test_what_two_processes_refuse_at_once_is_given_back_in_full(app):
    """Neither waits for the other's counters, and neither takes for used what the other is giving back."""
    gate = threading.Barrier(4)

    def refused(process):
        gate.wait()
        for _ in range(60):
            with pytest.raises(TooManyRequests):
                process.admit("w", Limits(0, None))

    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(refused, Ledger()) for _ in range(4)]:
            each.result()
    assert counts() == {"w": [0, 0]}


@both_databases
@pytest.mark.parametrize("odd", ["a\x00b", "half \ud83d of a pair", "\u2028\x1f\\u0000"])
def test_odd_characters_in_arguments_are_no_reason_to_lose_the_entry(app, odd):
    trail = audit.make("tool.called", workspace_id="w", user_id="u", subject="1", details={"name": odd})
    ledgers.current().record(call("w", 1), trail)
    with database.reading() as db:
        [found] = db.exec(select(audit.AuditEntry))
    assert found.details == trail["details"]
    assert audit.signer().accepts(found.signature, audit.content_of(found.model_dump()))
