"""The pages `/webhooks`: what owners and admins can do there, who may, and what the trail says of it."""

import json
import re

import pytest
from sqlmodel import select
from standardwebhooks import WebhookVerificationError

from app import database
from app.accounts.models import User
from app.audit import AuditEntry
from app.webhooks.models import WebhookDelivery, WebhookEndpoint
from app.workspaces.models import Membership
from tests.support.visitor import Visitor
from tests.webhooks.conftest import EVERY_EVENT


def trail():
    with database.reading() as db:
        entries = db.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    return [entry for entry in entries if entry.action.startswith("webhook.")]


def rows(model=WebhookEndpoint):
    with database.reading() as db:
        return list(db.scalars(select(model)).all())


def text_of(visitor: Visitor) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", visitor.page.partition("<main")[2]).split())


def test_the_secret_is_displayed_once_and_stored_sealed(add, alice, people):
    endpoint = add()
    assert alice.get(endpoint.path).status_code == 200
    assert "whsec_" not in alice.page and "whsec_" not in alice.get("/webhooks").text
    row = endpoint.row()
    assert row.secret_sealed.startswith("v1:t1:") and endpoint.secret not in row.secret_sealed
    assert row.created_by == people.alice.id and row.workspace_id == people.northwind.id


def test_a_test_event_arrives_signed_and_its_result_is_on_the_page(add, alice, receiver):
    endpoint = add()
    alice.follow(alice.submit(f"{endpoint.path}/test"))
    assert re.search(r"Delivered: status 204 after \d+ ms\.", text_of(alice))
    [request] = receiver.requests
    payload = request.verify(endpoint.secret)
    assert payload["type"] == "webhook.test" and payload["data"]["endpoint_id"] == endpoint.id
    assert payload["data"]["link"] == f"http://localhost:8000{endpoint.path}"
    assert request.headers["content-type"] == "application/json"
    assert request.path == "/hooks?team=1"


def test_with_htmx_the_test_answers_with_the_log_alone(add, alice, receiver):
    endpoint, receiver.status, receiver.body = add(), 500, b"stack trace with a secret"
    answer = alice.submit(f"{endpoint.path}/test", htmx=True)
    assert answer.status_code == 200 and '<section id="log"' in answer.text and "<html" not in answer.text
    assert "Not delivered. The receiver answered 500." in answer.text
    assert "stack trace" not in answer.text + alice.get(endpoint.path).text


def test_the_log_is_polled_and_says_nothing_while_nothing_changes(add, alice):
    endpoint = add()
    alice.submit(f"{endpoint.path}/test")
    alice.get(endpoint.path)
    poll = re.search(r'hx-get="([^"]+/log\?seen=[^"]*)"', alice.page)[1]
    assert alice.client.get(poll).status_code == 204
    alice.submit(f"{endpoint.path}/test")
    answer = alice.client.get(poll)
    assert answer.status_code == 200 and answer.text.count("webhook.test</code>") == 2


def test_the_log_names_event_attempts_status_duration_and_error(add, alice, receiver, announce, send_due):
    endpoint = add()
    receiver.status = 503
    announce()
    send_due()
    alice.get(endpoint.path)
    [attempt] = endpoint.attempts()
    assert (attempt.status, attempt.milliseconds >= 0) == (503, True)
    text = text_of(alice)
    assert "member.joined" in text and "Retrying" in text and "Failing" in text
    assert f"status 503, {attempt.milliseconds} ms. The receiver answered 503." in text


def test_send_again_repeats_a_delivery_under_its_id(add, alice, receiver, announce, send_due):
    endpoint = add()
    announce()
    send_due()
    [delivery] = endpoint.deliveries()
    alice.follow(alice.submit(f"/webhooks/deliveries/{delivery.id}/resend"))
    assert "Delivered: status 204" in text_of(alice)
    first, second = receiver.requests
    assert first.id == second.id == delivery.event_id and first.body == second.body
    assert second.verify(endpoint.secret)
    assert len(endpoint.attempts()) == 2


def test_older_deliveries_are_on_further_pages(add, alice, announce):
    endpoint = add()
    for _ in range(30):
        announce()
    alice.get(endpoint.path)
    first = set(re.findall(r'id="(whd_\w+)"', alice.page))
    alice.get(re.search(rf'href="({endpoint.path}\?before=\w+)#log"', alice.page)[1])
    second = set(re.findall(r'id="(whd_\w+)"', alice.page))
    assert (len(first), len(second), first & second) == (25, 5, set())
    assert f"{endpoint.path}/log" not in alice.page, "an older page would be replaced by the newest"


