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
    assert error_of(requests.post(f"{stripe}/customers", json={"name": "x"}, headers=KEY, timeout=60)) == (
        400,
        "parameter_unknown",
    )


def test_an_unknown_parameter_is_refused(stripe):
    answer = requests.post(f"{stripe}/customers", data={"nickname": "x"}, headers=KEY, timeout=60)
    assert error_of(answer) == (400, "parameter_unknown") and answer.json()["error"]["param"] == "nickname"


def test_a_repeated_key_replays_the_first_answer(stripe):
    headers = {**KEY, "Idempotency-Key": "one"}
    first, again = (
        requests.post(f"{stripe}/customers", data={"name": "Once"}, headers=headers, timeout=60)
        for _ in range(2)
    )
    assert again.json()["id"] == first.json()["id"] and again.headers["Idempotent-Replayed"] == "true"
    other = requests.post(f"{stripe}/customers", data={"name": "Twice"}, headers=headers, timeout=60)
    assert error_of(other) == (400, "idempotency_error")


def test_an_unknown_place_to_go_on_from_is_refused(stripe):
    answer = requests.get(
        f"{stripe}/customers", params={"starting_after": "cus_nope"}, headers=KEY, timeout=60
    )
    assert error_of(answer) == (400, "resource_missing")


def test_a_final_invoice_takes_no_line(stripe):
    invoice = requests.get(f"{stripe}/invoices", params={"status": "open"}, headers=KEY, timeout=60).json()[
        "data"
    ][0]
    line = {"customer": invoice["customer"], "invoice": invoice["id"], "amount": "100", "currency": "usd"}
    assert error_of(requests.post(f"{stripe}/invoiceitems", data=line, headers=KEY, timeout=60)) == (
        400,
        "invoice_not_editable",
    )


def test_keys_are_known_unknown_or_expired(stripe, sandbox):
    unknown = {"Authorization": "Bearer rk_test_nobody"}
    assert error_of(requests.get(f"{stripe}/balance", headers=unknown, timeout=60)) == (
        401,
        "invalid_request_error",
    )
    Levers(sandbox, "stripe")("roll_keys", company="byrd")
    assert error_of(requests.get(f"{stripe}/balance", headers=KEY, timeout=60)) == (401, "api_key_expired")
    other = {"Authorization": "Bearer rk_test_sandbox_harbour"}
    assert requests.get(f"{stripe}/balance", headers=other, timeout=60).status_code == 200
    Levers(sandbox, "stripe")("unroll_keys")
    assert requests.get(f"{stripe}/balance", headers=KEY, timeout=60).status_code == 200


@pytest.mark.parametrize(
    ("path", "form", "param"),
    [
        ("invoices", {"customer": "cus_nope"}, "customer"),
        ("refunds", {"payment_intent": "pi_nope"}, "payment_intent"),
        ("refunds", {"charge": "ch_nope"}, "charge"),
        ("payment_links", {"line_items[0][price]": "price_nope"}, "line_items[0][price]"),
    ],
)
def test_an_unknown_id_is_a_400_in_a_parameter_and_a_404_in_the_path(stripe, path, form, param):
    answer = requests.post(f"{stripe}/{path}", data=form, headers=KEY, timeout=60)
    assert error_of(answer) == (400, "resource_missing") and answer.json()["error"]["param"] == param
    named = requests.get(f"{stripe}/invoices/in_nope", headers=KEY, timeout=60)
    assert error_of(named) == (404, "resource_missing")


@pytest.mark.parametrize(
    ("currency", "amount", "says"),
    [
        ("usd", "100000000", "amount_too_large"),
        ("idr", "999999999999", None),
        ("isk", "550", "invalid_charge_amount_no_decimal_compatible"),
        ("isk", "500", None),
        ("kwd", "5124", "invalid_request_error"),
        ("kwd", "5120", None),
        ("huf", "1045", None),
    ],
)
def test_amounts_obey_the_rules_of_their_currency(stripe, currency, amount, says):
    price = "line_items[0][price_data]"
    form = {
        f"{price}[currency]": currency,
        f"{price}[unit_amount]": amount,
        f"{price}[product_data][name]": "x",
    }
    answer = requests.post(f"{stripe}/payment_links", data=form, headers=KEY, timeout=60)
    assert (answer.status_code == 200) if says is None else (error_of(answer) == (400, says))


def test_an_invoice_embeds_its_first_lines_and_lists_all(stripe):
    customer = requests.get(f"{stripe}/customers", headers=KEY, timeout=60).json()["data"][0]["id"]
    draft = {"customer": customer, "collection_method": "send_invoice", "days_until_due": "7"}
    invoice = requests.post(f"{stripe}/invoices", data=draft, headers=KEY, timeout=60).json()["id"]
    for number in range(12):
        line = {
            "customer": customer,
            "invoice": invoice,
            "currency": "usd",
            "quantity": "2",
            "unit_amount_decimal": str(number),
        }
        assert requests.post(f"{stripe}/invoiceitems", data=line, headers=KEY, timeout=60).status_code == 200
    embedded = requests.get(f"{stripe}/invoices/{invoice}", headers=KEY, timeout=60).json()["lines"]
    assert (len(embedded["data"]), embedded["has_more"], embedded["total_count"]) == (10, True, 12)
    rest = requests.get(
        f"{stripe}/invoices/{invoice}/lines",
        params={"starting_after": embedded["data"][-1]["id"]},
        headers=KEY,
        timeout=60,
    ).json()
    assert ([line["amount"] for line in rest["data"]], rest["has_more"]) == ([20, 22], False)


def test_a_key_for_other_addresses_is_refused_with_401(stripe, sandbox):
    Levers(sandbox, "stripe")("allow_addresses")
    answer = requests.get(f"{stripe}/balance", headers=KEY, timeout=60)
    assert answer.status_code == 401 and "IP address" in answer.json()["error"]["message"]
    Levers(sandbox, "stripe")("reset")


def test_a_wrong_secret_key_at_the_token_endpoint_gets_the_error_object_of_the_api(sandbox):
    form = {"grant_type": "refresh_token", "refresh_token": "rt_x"}
    answer = requests.post(
        f"{sandbox}/stripe/v1/oauth/token", data=form, auth=("sk_test_rolled", ""), timeout=60
    )
    assert error_of(answer) == (401, "invalid_request_error")
