"""The imitated Stripe follows Stripe's rules."""

import pytest
import requests

from tests.support.processes import Levers

KEY = {"Authorization": "Bearer rk_test_sandbox_byrd"}


@pytest.fixture
def stripe(sandbox):
    Levers(sandbox, "stripe")("reset")
    return f"{sandbox}/stripe/v1"


def error_of(answer):
    return answer.status_code, answer.json()["error"].get("code") or answer.json()["error"]["type"]


def test_only_forms_are_taken(stripe):
    assert error_of(requests.post(f"{stripe}/customers", json={"name": "x"}, headers=KEY, timeout=10)) == (
        400,
        "parameter_unknown",
    )


def test_an_unknown_parameter_is_refused(stripe):
    answer = requests.post(f"{stripe}/customers", data={"nickname": "x"}, headers=KEY, timeout=10)
    assert error_of(answer) == (400, "parameter_unknown") and answer.json()["error"]["param"] == "nickname"


def test_a_repeated_key_replays_the_first_answer(stripe):
    headers = {**KEY, "Idempotency-Key": "one"}
    first, again = (
        requests.post(f"{stripe}/customers", data={"name": "Once"}, headers=headers, timeout=10)
        for _ in range(2)
    )
    assert again.json()["id"] == first.json()["id"] and again.headers["Idempotent-Replayed"] == "true"
    other = requests.post(f"{stripe}/customers", data={"name": "Twice"}, headers=headers, timeout=10)
    assert error_of(other) == (400, "idempotency_error")


def test_an_unknown_place_to_go_on_from_is_refused(stripe):
    answer = requests.get(
        f"{stripe}/customers", params={"starting_after": "cus_nope"}, headers=KEY, timeout=10
    )
    assert error_of(answer) == (400, "resource_missing")


def test_a_final_invoice_takes_no_line(stripe):
    invoice = requests.get(f"{stripe}/invoices", params={"status": "open"}, headers=KEY, timeout=10).json()[
        "data"
    ][0]
    line = {"customer": invoice["customer"], "invoice": invoice["id"], "amount": "100", "currency": "usd"}
    assert error_of(requests.post(f"{stripe}/invoiceitems", data=line, headers=KEY, timeout=10)) == (
        400,
        "invoice_not_editable",
    )


def test_keys_are_known_unknown_or_expired(stripe, sandbox):
    unknown = {"Authorization": "Bearer rk_test_nobody"}
    assert error_of(requests.get(f"{stripe}/balance", headers=unknown, timeout=10)) == (
        401,
        "invalid_request_error",
    )
    Levers(sandbox, "stripe")("roll_keys", company="byrd")
    assert error_of(requests.get(f"{stripe}/balance", headers=KEY, timeout=10)) == (401, "api_key_expired")
    other = {"Authorization": "Bearer rk_test_sandbox_harbour"}
    assert requests.get(f"{stripe}/balance", headers=other, timeout=10).status_code == 200
    Levers(sandbox, "stripe")("unroll_keys")
    assert requests.get(f"{stripe}/balance", headers=KEY, timeout=10).status_code == 200
