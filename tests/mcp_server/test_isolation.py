"""One workspace floods the real server with calls of a slow service; another one hardly notices."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.companies import ask, call, company
from tests.support.product import run_product
from tests.support.waiting import until

HELD_SECONDS = 40.0  # how long the service holds the calls; the test needs a few of them
pytestmark = pytest.mark.xdist_group("isolation")
FLOOD = 32  # far more than the 12 threads of the server below


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    with run_product(tmp_path_factory.mktemp("isolation"), WEB_CONCURRENCY="1", WEB_THREADS="4") as running:
        yield running


def test_a_flood_on_a_slow_service_does_not_slow_another_workspace(product):
    troubled, calm = company(product, "troubled"), company(product, "calm")
    assert call(product, calm, "servicefusion_list_jobs")[2]["result"]["structuredContent"]["success"]
    ask(
        f"{product.sandbox_url}/_levers/servicefusion/slow",
        {"path": "/customers", "seconds": HELD_SECONDS, "times": 1_000},
    )
    with ThreadPoolExecutor(FLOOD) as pool:
        began = threading.Barrier(FLOOD + 1)

        def flood(_):
            began.wait()
            return call(product, troubled, "servicefusion_list_customers")

        answers = [pool.submit(flood, n) for n in range(FLOOD)]
        began.wait()
        until(lambda: sum(answer.done() for answer in answers) >= FLOOD - 12, HELD_SECONDS / 2)
        # the flood has come: those there is no room for were turned away
        turned_away = [answer.result() for answer in answers if answer.done()]
        times = []
        for tool in ("servicefusion_list_jobs", "hub_list_connections") * 5:
            started = time.monotonic()
            assert call(product, calm, tool)[2]["result"]["structuredContent"]["success"]
            times.append(time.monotonic() - started)
        assert max(times) < HELD_SECONDS / 4, "without the bound it waits for the other workspace's service"
        ask(f"{product.sandbox_url}/_levers/servicefusion/reset", {})
        statuses = [answer.result()[0] for answer in answers]
    assert turned_away and {status for status, _, _ in turned_away} == {429}
    _, headers, body = turned_away[0]
    assert 1 <= int(headers["Retry-After"]) <= 10
    assert (
        body["error"]["data"] == {"code": "RATE_LIMITED", "retry_after_seconds": int(headers["Retry-After"])}
        and body["id"] == 1
    )
    assert set(statuses) == {200, 429}
    assert call(product, troubled, "servicefusion_list_customers")[0] == 200, "and then it works again"


def test_an_honest_burst_is_served_whole(product):
    burst = company(product, "burst")
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: call(product, burst, "servicefusion_list_customers"), range(30)))
    assert {status for status, _, _ in answers} == {200}
