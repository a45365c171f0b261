"""FlowPOS keeps the active business in its session. Two AI clients of one connection choose different ones,
and two worker processes serve both: every answer is of the business its own client chose.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.companies import ask, call, company
from tests.support.processes import Levers
from tests.support.product import run_product

LOGIN = {"email": "mara@corner.example", "password": "sandbox", "returnSecureToken": True}
_CALLS = 12


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    with run_product(tmp_path_factory.mktemp("flowpos"), WEB_CONCURRENCY="2") as running:
        yield running


@pytest.fixture(scope="module")
def clients(product):
    """The tokens of two AI clients of one person, who has one connection with two businesses."""
    firebase = f"{product.sandbox_url}/flowpos/v1/accounts:signInWithPassword?key=sandbox"
    id_token = ask(firebase, LOGIN)[2]["idToken"]
    service = {"service": "flowpos", "id_token": id_token}
    first = company(product, "Corner Café", LOGIN["email"], service)
    second = ask(f"{product.mcp_url}/token", {"firebaseIdToken": id_token})[2]["accessToken"]
    for token, business in ((first, "b1a0-0001"), (second, "b1a0-0002")):
        assert result_of(call(product, token, "set_active_business", business_id=business))["success"]
    return first, second


def result_of(answer):
    return answer[2]["result"]["structuredContent"]


def currencies(product, clients, lose_sessions=()):
    """What currency each of many simultaneous calls of both clients finds prices in."""
    levers = Levers(product.sandbox_url, "flowpos")

    def one(number):
        if number in lose_sessions:
            levers("forget_sessions")
        found = result_of(call(product, clients[number % 2], "flowpos_get_products", limit=1))
        return found["data"]["items"][0]["currency"] if found["success"] else found["error"]["code"]

    with ThreadPoolExecutor(6) as pool:
        return list(pool.map(one, range(_CALLS)))


def test_each_client_works_in_the_business_it_chose(product, clients):
    assert currencies(product, clients) == ["EUR", "NZD"] * (_CALLS // 2)


def test_a_token_that_ended_is_renewed_once_for_all_calls_of_both_workers(product, clients):
    levers = Levers(product.sandbox_url, "flowpos")
    before = levers.log()["refreshes"]
    levers("expire")
    assert currencies(product, clients) == ["EUR", "NZD"] * (_CALLS // 2)
    assert levers.log()["refreshes"] == before + 1


def test_sessions_that_are_lost_meanwhile_put_nobody_into_another_business(product, clients):
    found = currencies(product, clients, lose_sessions=(3, 8))
    wrong = [currency for n, currency in enumerate(found) if currency == ("NZD", "EUR")[n % 2]]
    assert wrong == []
    assert currencies(product, clients) == ["EUR", "NZD"] * (_CALLS // 2), "and everything works again"