def test_settings_can_be_changed(add, alice, receiver, start_receiver, announce, send_due):
    endpoint, other = add(), start_receiver()
    alice.follow(
        alice.submit(
            endpoint.path, {"url": other.url, "description": "  Ops\n bot ", "events": ["limit.reached"]}
        )
    )
    assert "Saved. It applies to events from now on." in text_of(alice) and "Ops bot" in alice.page
    announce()
    announce("limit.reached")
    send_due()
    assert (receiver.types(), other.types()) == ([], ["limit.reached"])


def test_an_endpoint_that_is_off_gets_nothing_until_it_is_on(add, alice, receiver, announce, send_due):
    endpoint = add()
    announce()
    alice.follow(alice.submit(f"{endpoint.path}/enabled", {"enabled": "no"}))
    assert "Turned off." in text_of(alice)
    announce()
    assert send_due() == 0
    refused = alice.submit(f"{endpoint.path}/test")
    assert refused.status_code == 400 and "Turn it on first" in text_of(alice)
    alice.submit(f"{endpoint.path}/enabled", {"enabled": "yes"})
    [waited] = endpoint.deliveries()
    assert waited.state == "failed" and send_due() == 0
    alice.submit(f"/webhooks/deliveries/{waited.id}/resend")
    assert receiver.types() == ["member.joined"]


def test_a_deleted_endpoint_is_gone_with_its_log(add, alice, announce, send_due):
    endpoint = add()
    announce()
    send_due()
    alice.follow(alice.submit(f"{endpoint.path}/delete"))
    assert "deleted" in text_of(alice)
    assert rows() == [] and rows(WebhookDelivery) == []
    assert alice.get(endpoint.path).status_code == 404


def test_a_rotated_secret_signs_together_with_the_one_before_for_a_day(
    add, alice, receiver, announce, send_due
):
    endpoint = add()
    alice.submit(f"{endpoint.path}/rotate")
    secret = re.search(r'value="(whsec_[^"]+)"', alice.page)[1]
    assert secret != endpoint.secret
    announce()
    send_due()
    [request] = receiver.requests
    assert request.verify(secret) and request.verify(endpoint.secret)
    assert len(request.headers["webhook-signature"].split()) == 2


def test_rotating_twice_in_a_day_ends_the_oldest_secret_and_says_so_before(
    add, alice, receiver, announce, send_due
):
    endpoint = add()
    warning = "The one before it stops at once."
    assert warning not in alice.get(endpoint.path).text
    alice.submit(f"{endpoint.path}/rotate")
    second = re.search(r'value="(whsec_[^"]+)"', alice.page)[1]
    assert warning in alice.get(endpoint.path).text
    alice.submit(f"{endpoint.path}/rotate")
    announce()
    send_due()
    [request] = receiver.requests
    assert request.verify(second)
    with pytest.raises(WebhookVerificationError):
        request.verify(endpoint.secret)


def test_a_secret_whose_key_is_lost_is_replaced_by_rotating(add, alice, receiver):
    endpoint = add()
    with database.transaction() as db:
        db.get_one(WebhookEndpoint, endpoint.id).secret_sealed = "v1:lost:AAAA"
    alice.follow(alice.submit(f"{endpoint.path}/test"))
    assert "The signing secret could not be opened. Rotate it" in text_of(alice) and receiver.requests == []
    assert alice.submit(f"{endpoint.path}/rotate").status_code == 200
    secret = re.search(r'value="(whsec_[^"]+)"', alice.page)[1]
    alice.submit(f"{endpoint.path}/test")
    assert receiver.requests[0].verify(secret)


def test_a_workspace_has_at_most_five(add, alice):
    for _ in range(5):
        add()
    alice.get("/webhooks")
    assert "Delete one to add another" in text_of(alice) and 'name="url"' not in alice.page
    answer = alice.submit("/webhooks", {"url": "https://example.com/", "events": EVERY_EVENT})
    assert answer.status_code == 400 and "at most 5 webhooks" in text_of(alice)
    assert len(rows()) == 5


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"events": []}, "Choose at least one event."),
        ({"events": ["nothing.happened"]}, "There is no such event."),
        ({"description": "x" * 201}, "A description has at most 200 characters."),
        ({"url": ""}, "Enter the URL that receives the events."),
    ],
)
def test_what_cannot_be_used_is_refused_and_stays_in_the_form(alice, receiver, add, form, sentence):
    valid = {"url": receiver.url, "description": "Ops bot", "events": ["member.joined"]}
    answer = alice.submit("/webhooks", {**valid, **form})
    assert answer.status_code == 400 and sentence in text_of(alice)
    assert 'value="Ops bot"' in alice.page or "description" in form
    assert rows() == []
    endpoint = add()
    before = endpoint.row().model_dump()
    answer = alice.submit(endpoint.path, {**valid, **form})
    assert answer.status_code == 400 and sentence in text_of(alice)
    assert endpoint.row().model_dump() == before


