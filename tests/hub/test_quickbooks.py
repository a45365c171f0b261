"""QuickBooks names the company only in the address the browser comes back to: nobody may write another one
there.
"""

import re
from datetime import timedelta

import pytest
from sqlmodel import select

from app import clock, database
from app.vault.models import Connection
from app.vault.refresh import TokenVault
from tests.support.consent import connections_of, consent_parameters
from tests.support.processes import Levers
from tests.support.waiting import until

MAPLE, NORTHERN = "9341454816381446", "9130357849302146"


def leave(alice):
    alice.get("/integrations")
    return alice.submit("/integrations/quickbooks").headers["Location"]


def stored():
    with database.reading() as db:
        return list(db.exec(select(Connection)).all())


def test_the_company_that_was_chosen_is_connected_and_named(alice, connect):
    connect(alice, "quickbooks", "northern")
    assert "QuickBooks connected: Northern Lights Events" in alice.page
    [connection] = stored()
    assert (connection.account_key, connection.facts, connection.businesses[0]["id"]) == (
        NORTHERN,
        {"realmId": NORTHERN},
        NORTHERN,
    )
    alice.follow(alice.submit("/integrations/quickbooks/test"))
    assert connections_of(alice, "quickbooks")[0]["state"] == "connected"


def test_the_end_after_five_years_is_stored_and_no_refresh_moves_it(alice, connect, settings):
    connect(alice, "quickbooks", "northern")
    [before] = stored()
    years = (before.hard_ends_at - clock.now()).days / 365
    assert 4.9 < years <= 5 and before.signin_ends_at < before.hard_ends_at, "a hundred days without use"
    clock.shift(timedelta(seconds=90))
    Levers(settings.sandbox_url, "quickbooks")("advance", seconds=90)
    TokenVault(settings, before).renew()
    [after] = stored()
    assert abs((after.hard_ends_at - before.hard_ends_at).total_seconds()) < 60
    assert after.signin_ends_at > before.signin_ends_at


def test_no_challenge_is_sent_to_a_service_that_documents_none(alice):
    question = consent_parameters(leave(alice))
    assert (
        not [name for name in question if name.startswith("code_challenge")] and len(question["state"]) >= 43
    )
    assert question["scope"] == "com.intuit.quickbooks.accounting"


@pytest.mark.parametrize(
    "forged",
    [
        f"realmId={NORTHERN}",
        "realmId=1",
        "realmId=",
        "realmId=..%2F..%2Fx",
        f"realmId={MAPLE}&realmId={NORTHERN}",
        "company=1",
        "realmId=%00",
    ],
)
def test_a_company_written_into_the_callback_is_not_kept_and_the_stray_sign_in_is_ended(
    alice, sandbox, connect, forged
):
    callback = sandbox.approve(leave(alice), "maple")
    alice.follow(alice.get(re.sub(r"realmId=\d+", forged, callback)))
    assert "QuickBooks connection failed. Please try again." in alice.page
    assert stored() == []
    until(lambda: sandbox.log("quickbooks")["revocations"] == 1)
    connect(alice, "quickbooks", "maple")
    assert [c.account_key for c in stored()] == [MAPLE]


def test_reconnecting_with_another_company_changes_nothing(alice, sandbox, connect):
    connect(alice, "quickbooks", "maple")
    [before] = stored()
    alice.get("/integrations")
    leaving = alice.submit("/integrations/quickbooks", {"connection": before.id})
    alice.follow(alice.get(sandbox.approve(leaving.headers["Location"], "northern")))
    assert "different QuickBooks account" in alice.page
    assert [(c.id, c.account_key) for c in stored()] == [(before.id, MAPLE)]


def test_two_companies_are_two_connections(alice, connect):
    connect(alice, "quickbooks", "maple")
    connect(alice, "quickbooks", "northern")
    assert {c.account_key for c in stored()} == {MAPLE, NORTHERN}


def test_disconnecting_revokes_that_company_alone(alice, sandbox, connect):
    connect(alice, "quickbooks", "maple")
    connect(alice, "quickbooks", "northern")
    gone = next(c for c in stored() if c.account_key == MAPLE)
    alice.submit("/integrations/quickbooks/disconnect", {"connection": gone.id})
    until(lambda: sandbox.log("quickbooks")["revocations"] == 1)
    alice.follow(alice.submit("/integrations/quickbooks/test"))
    assert [(c["account"], c["state"]) for c in connections_of(alice, "quickbooks")] == [
        ("Northern Lights Events", "connected")
    ]
