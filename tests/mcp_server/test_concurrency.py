"""One workspace's calls keep to their share of the threads, and its members to theirs."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from app.errors import TooManyRequests
from app.mcp_server.calls.concurrency import FairSemaphore
from tests.support.waiting import AT_MOST_SECONDS, until


def is_let_in(permits, workspace="w1", member="m1"):
    try:
        with permits.acquire(workspace, member):
            return True
    except TooManyRequests:
        return False


@pytest.fixture
def crew():
    """Threads that take permits: `crew(permits, "w1", "m1")` starts one; the event it gives lets it end."""
    ends, pool = [], ThreadPoolExecutor(64)

    def _start(permits, workspace, member, order=None, service=""):
        going, end = threading.Event(), threading.Event()
        ends.append(end)

        def work():
            with permits.acquire(workspace, member, service=service):
                if order is not None:
                    order.append(member)
                going.set()
                end.wait(AT_MOST_SECONDS)

        future = pool.submit(work)
        return going, end, future

    yield _start
    for end in ends:
        end.set()
    pool.shutdown()


def hold(stack, permits, count, workspace="w1", member="m1"):
    for _ in range(count):
        stack.enter_context(permits.acquire(workspace, member))


def full(permits):
    """Turns nobody waits for."""
    permits.queue_limit = permits.member_queue_limit = 0
    return permits


def test_a_workspace_gets_its_share_and_others_theirs():
    permits = full(FairSemaphore(16, 8))
    with ExitStack() as stack:
        hold(stack, permits, 6, member="m1")
        hold(stack, permits, 2, member="m2")
        assert not is_let_in(permits, member="m3")
        assert is_let_in(permits, "w2", "m1")
    assert is_let_in(permits, member="m3")


def test_one_member_leaves_room_for_the_others():
    permits = full(FairSemaphore(16, 8))
    with ExitStack() as stack:
        hold(stack, permits, 6)
        assert not is_let_in(permits, member="m1")
        assert is_let_in(permits, member="m2")


def test_it_says_when_to_come_back():
    permits = FairSemaphore(2, 1, patience_seconds=0.01)
    with (
        permits.acquire("w1", "m1"),
        pytest.raises(TooManyRequests, match="Wait 2 seconds") as refused,
        permits.acquire("w1", "m2"),
    ):
        pass
    assert refused.value.retry_after_seconds == 2


def test_who_is_gone_waits_no_longer():
    permits = FairSemaphore(2, 1, patience_seconds=3_600)
    with (
        permits.acquire("w1", "m1"),
        pytest.raises(TooManyRequests),
        permits.acquire("w1", "m2", lambda: True),
    ):
        pass
    assert is_let_in(permits)


def test_who_waits_is_let_in_when_a_turn_comes_free_member_by_member(crew):
    permits, order = FairSemaphore(32, 4, patience_seconds=AT_MOST_SECONDS), []
    holders = [crew(permits, "w1", member) for member in ("a", "b", "c", "d")]
    until(lambda: all(going.is_set() for going, _, _ in holders))
    flood = []
    for _ in range(5):
        flood.append(crew(permits, "w1", "loud", order))
        until(lambda: permits._workspaces["w1"].queued == len(flood))
    crew(permits, "w1", "quiet", order)
    until(lambda: permits._workspaces["w1"].queued == 6)
    for let_in, (_, end, _) in enumerate(holders[:2], start=1):
        end.set()  # one turn comes free, and who gets it is seen before the next does
        until(lambda let_in=let_in: len(order) == let_in)
    assert order == ["loud", "quiet"], "the second turn is not the loud one's again"


def test_the_queue_is_short_and_one_member_cannot_fill_it(crew):
    permits = FairSemaphore(16, 8, patience_seconds=AT_MOST_SECONDS)
    permits.queue_limit, permits.member_queue_limit = 4, 3
    for member in ("a", "b", "c", "d", "e", "f", "g", "h"):
        crew(permits, "w1", member)
    until(lambda: permits._workspaces["w1"].running == 8)
    for queued in (1, 2, 3):
        crew(permits, "w1", "loud")
        until(lambda queued=queued: permits._workspaces["w1"].queued == queued)
    with pytest.raises(TooManyRequests), permits.acquire("w1", "loud"):
        pass
    crew(permits, "w1", "quiet")
    until(lambda: permits._workspaces["w1"].queued == 4)
    with pytest.raises(TooManyRequests), permits.acquire("w1", "another"):
        pass


def test_many_workspaces_in_trouble_leave_threads_for_those_with_none():
    permits = full(FairSemaphore(4, 4))  # 12 threads in all, 2 of them kept
    with ExitStack() as stack:
        for workspace in ("w1", "w2"):
            for member in ("a", "b"):
                hold(stack, permits, 2, workspace, member)
        hold(stack, permits, 2, "w3", "a")
        assert not is_let_in(permits, "w1", "c"), "10 of 12 are held, and w1 has more than its part"
        assert is_let_in(permits, "w3", "b"), "w3 has less"
        assert is_let_in(permits, "w4", "a")


@pytest.mark.parametrize(("threads", "limit"), [(1, 1), (1, 8), (2, 1), (3, 1), (256, 256)])
def test_any_setting_lets_a_call_in(threads, limit):
    permits = full(FairSemaphore(threads, limit))
    assert is_let_in(permits) and is_let_in(permits)


def test_nothing_is_kept_of_calls_that_are_over():
    permits = FairSemaphore(8, 3, patience_seconds=0.005)

    def worker(number):
        for attempt in range(60):
            is_let_in(permits, f"w{(number + attempt) % 3}", f"m{number % 4}")

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(worker, range(12)))
    assert (permits._workspaces, permits._held) == ({}, 0)


def test_a_call_that_fails_gives_its_turn_back():
    permits = full(FairSemaphore(2, 1))
    with pytest.raises(ZeroDivisionError), permits.acquire("w1", "m1"):
        raise ZeroDivisionError
    assert is_let_in(permits)


def test_a_turn_costs_microseconds():
    permits = FairSemaphore(32, 16)
    started = time.thread_time()  # of this thread alone, whatever else the machine does
    for _ in range(2_000):
        with permits.acquire("w1", "m1"):
            pass
    assert (time.thread_time() - started) / 2_000 < 200e-6


def test_a_service_of_the_workspace_leaves_room_for_its_other_services():
    permits = full(FairSemaphore(32, 16))
    with ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(permits.acquire("w1", "m1", service="hanging"))
        with pytest.raises(TooManyRequests), permits.acquire("w1", "m2", service="hanging"):
            pass
        assert is_let_in(permits, member="m1")
        with permits.acquire("w1", "m2", service="other"), permits.acquire("w2", "m1", service="hanging"):
            pass
    with permits.acquire("w1", "m2", service="hanging"):
        pass


def test_who_waits_for_a_hanging_service_stands_in_nobodys_line(crew):
    permits = FairSemaphore(16, 4, patience_seconds=AT_MOST_SECONDS)
    hanging = [crew(permits, "w1", "m1", service="hanging") for _ in range(3)]
    until(lambda: permits._workspaces["w1"].queued == 1)
    other, _, _ = crew(permits, "w1", "m1")
    assert other.wait(AT_MOST_SECONDS), "the third waits for one of the two permits of its service"
    hanging[0][1].set()
    hanging[1][1].set()
    assert hanging[2][0].wait(AT_MOST_SECONDS)


def test_one_permit_that_comes_free_may_let_in_two(crew):
    """One waits for its member's limit, another one for its service's."""
    permits, order = FairSemaphore(16, 8, patience_seconds=AT_MOST_SECONDS), []
    permits.service_limit = 1
    first = crew(permits, "w1", "m1", service="s")
    full_member = [crew(permits, "w1", "m1") for _ in range(5)]
    until(lambda: all(going.is_set() for going, _, _ in (first, *full_member)))
    crew(permits, "w1", "m1", order)
    crew(permits, "w1", "m2", order, service="s")
    until(lambda: permits._workspaces["w1"].queued == 2)
    first[1].set()
    until(lambda: sorted(order) == ["m1", "m2"])
