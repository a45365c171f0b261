"""What Stripe refuses, and the cause that people are told."""

import dataclasses
import json

import pytest

from app.connectors.services import services_of
from app.connectors.stripe import CONNECTOR
from app.connectors.stripe.errors import read_error
from app.errors import (
    InvalidArguments,
    ObjectNotFound,
    PermissionDenied,
    ProviderError,
    ProviderRateLimited,
    ReconnectNeeded,
)
from app.outbound import Response
from app.vault import token_endpoint
from app.vault.token_answers import ClientMisconfigured
from tests.support.signed_in import SignedIn
from tests.support.stripe import byrd, requests_of, stripe_url  # noqa: F401


def answer(status, headers=None, **error):
    return Response(status, headers or {}, json.dumps({"error": error}).encode())


def test_a_key_for_other_addresses_is_not_called_dead(byrd):  # noqa: F811
    byrd.levers("allow_addresses")
    with pytest.raises(PermissionDenied, match="certain IP addresses only") as refused:
        byrd.call("get_balance")
    assert "rolled" not in refused.value.message
    assert [line["path"] for line in requests_of(byrd)].count("/v1/balance") == 1
    byrd.levers("reset")
    assert byrd.call("get_balance")["available"]


def test_connecting_with_a_key_for_other_addresses_says_so(byrd, stripe_url):  # noqa: F811
    byrd.levers("allow_addresses")
    with pytest.raises(PermissionDenied, match="add the server's address to the key"):
        SignedIn(CONNECTOR, stripe_url)


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("list_invoices", {"customer": "cus_nope"}),
        ("list_payments", {"customer": "cus_nope"}),
        ("list_subscriptions", {"price": "price_nope"}),
        ("create_refund", {"payment_intent": "pi_nope", "confirm": True}),
        ("create_refund", {"charge": "ch_nope", "confirm": True}),
        ("create_payment_link", {"price": "price_nope"}),
        ("get_invoice", {"invoice": "in_nope"}),
        ("list_invoice_lines", {"invoice": "in_nope"}),
    ],
)
def test_an_unknown_id_is_not_found_wherever_it_stands(byrd, verb, arguments):  # noqa: F811
    with pytest.raises(ObjectNotFound):
        byrd.call(verb, arguments)


def test_an_unknown_place_in_a_list_sends_back_to_its_start(byrd):  # noqa: F811
    with pytest.raises(InvalidArguments, match="list again from the first page"):
        byrd.call("list_payments", starting_after="pi_nope")


def test_a_rolled_key_needs_its_person(byrd):  # noqa: F811
    byrd.levers("roll_keys")
    with pytest.raises(ReconnectNeeded):
        byrd.call("get_balance")


def test_the_secret_key_of_the_operators_app_is_named_when_it_was_rolled(stripe_url):  # noqa: F811
    there = SignedIn(CONNECTOR, stripe_url, auth_method="oauth")
    rolled = dataclasses.replace(there.where, client_secret="sk_test_rolled")
    with pytest.raises(ClientMisconfigured, match="this installation's client id and secret"):
        token_endpoint.refresh(CONNECTOR, rolled, there.tokens["refresh_token"])
    assert token_endpoint.refresh(CONNECTOR, there.where, there.tokens["refresh_token"]).access_token


def test_a_limit_without_a_time_is_waited_for_briefly(byrd):  # noqa: F811
    byrd.levers("rate_limit", times=1)
    assert byrd.call("get_balance")["available"]


@pytest.mark.parametrize(
    ("refusal", "kind", "words"),
    [
        (
            answer(
                402, type="card_error", code="card_declined", decline_code="insufficient_funds", message="No"
            ),
            ProviderError,
            "declined",
        ),
        (
            answer(
                404, code="resource_missing", message="No such customer; a similar object exists in live mode"
            ),
            ObjectNotFound,
            "live mode only",
        ),
        (
            answer(400, code="resource_missing", param="customer", message="No such customer: 'cus_1'"),
            ObjectNotFound,
            "has no record with that id",
        ),
        (
            answer(400, code="parameter_missing", param="customer", message="Missing"),
            InvalidArguments,
            "about customer",
        ),
        (answer(409, code="idempotency_key_in_use", message="Busy"), ProviderRateLimited, "still working"),
        (answer(429, code="lock_timeout", message="Locked"), ProviderRateLimited, "still working"),
    ],
)
def test_a_refusal_says_what_to_do(refusal, kind, words):
    error = read_error(refusal)
    assert isinstance(error, kind) and words in error.message


def test_a_key_is_never_repeated_not_even_in_part():
    error = read_error(
        answer(
            403,
            code="more_permissions_required",
            message="The provided key 'rk_live_****abcd' lacks 'rak_invoice_read'.",
        )
    )
    assert "abcd" not in json.dumps(error.details) and error.details["permission"] == "rak_invoice_read"


def test_what_is_no_refusal_of_stripe_is_left_to_the_status():
    assert read_error(Response(403, {}, b"<html>")) is None and read_error(Response(200, {}, b"{}")) is None
    assert services_of(None).get("stripe") is CONNECTOR
