"""What owners and admins do with endpoints. Every change leaves an entry in the audit trail."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from app import audit, clock, crypto
from app.accounts import budgets
from app.config import Settings
from app.connectors.rows import plain
from app.errors import Forbidden, InvalidInput, NotFound, Undecipherable
from app.events import CATALOGUE
from app.vault.seal import seal
from app.webhooks import outbox, queue, signing
from app.webhooks.addresses import host_of
from app.webhooks.models import LONGEST_DESCRIPTION, PENDING, WebhookDelivery, WebhookEndpoint
from app.workspaces import members
from app.workspaces.guard import Member

MOST_ENDPOINTS = 5
OVERLAP = timedelta(hours=24)  # the secret before a rotation signs for so long
_SENT_BY_HAND = budgets.Rule("webhook-sent-by-hand", 10, 60)


@dataclass(frozen=True)
class EndpointForm:
    """What a person entered, with a URL that `addresses.check` has accepted."""

    url: str
    description: str
    events: Collection[str]

    def checked(self) -> "EndpointForm":
        """The form with its fields in order. Raises InvalidInput with what to change."""
        description = " ".join(str(plain(self.description)).split())
        if len(description) > LONGEST_DESCRIPTION:
            raise InvalidInput(f"A description has at most {LONGEST_DESCRIPTION} characters.")
        if not self.events:
            raise InvalidInput("Choose at least one event.")
        if not set(self.events) <= CATALOGUE.keys():
            raise InvalidInput("There is no such event. Reload the page and choose again.")
        return EndpointForm(self.url, description, [name for name in CATALOGUE if name in self.events])


def check_manages(member: Member) -> None:
    """Raises Forbidden for anybody but owners and admins."""
    if not member.manages:
        raise Forbidden("Only owners and admins manage webhooks. Ask one of them.")


def list_of(db: Session, member: Member) -> Sequence[WebhookEndpoint]:
    """The endpoints of the member's workspace, oldest first. Raises Forbidden."""
    check_manages(member)
    mine = select(WebhookEndpoint).where(col(WebhookEndpoint.workspace_id) == member.workspace.id)
    return db.scalars(mine.order_by(col(WebhookEndpoint.created_at), col(WebhookEndpoint.id))).all()


def get(db: Session, member: Member, endpoint_id: str) -> WebhookEndpoint:
    """One endpoint of the member's workspace. Raises Forbidden, and NotFound for any other id."""
    check_manages(member)
    endpoint = db.get(WebhookEndpoint, endpoint_id)
    if endpoint is None or endpoint.workspace_id != member.workspace.id:
        raise NotFound("There is no such webhook. It may have been deleted.")
    return endpoint


def create(
    db: Session, settings: Settings, member: Member, form: EndpointForm
) -> tuple[WebhookEndpoint, str]:
    """Add an endpoint. Returns it with its secret, which nobody can read again.

    Raises Forbidden, and InvalidInput if the workspace has its full number.
    """
    check_manages(member)
    form = form.checked()
    members.lock(db, member.workspace.id)  # two at once must not pass the limit together
    count = select(func.count()).where(col(WebhookEndpoint.workspace_id) == member.workspace.id)
    if db.execute(count).scalar_one() >= MOST_ENDPOINTS:
        raise InvalidInput(f"A workspace has at most {MOST_ENDPOINTS} webhooks. Delete one first.")
    endpoint = WebhookEndpoint(
        id=crypto.new_id("whk"),
        workspace_id=member.workspace.id,
        url=form.url,
        description=form.description,
        events=list(form.events),
        created_at=clock.now(),
        created_by=member.user.id,
    )
    secret = signing.new_secret()
    seal(settings.vault_keys, endpoint, "secret_sealed", secret)
    db.add(endpoint)
    _record(db, "webhook.created", endpoint, member, events=endpoint.events)
    return endpoint, secret


