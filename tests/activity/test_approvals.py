"""A write that an AI client requested and a person approved, as the activity page shows it: one line."""

import re

from sqlmodel import func, select

from app import database
from app.audit import AuditEntry
from tests.support.approvals import request_in
from tests.support.mcp_client import (  # noqa: F401
    acme_service,
    alice,
    asking,
    client_of,
    connect,
    token_for,
)

NAME = "acme_create_thing"


def lines_of(visitor):
    """The lines about the write, each with its state."""
    visitor.get("/activity")
    summaries = re.findall(r"<summary>(.*?)</summary>", visitor.page, re.S)
    words = [" ".join(re.sub("<[^>]+>", " ", each).split()) for each in summaries]
    return [re.sub(r" \d\d:\d\d$", "", each) for each in words if "for Alice" in each]


def decide(visitor, approval_id, deed):
    visitor.get("/approvals")
    assert visitor.submit(f"/approvals/{approval_id}/{deed}").status_code in {200, 303}


def test_it_is_one_line_from_the_request_to_the_outcome(alice, asking, people, sign_in):  # noqa: F811
    owner = sign_in(people.alice)
    approval_id = request_in(alice.call(NAME, {"text": "two chairs"}))
    line = "test client for Alice: Create a thing: “two chairs”"
    assert lines_of(owner) == [f"{line} Waiting for approval"]
    alice.call(NAME, {"text": "two chairs"})  # it asks again meanwhile
    assert lines_of(owner) == [f"{line} Waiting for approval"]
    decide(owner, approval_id, "approve")
    assert lines_of(owner) == [f"{line} Done"]
    for step in ("Requested by test client for Alice", "Approved by Alice", "<b>Ran</b>", "<b>Done</b>"):
        assert step in owner.page
    assert alice.call(NAME, {"text": "two chairs"})["success"]  # the outcome is fetched
    assert lines_of(owner) == [f"{line} Done"]
    with database.reading() as db:
        assert db.exec(select(func.count()).select_from(AuditEntry)).one() >= 6


def test_a_rejected_one_is_no_failure(alice, asking, people, sign_in):  # noqa: F811
    owner = sign_in(people.alice)
    decide(owner, request_in(alice.call(NAME, {"text": "two chairs"})), "reject")
    (line,) = lines_of(owner)
    assert line.endswith("“two chairs” Rejected") and 'class="badge error"' not in owner.page
