"""The data of the pages `/webhooks` and `/webhooks/<id>`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from app import clock
from app.database import reading
from app.events import CATALOGUE, EventType
from app.webhooks import endpoints, log
from app.webhooks.addresses import host_of
from app.webhooks.log import LogPage
from app.webhooks.models import WebhookEndpoint
from app.webhooks.queue import SendResult
from app.workspaces.guard import Member


@dataclass(frozen=True)
class EndpointView:
    """An endpoint as its page and the list of endpoints name it."""

    endpoint: WebhookEndpoint

    @property
    def name(self) -> str:
        """Its description, else its host."""
        return self.endpoint.description or self.host

    @property
    def host(self) -> str:
        """Host and port of its URL."""
        return host_of(self.endpoint.url)

    @property
    def is_on(self) -> bool:
        """Whether it receives events."""
        return self.endpoint.disabled_at is None

    @property
    def state(self) -> tuple[str, str]:
        """Its state in words, and how the badge is drawn."""
        if not self.is_on:
            return "Off", "error" if self.endpoint.disabled_reason else ""
        return ("Failing", "warning") if self.endpoint.failing_since else ("On", "good")

    @property
    def overlap_until(self) -> datetime | None:
        """Until when the secret before the last rotation signs as well."""
        until = self.endpoint.previous_until
        return until if until is not None and until > clock.now() else None

    @property
    def event_labels(self) -> list[str]:
        """What it receives, in words."""
        return [CATALOGUE[name].label for name in self.endpoint.events if name in CATALOGUE]


@dataclass(frozen=True)
class WebhooksPage:
    """The list of endpoints."""

    views: Sequence[EndpointView]
    most: int = endpoints.MOST_ENDPOINTS

    @property
    def has_room(self) -> bool:
        """Whether another endpoint may be added."""
        return len(self.views) < self.most


@dataclass(frozen=True)
class TypedEndpoint:
    """What stands in the fields of the form."""

    url: str = ""
    description: str = ""
    events: Collection[str] = tuple(CATALOGUE)


@dataclass(frozen=True)
class EndpointPage:
    """The page of one endpoint: the form, and one page of the log."""

    view: EndpointView
    log: LogPage
    is_newest: bool


def event_types() -> Collection[EventType]:
    """Every event an endpoint can receive."""
    return CATALOGUE.values()


def load(member: Member) -> WebhooksPage:
    """The list. Raises Forbidden."""
    with reading() as db:
        return WebhooksPage([EndpointView(each) for each in endpoints.list_of(db, member)])


def load_one(member: Member, endpoint_id: str, before: str = "") -> EndpointPage:
    """The page of one endpoint. Raises Forbidden, NotFound."""
    with reading() as db:
        endpoint = endpoints.get(db, member, endpoint_id)
    return EndpointPage(EndpointView(endpoint), log.load(endpoint_id, before=before[:64]), not before)


def typed_of(endpoint: WebhookEndpoint) -> TypedEndpoint:
    """The form as it is stored."""
    return TypedEndpoint(endpoint.url, endpoint.description, endpoint.events)


def notice_of(result: SendResult | None) -> tuple[str, str]:
    """What sending by hand came to: the kind of the banner, and its sentence."""
    if result is None:
        return "warning", "Another delivery to this webhook is running. This one follows, see the log below."
    if result.error:
        return "bad", f"Not delivered. {result.error}"
    return "good", f"Delivered: status {result.status} after {result.milliseconds} ms."
