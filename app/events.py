"""What happens in a workspace and may be reported outside: the catalogue, and how it is announced.

Whoever changes something announces it with the session of that change, so an event is stored if and only if
the change is. Packages that report events subscribe when the application is built: the packages that announce
stand below them and do not know them.

An event holds ids, labels, the service, one sentence of ours and a link. It holds no secret, no argument of a
call and no content of a service.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from app import clock

_SERVICE = {
    "connection_id": "id of the connection",
    "service": "short name of the service, such as xero",
    "service_name": "name of the service, such as Xero",
}
_APPROVAL = {
    "approval_id": "id of the request",
    **_SERVICE,
    "tool": "name of the tool that was called",
    "title": "title of the tool",
    "client": "name of the AI client, or an empty text",
    "user_id": "id of the person whose AI client asks",
    "is_destructive": "whether the write deletes or overwrites something",
}


@dataclass(frozen=True)
class EventType:
    """One kind of event. `path` leads to what it is about; `fields` are those of its data, with meanings."""

    name: str
    label: str
    meaning: str
    path: str
    fields: Mapping[str, str]


_TYPES = (
    EventType(
        "connection.broken",
        "Connection broken",
        "A connection stopped working. It needs to be reconnected, or may recover on its own.",
        "/integrations#card-{connection_id}",
        {
            **_SERVICE,
            "label": "name of a shared connection; empty for a personal one",
            "may_recover": "true while calls still try whether it works again",
        },
    ),
    EventType(
        "connection.recovered",
        "Connection recovered",
        "A broken connection works again: someone reconnected it, or it recovered on its own.",
        "/integrations#card-{connection_id}",
        {**_SERVICE, "label": "name of a shared connection; empty for a personal one"},
    ),
    EventType(
        "approval.waiting",
        "Approval waiting",
        "An AI client's write is waiting for approval, or an approved one couldn't start.",
        "/approvals/{approval_id}",
        {**_APPROVAL, "expires_at": "when the request expires"},
    ),
    EventType(
        "approval.decided",
        "Approval decided",
        "A write was approved or rejected, or its request expired.",
        "/approvals/{approval_id}",
        {
            **_APPROVAL,
            "decision": "approved, rejected or expired",
            "decided_by": "id of the person who decided, or null",
        },
    ),
    EventType(
        "limit.reached",
        "Limit reached",
        "The workspace used all its calls for this minute or day. Sent once for each.",
        "/usage/limits",
        {
            "window": "minute or day",
            "limit": "calls per window",
            "resets_at": "when calls are accepted again",
        },
    ),
    EventType(
        "member.joined",
        "Member joined",
        "Someone joined the workspace.",
        "/team",
        {
            "user_id": "id of the person",
            "name": "name of the person, or an empty text",
            "email": "email address of the person",
            "role": "role: owner, admin or member",
        },
    ),
)
CATALOGUE: Mapping[str, EventType] = {each.name: each for each in _TYPES}


@dataclass(frozen=True)
class Event:
    """Something that happened. Of the events with the same `once`, each subscriber reports the first."""

    type: EventType
    workspace_id: str
    at: datetime
    sentence: str
    data: Mapping[str, Any] = field(default_factory=dict)
    once: str = ""

    @property
    def path(self) -> str:
        """The path of the page it is about."""
        return self.type.path.format_map(self.data)


Subscriber = Callable[[Session, Event], None]
_subscribers: list[Subscriber] = []


def subscribe(subscriber: Subscriber) -> None:
    """Call `subscriber` with every event from now on, in the transaction of what happened. Idempotent."""
    if subscriber not in _subscribers:
        _subscribers.append(subscriber)


def announce(
    db: Session, name: str, /, *, workspace_id: str, sentence: str, once: str = "", **data: Any
) -> None:
    """Pass an event to the subscribers, with the session of the change that it reports.

    Raises KeyError for a name, and ValueError for data, that the catalogue does not list.
    """
    kind = CATALOGUE[name]
    if data.keys() != kind.fields.keys():
        raise ValueError(f"{name} holds {', '.join(kind.fields)}, not {', '.join(data)}")
    event = Event(kind, workspace_id, clock.now(), sentence, data, once)
    for subscriber in _subscribers:
        subscriber(db, event)
