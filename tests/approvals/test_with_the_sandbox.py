"""Exactly once, counted by the imitated service itself."""

import threading
from datetime import timedelta

import pytest
from sqlmodel import select

from app import clock, database
from app.vault.models import Connection, Credential
from tests.conftest import both_databases
from tests.support.approvals import request_in, stored
from tests.support.consent import connect, sandbox_process  # noqa: F401

pytestmark = pytest.mark.usefixtures("patient_database")  # of what many do at once

ACT = {"organization": "Vandelay Industries", "email": "art@vandelay.example"}
NAME = "freshbooks_create_client"


@pytest.fixture
def sandbox(sandbox_process):  # noqa: F811
    sandbox_process.lever("freshbooks", "reset")
    return sandbox_process


@pytest.fixture
def environ(environ, sandbox):
    return {**environ, "SANDBOX_URL": sandbox.url}


@pytest.fixture
def anna(people, sign_in, connect):  # noqa: F811
    """alice's browser; her FreshBooks is connected and asks before writing."""
    visitor = sign_in(people.alice)
    connect(visitor, "freshbooks")
    visitor.submit("/integrations/freshbooks/permission", {"level": "ask"})
    with database.reading() as db:
        assert db.scalars(select(Connection.permission)).one() == "ask"
    return visitor


def writes(sandbox) -> int:
    """How many changing requests FreshBooks received."""
    seen = sandbox.log("freshbooks")["requests"]
    return sum(
        each["method"] == "POST" and "/accounting/" in each["path"] and each["status"] != 401 for each in seen
    )


@both_databases
def test_many_presses_at_once_are_one_write_at_the_service(alice, people, sign_in, anna, sandbox):
    approval_id = request_in(alice.call(NAME, ACT))
    visitors = [sign_in(people.alice) for _ in range(4)]
    for visitor in visitors:
        visitor.get("/approvals")
    start = threading.Barrier(4)

    def press(visitor) -> None:
        start.wait()
        visitor.submit(f"/approvals/{approval_id}/approve")

    threads = [threading.Thread(target=press, args=(visitor,)) for visitor in visitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = alice.call(NAME, ACT)
    assert done["success"] and done["data"]["organization"] == "Vandelay Industries", done
    assert done["message"].startswith("Approved by Alice")
    assert writes(sandbox) == 1


def test_a_stale_token_is_refreshed_on_the_way(alice, anna, sandbox):
    approval_id = request_in(alice.call(NAME, ACT))
    sandbox.lever("freshbooks", "expire")
    anna.get("/approvals")
    anna.submit(f"/approvals/{approval_id}/approve")
    assert alice.call(NAME, ACT)["success"]
    assert (writes(sandbox), sandbox.log("freshbooks")["refreshes"]) == (1, 1)


def test_a_dead_sign_in_leaves_it_waiting_and_it_is_done_after_reconnecting(alice, anna, sandbox, connect):  # noqa: F811
    approval_id = request_in(alice.call(NAME, ACT))
    sandbox.lever("freshbooks", "revoke")
    with database.transaction() as db:
        connection_id = db.scalars(select(Credential.connection_id)).one()
    anna.get("/approvals")
    anna.submit(f"/approvals/{approval_id}/approve")
    assert stored()[0].state == "waiting" and "reconnect" in stored()[0].problem.casefold()
    connect(anna, "freshbooks", connection=connection_id)
    anna.get("/approvals")
    anna.submit(f"/approvals/{approval_id}/approve")
    assert alice.call(NAME, ACT)["success"] and writes(sandbox) == 1
    with database.reading() as db:
        assert db.get(Connection, connection_id).permission == "ask"


def test_a_service_that_fails_in_the_middle_is_not_asked_again(alice, anna, sandbox, people):
    approval_id = request_in(alice.call(NAME, ACT))
    sandbox.lever("freshbooks", "fail", status=500, times=20)
    anna.get("/approvals")
    anna.submit(f"/approvals/{approval_id}/approve")
    assert stored()[0].state == "unknown"
    anna.get("/approvals")
    assert "Outcome unknown" in anna.page and "before trying again" in anna.page
    anna.submit(f"/approvals/{approval_id}/approve")
    envelope = alice.call(NAME, ACT)
    assert not envelope["success"] and "the outcome is unknown" in envelope["error"]["message"]
    assert writes(sandbox) == 1


def test_an_invoice_paid_down_meanwhile_is_not_emailed_as_it_was(alice, anna, sandbox):
    invoices = alice.call("freshbooks_list_invoices", {"status": "sent"})["data"]["items"]
    invoice = next(each for each in invoices if float(each["outstanding"]) > 10)
    mailing = {"invoice_id": invoice["invoice_id"], "confirm": True, "recipients": ["art@vandelay.example"]}
    payment = {"invoice_id": invoice["invoice_id"], "amount": "5.00", "date": f"{clock.now():%Y-%m-%d}"}
    emailed = request_in(alice.call("freshbooks_send_invoice", mailing))
    paid = request_in(alice.call("freshbooks_record_payment", payment))
    anna.get("/approvals")
    anna.submit(f"/approvals/{paid}/approve")
    assert alice.call("freshbooks_record_payment", payment)["success"]
    clock.shift(timedelta(minutes=5))
    anna.get("/approvals")
    anna.submit(f"/approvals/{emailed}/approve")
    [request] = stored(id=emailed)
    assert (
        request.state == "waiting"
        and " changed at FreshBooks since approval was requested." in request.problem
    )
    anna.get(f"/approvals/{emailed}")
    anna.submit(f"/approvals/{emailed}/approve")
    assert alice.call("freshbooks_send_invoice", mailing)["success"]
