"""Events become deliveries: one row per endpoint, in the transaction of what happened."""

import json
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import event as sqlalchemy_event
from sqlmodel import Session, col, select

from app import clock, crypto
from app.audit import in_full
from app.config import Settings
from app.database import upsert_into
from app.events import Event
from app.webhooks.models import PENDING, TEST, WebhookDelivery, WebhookEndpoint

# Set when something is due: the sender of this process need not wait until it looks again.
due_now = threading.Event()

_public_url = ""


def bind(settings: Settings) -> None:
    """Write the links of events for this installation from now on."""
    global _public_url
    _public_url = settings.public_url


def store(db: Session, event: Event) -> None:
    """Store an event for every endpoint of its workspace that wants it. Subscribed to `app.events`."""
    query = select(WebhookEndpoint).where(
        col(WebhookEndpoint.workspace_id) == event.workspace_id, col(WebhookEndpoint.disabled_at).is_(None)
    )
    # The lock makes a deletion wait: a row for an endpoint that is gone would undo what happened.
    endpoints = [
        endpoint
        for endpoint in db.exec(query.with_for_update(read=True, key_share=True))
        if event.type.name in endpoint.events
    ]
    if not endpoints:
        return
    data = {
        "workspace_id": event.workspace_id,
        **event.data,
        "sentence": event.sentence,
        "link": _public_url + event.path,
    }
    event_id, body = crypto.new_id("evt"), _body(event.type.name, event.at, data)
    rows = [
        _row(endpoint, event_id, event.type.name, body, event.at)
        | {"once": event.once or None, "user_id": event.data.get("user_id")}
        for endpoint in endpoints
    ]
    db.execute(upsert_into(WebhookDelivery).values(rows).on_conflict_do_nothing())
    wake_after_commit(db)


def store_test(db: Session, endpoint: WebhookEndpoint) -> str:
    """Store a test event for one endpoint. Returns the id of the delivery."""
    at = clock.now()
    data = {
        "workspace_id": endpoint.workspace_id,
        "endpoint_id": endpoint.id,
        "sentence": "This is a test event. Your receiver works if it verifies the signature and answers 204.",
        "link": f"{_public_url}/webhooks/{endpoint.id}",
    }
    row = WebhookDelivery(**_row(endpoint, crypto.new_id("evt"), TEST, _body(TEST, at, data), at))
    db.add(row)
    return row.id


def wake_after_commit(db: Session) -> None:
    """Wake the sender of this process once the session has committed."""
    sqlalchemy_event.listen(db, "after_commit", lambda _: due_now.set(), once=True)


def _body(name: str, at: datetime, data: Mapping[str, Any]) -> str:
    payload = {"type": name, "timestamp": in_full(at), "data": data}
    return json.dumps(payload, separators=(",", ":"))


def _row(endpoint: WebhookEndpoint, event_id: str, name: str, body: str, at: datetime) -> dict[str, Any]:
    return {
        "id": crypto.new_id("whd"),
        "workspace_id": endpoint.workspace_id,
        "endpoint_id": endpoint.id,
        "event_id": event_id,
        "type": name,
        "body": body,
        "state": PENDING,
        "tries": 0,
        "next_at": at,
        "created_at": at,
    }
