"""Stripe in the hub: a key that may be used from certain IP addresses only."""

from tests.hub.test_forms import connect, fill_in, press_connect
from tests.support.consent import connections_of


def test_connecting_with_a_key_for_other_addresses_names_that_cause(people, sign_in, sandbox):
    alice = sign_in(people.alice)
    press_connect(alice)
    sandbox.lever("stripe", "allow_addresses")
    answer = fill_in(alice)
    assert answer.status_code >= 400 and "certain IP addresses only" in alice.page
    assert "rolled" not in alice.page and connections_of(alice, "stripe") == []
    sandbox.lever("stripe", "reset")
    press_connect(alice)
    assert fill_in(alice).status_code == 303


def test_an_address_that_is_not_allowed_ends_no_connection(people, sign_in, sandbox):
    alice = sign_in(people.alice)
    connect(alice)
    [connection] = connections_of(alice, "stripe")
    sandbox.lever("stripe", "allow_addresses")
    alice.submit("/integrations/stripe/test", {"connection": connection["id"]})
    [after] = connections_of(alice, "stripe")
    assert after["state"] == "connected"
    sandbox.lever("stripe", "reset")
