"""A process killed right after the service rotated: the next call sees it at once."""

import threading
import time

import pytest
from sqlalchemy import select

from app import database
from app.audit import AuditEntry
from app.errors import ReconnectNeeded
from app.vault import claims
from app.vault.models import Credential
from app.vault.refresh import TokenVault
from tests.conftest import both_databases
from tests.support.waiting import AT_MOST_SECONDS, PROMPTLY_SECONDS
from tests.vault.conftest import expire, stored


@pytest.fixture
def crash(connect, provider, start_crew):
    """A connection whose process was killed during a refresh: the service rotated, nobody has the answer."""

    def _crash(slug):
        connection = connect(slug)
        expire(connection)
        crew = start_crew(connection, processes=1, threads=2)
        provider.hold_answer = threading.Event()
        crew.go()
        assert provider.rotated.wait(AT_MOST_SECONDS)
        crew.kill()
        provider.release_answers()
        assert stored(connection)[1].claim_owner  # it died with its claim
        return connection

    return _crash


@both_databases
@pytest.mark.parametrize("subject", ["graceful", "added"])
def test_a_service_with_grace_is_asked_again_at_once_and_nothing_is_lost(crash, provider, settings, subject):
    provider.accepts_spent = True
    connection = crash(subject)
    started = time.monotonic()
    assert TokenVault(settings, connection).bearer() in provider.access
    assert time.monotonic() - started < PROMPTLY_SECONDS < claims.LEASE.total_seconds()
    assert (provider.refreshes, stored(connection)[1].generation) == (2, 2)
    assert stored(connection)[0].state == "connected"


@both_databases
@pytest.mark.parametrize("subject", ["strict", "added"])
def test_a_service_without_grace_needs_a_reconnect_and_the_reason_is_true_and_said_once(
    crash, provider, settings, subject
):
    connection = crash(subject)
    name = subject.title()
    for _ in range(3):
        with pytest.raises(
            ReconnectNeeded,
            match=rf"was interrupted while {name} issued a new token.*Reconnect {name}\.",
        ):
            TokenVault(settings, connection).bearer()
    assert provider.refreshes == 2  # the one that was interrupted, and one more
    row = stored(connection)[0]
    assert row.state == "reconnect_needed"
    with database.reading() as db:
        assert list(db.execute(select(AuditEntry.action)).scalars()).count("connection.reconnect_needed") == 1


@both_databases
@pytest.mark.parametrize("subject", ["graceful", "added"])
def test_callers_who_wait_in_another_process_take_over_from_the_dead_one(
    connect, provider, start_crew, subject
):
    provider.accepts_spent = True
    connection = connect(subject)
    expire(connection)
    first, second = (start_crew(connection, processes=1, threads=4) for _ in range(2))
    provider.hold_answer = threading.Event()
    first.go()
    assert provider.rotated.wait(AT_MOST_SECONDS)
    second.go_and_wait()
    first.kill()
    provider.release_answers()
    assert second.results() == [{"ok": 4, "problems": []}]
    assert provider.refreshes == 2


def test_an_answer_lost_on_the_way_is_remembered_as_the_reason(connect, provider, settings):
    connection = connect("strict")
    expire(connection)

    def rotate_and_break_off(handler):
        provider.refresh.clear()
        handler.close_connection = True
        return True

    provider.faults = [rotate_and_break_off]
    with pytest.raises(Exception, match="broke off before its answer"):
        TokenVault(settings, connection).bearer()
    with database.transaction() as db:
        db.get(Credential, connection.id).cooldown_until = None
    with pytest.raises(ReconnectNeeded, match="was interrupted"):
        TokenVault(settings, connection).bearer()


def test_a_process_on_another_machine_is_trusted_until_its_deadline(connect, provider, settings):
    connection = connect("graceful")
    expire(connection)
    claims.acquire(connection, 1)
    with database.transaction() as db:
        db.get(Credential, connection.id).claim_owner = "elsewhere/1/1/1.0/x"
    assert claims.find_snapshot(connection).is_claimed
    with database.transaction() as db:
        credential = db.get(Credential, connection.id)
        credential.claim_until = credential.claim_until - claims.LEASE
    assert TokenVault(settings, connection).bearer() in provider.access


@pytest.mark.parametrize("change", ["pid", "start", "clock"])
def test_a_dead_owner_on_this_machine_is_seen_at_once(connect, change):
    connection = connect("strict")
    claim = claims.acquire(connection, 1)
    assert claims.find_snapshot(connection).is_claimed
    machine, _, start, taken_at, nonce = claim.owner.split("/")
    mine = str(claims.os.getppid())
    alive = f"{machine}/{mine}/{claims._process_start(int(mine))}/{taken_at}/{nonce}"
    dead = {
        "pid": f"{machine}/4194304/{start}/{taken_at}/{nonce}",
        "start": f"{machine}/{mine}/1/{taken_at}/{nonce}",  # the number went to another process
        "clock": f"{machine}/{mine}/{claims._process_start(int(mine))}/{float(taken_at) - 26}/{nonce}",
    }[change]
    for owner, expected in ((alive, True), (dead, False)):
        with database.transaction() as db:
            db.get(Credential, connection.id).claim_owner = owner
        assert claims.find_snapshot(connection).is_claimed is expected