def change(db: Session, member: Member, endpoint_id: str, form: EndpointForm) -> bool:
    """Change URL, description and events. Returns False if nothing changed. Raises as `create`."""
    endpoint, form = _locked(db, member, endpoint_id), form.checked()
    values = {"url": form.url, "description": form.description, "events": list(form.events)}
    changed = sorted(name for name, value in values.items() if getattr(endpoint, name) != value)
    if not changed:
        return False
    for name, value in values.items():
        setattr(endpoint, name, value)
    if "url" in changed:  # what failed there says nothing about the new one
        endpoint.failures, endpoint.failing_since, endpoint.paused_until = 0, None, None
        outbox.wake_after_commit(db)
    _record(db, "webhook.changed", endpoint, member, changed=changed)
    return True


def rotate(db: Session, settings: Settings, member: Member, endpoint_id: str) -> str:
    """Make a new secret and return it. The one before signs as well for 24 hours. Raises NotFound."""
    endpoint = _locked(db, member, endpoint_id)
    secret = signing.new_secret()
    try:
        before = queue.secret_of(settings, endpoint)
        seal(settings.vault_keys, endpoint, "previous_secret_sealed", before)
        endpoint.previous_until = clock.now() + OVERLAP
    except Undecipherable:  # its key is lost: a new secret is what repairs the endpoint
        endpoint.previous_secret_sealed = endpoint.previous_until = None
    seal(settings.vault_keys, endpoint, "secret_sealed", secret)
    _record(db, "webhook.secret_rotated", endpoint, member)
    return secret


def set_enabled(db: Session, member: Member, endpoint_id: str, enabled: bool) -> None:
    """Turn an endpoint on or off. Raises NotFound. Repeating it changes nothing."""
    endpoint = _locked(db, member, endpoint_id)
    if enabled is (endpoint.disabled_at is None):
        return
    if enabled:
        queue.turn_on(endpoint)
    else:
        queue.turn_off(db, endpoint)
    _record(db, "webhook.enabled" if enabled else "webhook.disabled", endpoint, member)


def remove(db: Session, member: Member, endpoint_id: str) -> str:
    """Delete an endpoint with its log. Returns its host. Raises NotFound."""
    endpoint = _locked(db, member, endpoint_id)
    _record(db, "webhook.deleted", endpoint, member)
    db.delete(endpoint)
    return host_of(endpoint.url)


def test(db: Session, settings: Settings, member: Member, endpoint_id: str) -> str:
    """Store a test event. Returns the id of its delivery. Raises NotFound, InvalidInput, BudgetSpent."""
    endpoint = _sendable(db, settings, member, endpoint_id)
    return outbox.store_test(db, endpoint)


def send_again(db: Session, settings: Settings, member: Member, delivery_id: str) -> WebhookDelivery:
    """Begin a new schedule for a delivery, under the same webhook-id. Returns it. Raises as `test`."""
    check_manages(member)
    delivery = db.get(WebhookDelivery, delivery_id)
    if delivery is None or delivery.workspace_id != member.workspace.id:
        raise NotFound("There is no such delivery. The log reaches back 30 days.")
    _sendable(db, settings, member, delivery.endpoint_id)
    db.refresh(delivery)
    delivery.state, delivery.tries, delivery.next_at = PENDING, 0, clock.now()
    return delivery


def _locked(db: Session, member: Member, endpoint_id: str) -> WebhookEndpoint:
    get(db, member, endpoint_id)
    endpoint = queue.lock(db, endpoint_id)
    if endpoint is None:
        raise NotFound("There is no such webhook. It may have been deleted.")
    return endpoint


def _sendable(db: Session, settings: Settings, member: Member, endpoint_id: str) -> WebhookEndpoint:
    """An endpoint that is on, if the workspace has not sent by hand too often."""
    endpoint = _locked(db, member, endpoint_id)
    if endpoint.disabled_at is not None:
        raise InvalidInput("This webhook is turned off. Turn it on first.")
    budgets.take(db, settings, _SENT_BY_HAND, member.workspace.id)
    return endpoint


def _record(db: Session, action: str, endpoint: WebhookEndpoint, member: Member, **details: Any) -> None:
    host = host_of(endpoint.url)
    audit.record(db, action, **audit.about(endpoint, member.user.id), host=host, **details)