@pytest.mark.usefixtures("early")
def test_sending_by_hand_is_limited(add, alice, receiver):
    endpoint = add()
    answers = [alice.submit(f"{endpoint.path}/test").status_code for _ in range(11)]
    assert answers == [303] * 10 + [429]
    assert len(receiver.requests) == 10 == len(endpoint.deliveries())


def test_every_change_is_in_the_trail_without_the_path_of_the_url(add, alice, receiver, people):
    endpoint = add()
    alice.submit(endpoint.path, {"url": receiver.url, "description": "Ops bot", "events": EVERY_EVENT})
    alice.submit(f"{endpoint.path}/rotate")
    for enabled in ("no", "yes"):
        alice.submit(f"{endpoint.path}/enabled", {"enabled": enabled})
    alice.submit(f"{endpoint.path}/delete")
    entries = trail()
    assert [entry.action.partition(".")[2] for entry in entries] == [
        *("created", "changed", "secret_rotated", "disabled", "enabled", "deleted")
    ]
    assert {(entry.user_id, entry.subject) for entry in entries} == {(people.alice.id, endpoint.id)}
    assert not [entry for entry in entries if "team=1" in str(entry.details) or "whsec" in str(entry.details)]
    alice.get("/activity?kind=team")
    text = text_of(alice)
    for words in ("added the webhook to 127.0.0.1", "rotated the secret of", "deleted the webhook to"):
        assert f"Alice {words}" in text


def test_members_see_no_link_and_may_not_open_the_page(people, sign_in, add):
    endpoint, bob = add(), sign_in(people.bob)
    assert 'href="/webhooks"' not in bob.get("/account").text
    for path in ("/webhooks", endpoint.path, f"{endpoint.path}/log"):
        answer = bob.get(path)
        assert answer.status_code == 403 and "Only owners and admins manage webhooks" in text_of(bob)
    assert 'href="/webhooks"' in sign_in(people.alice).get("/account").text


def test_an_admin_may_and_may_not_once_demoted(people, sign_in, add, receiver):
    with database.transaction() as db:
        db.get_one(Membership, (people.northwind.id, people.bob.id)).role = "admin"
    bob = sign_in(people.bob)
    endpoint = add(by=bob)
    assert bob.submit(f"{endpoint.path}/test").status_code == 303
    with database.transaction() as db:
        db.get_one(Membership, (people.northwind.id, people.bob.id)).role = "member"
    assert bob.submit(f"{endpoint.path}/test").status_code == 403
    assert len(receiver.requests) == 1


def test_an_endpoint_of_another_workspace_does_not_exist(people, sign_in, add, announce, send_due, receiver):
    endpoint, charlie = add(), sign_in(people.charlie)
    announce()
    [delivery] = endpoint.deliveries()
    before = endpoint.row().model_dump()
    form = {"url": receiver.url, "events": EVERY_EVENT, "enabled": "no"}
    for path in (*("", "/test", "/rotate", "/enabled", "/delete"),):
        assert charlie.submit(endpoint.path + path, form).status_code == 404, path
        assert charlie.submit("/webhooks/whk_unknown" + path, form).status_code == 404, path
    assert charlie.get(endpoint.path).status_code == 404
    assert endpoint.row().model_dump() == before and receiver.requests == []
    add(by=charlie)
    assert charlie.submit(f"/webhooks/deliveries/{delivery.id}/resend").status_code == 404
    send_due()
    assert receiver.types() == ["member.joined"] and receiver.requests[0].verify(endpoint.secret)


def test_deleting_the_workspace_deletes_its_webhooks(add, alice, announce, send_due):
    endpoint = add()
    announce()
    send_due()
    assert endpoint.attempts()
    alice.get("/account")
    answer = alice.submit("/account/workspace/delete", {"typed_name": "Northwind"})
    assert answer.status_code == 303, alice.page
    assert rows() == [] and rows(WebhookDelivery) == []


def test_what_names_a_person_goes_with_their_account(add, alice, announce, people):
    endpoint = add()
    announce(user_id=people.bob.id, email=people.bob.email)
    announce("limit.reached")
    with database.transaction() as db:
        db.delete(db.get_one(User, people.bob.id))
    assert [delivery.type for delivery in endpoint.deliveries()] == ["limit.reached"]


def test_the_copy_of_ones_data_names_the_webhooks_one_added(add, alice, receiver):
    endpoint = add(description="Ops bot", wanted=["limit.reached"])
    copy = json.loads(alice.get("/account/export").text)
    [webhook] = copy["webhooks"]
    assert (webhook["id"], webhook["description"], webhook["events"]) == (
        endpoint.id,
        "Ops bot",
        ["limit.reached"],
    )
    assert "whsec_" not in str(copy) and receiver.url not in str(copy)
