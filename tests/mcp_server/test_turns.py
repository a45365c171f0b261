"""One workspace's calls keep to their share of the threads, and its members to theirs."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from app.errors import TooManyRequests
from app.mcp_server.calls.concurrency import FairSemaphore

SOON = 20


def is_let_in(turns, workspace="w1", member="m1"):
    try:
        with turns.take(workspace, member):
            return True
    except TooManyRequests:
        return False


@pytest.fixture
def crew():
    """Threads that take turns: `crew(turns, "w1", "m1")` starts one; the event it gives lets it end."""
    ends, pool = [], ThreadPoolExecutor(64)

    def _start(turns, workspace, member, order=None):
        going, end = threading.Event(), threading.Event()
        ends.append(end)

        def work():
            with turns.take(workspace, member):
                if order is not None:
                    order.append(member)
                going.set()
                end.wait(SOON)

        future = pool.submit(work)
        return going, end, future

    yield _start
    for end in ends:
        end.set()
    pool.shutdown()


def hold(stack, turns, count, workspace="w1", member="m1"):
    for _ in range(count):
        stack.enter_context(turns.take(workspace, member))


def full(turns):
    """Turns nobody waits for."""
    turns.may_wait = turns.of_a_member_may_wait = 0
    return turns


def test_a_workspace_gets_its_share_and_others_theirs():
    turns = full(FairSemaphore(16, 8))
    with ExitStack() as stack:
        hold(stack, turns, 6, member="m1")
        hold(stack, turns, 2, member="m2")
        assert not is_let_in(turns, member="m3")
        assert is_let_in(turns, "w2", "m1")
    assert is_let_in(turns, member="m3")


def test_one_member_leaves_room_for_the_others():
    turns = full(FairSemaphore(16, 8))
    with ExitStack() as stack:
        hold(stack, turns, 6)
        assert not is_let_in(turns, member="m1")
        assert is_let_in(turns, member="m2")


def test_it_says_when_to_come_back():
    turns = FairSemaphore(2, 1, patience_seconds=0.01)
    with (
        turns.take("w1", "m1"),
        pytest.raises(TooManyRequests, match="Wait 2 seconds") as refused,
        turns.take("w1", "m2"),
    ):
        pass
    assert refused.value.retry_after_seconds == 2


def test_who_is_gone_waits_no_longer():
    turns = FairSemaphore(2, 1, patience_seconds=3_600)
    with turns.take("w1", "m1"), pytest.raises(TooManyRequests), turns.take("w1", "m2", lambda: True):
        pass
    assert is_let_in(turns)


def until(condition):
    end = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)


def test_who_waits_is_let_in_when_a_turn_comes_free_member_by_member(crew):
    turns, order = FairSemaphore(32, 4, patience_seconds=SOON), []
    holders = [crew(turns, "w1", member) for member in ("a", "b", "c", "d")]
    until(lambda: all(going.is_set() for going, _, _ in holders))
    flood = []
    for _ in range(5):
        flood.append(crew(turns, "w1", "loud", order))
        until(lambda: turns._places["w1"].queued == len(flood))
    crew(turns, "w1", "quiet", order)
    until(lambda: turns._places["w1"].queued == 6)
    for going, end, _ in holders[:2]:
        assert going.is_set()
        end.set()
    until(lambda: len(order) == 2)
    assert order == ["loud", "quiet"], "the second turn is not the loud one's again"


def test_the_queue_is_short_and_one_member_cannot_fill_it(crew):
    turns = FairSemaphore(16, 8, patience_seconds=SOON)
    turns.may_wait, turns.of_a_member_may_wait = 4, 3
    for member in ("a", "b", "c", "d", "e", "f", "g", "h"):
        crew(turns, "w1", member)
    until(lambda: turns._places["w1"].under_way == 8)
    for queued in (1, 2, 3):
        crew(turns, "w1", "loud")
        until(lambda queued=queued: turns._places["w1"].queued == queued)
    with pytest.raises(TooManyRequests), turns.take("w1", "loud"):
        pass
    crew(turns, "w1", "quiet")
    until(lambda: turns._places["w1"].queued == 4)
    with pytest.raises(TooManyRequests), turns.take("w1", "another"):
        pass


def test_many_workspaces_in_trouble_leave_threads_for_those_with_none():
    turns = full(FairSemaphore(4, 4))  # 12 threads in all, 2 of them kept
    with ExitStack() as stack:
        for workspace in ("w1", "w2"):
            for member in ("a", "b"):
                hold(stack, turns, 2, workspace, member)
        hold(stack, turns, 2, "w3", "a")
        assert not is_let_in(turns, "w1", "c"), "10 of 12 are held, and w1 has more than its part"
        assert is_let_in(turns, "w3", "b"), "w3 has less"
        assert is_let_in(turns, "w4", "a")


@pytest.mark.parametrize(("threads", "at_once"), [(1, 1), (1, 8), (2, 1), (3, 1), (256, 256)])
def test_any_setting_lets_a_call_in(threads, at_once):
    turns = full(FairSemaphore(threads, at_once))
    assert is_let_in(turns) and is_let_in(turns)


def test_nothing_is_kept_of_calls_that_are_over():
    turns = FairSemaphore(8, 3, patience_seconds=0.005)

    def worker(number):
        for turn in range(60):
            is_let_in(turns, f"w{(number + turn) % 3}", f"m{number % 4}")

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(worker, range(12)))
    assert (turns._places, turns._held) == ({}, 0)


def test_a_call_that_fails_gives_its_turn_back():
    turns = full(FairSemaphore(2, 1))
    with pytest.raises(ZeroDivisionError), turns.take("w1", "m1"):
        raise ZeroDivisionError
    assert is_let_in(turns)


def test_a_turn_costs_microseconds():
    turns = FairSemaphore(32, 16)
    started = time.perf_counter()
    for _ in range(2_000):
        with turns.take("w1", "m1"):
            pass
    assert (time.perf_counter() - started) / 2_000 < 200e-6
