"""How services are offered here: which ones, with which badge, and with which app of the operator's at the
service.

These values override the environment. A client secret is write-only: it is sealed like the tokens, so `keys
rotate` and `keys check` include it, and the page displays only when it was set.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from app import audit, clock
from app.admin import live_settings, queries
from app.admin.models import LONGEST_BADGE, LONGEST_CREDENTIAL, ConnectorApp
from app.admin.queries import ConnectionCounts
from app.config import Settings
from app.connectors import availability, endpoints
from app.connectors.connector import Connector
from app.connectors.services import services_of
from app.database import reading, transaction, upsert_into
from app.errors import InvalidInput
from app.vault import seal

OFFERS = {"yes": "Offered", "soon": "Coming soon", "no": "Not offered"}


@dataclass(frozen=True)
class ConnectorRow:
    """A service as operators see it."""

    connector: Connector
    offer: str
    badge: str
    state: str  # sandbox, real, unset (cannot be connected)
    source: str  # where its client credentials come from: here, environment, none (it needs or has none)
    client_id: str
    secret_set_at: datetime | None
    redirect_uri: str
    connections: ConnectionCounts

    @property
    def takes_client(self) -> bool:
        """Whether there is a consent page, so that an app at the service makes sense."""
        return bool(self.connector.auth)

    @property
    def refuses_redirect(self) -> bool:
        """Whether the service accepts only https redirect URIs, and this one is not."""
        auth = self.connector.auth
        return bool(auth) and not auth.loopback_redirects and not self.redirect_uri.startswith("https://")


def load_all(settings: Settings) -> list[ConnectorRow]:
    """Every service, in the hub's order."""
    live_settings.refresh(settings)
    with reading() as db:
        counts = {each.slug: each for each in queries.every_connection_by_service_unsafe(db)}
        apps = {app.slug: app for app in db.scalars(select(ConnectorApp))}
    return [_row(settings, connector, apps.get(connector.slug), counts) for connector in services_of(None)]


def load(settings: Settings, slug: str) -> ConnectorRow:
    """One service. Raises NotFound."""
    connector = services_of(None).get(slug)
    return next(row for row in load_all(settings) if row.connector is connector)


def save(settings: Settings, slug: str, by: str, form: Mapping[str, str]) -> None:
    """Stores the form's values, effective in every process within seconds. Raises NotFound, InvalidInput
    without any change.

    An empty client id restores the environment's and deletes the secret.
    """
    connector = services_of(None).get(slug)
    offer, badge = form.get("offer", ""), " ".join(form.get("badge", "").split())
    if offer not in OFFERS:
        raise InvalidInput("Choose whether the service is offered.")
    if len(badge) > LONGEST_BADGE or not badge.isprintable():
        raise InvalidInput(f"A badge has at most {LONGEST_BADGE} characters.", details={"field": "badge"})
    client_id = _credential(form, "client_id") if connector.auth else ""
    secret = _credential(form, "client_secret") if connector.auth else ""
    with transaction() as db:
        row = _locked(db, slug)
        before = _facts(row)
        row.offer, row.badge = offer, None if badge == (connector.badge or "") else badge
        _put_client(settings, row, client_id, secret)
        row.updated_at = clock.now()
        if secret or before != _facts(row):
            changed = {"secret": "replaced"} if secret else {}
            audit.record(
                db,
                "connector.changed",
                user_id=by,
                subject=slug,
                before=before,
                after={**_facts(row), **changed},
            )
    live_settings.refresh(settings)


def _put_client(settings: Settings, row: ConnectorApp, client_id: str, secret: str) -> None:
    if not client_id:
        if secret:
            raise InvalidInput(
                "Enter the client ID that belongs to this secret.", details={"field": "client_id"}
            )
        row.client_id = row.client_secret_sealed = row.secret_set_at = None
        return
    if not secret and (client_id != row.client_id or not row.client_secret_sealed):
        raise InvalidInput("Enter the secret of this client ID too.", details={"field": "client_secret"})
    row.client_id = client_id
    if secret:
        seal.seal(settings.vault_keys, row, "client_secret_sealed", secret)
        row.secret_set_at = clock.now()


def _locked(db: Session, slug: str) -> ConnectorApp:
    """The row to change, created if missing. Two operators who create it at the same moment share one."""
    new = {"slug": slug, "offer": "yes", "updated_at": clock.now()}
    db.execute(upsert_into(ConnectorApp).values(new).on_conflict_do_nothing())
    return db.get_one(ConnectorApp, slug, with_for_update=True)


def _credential(form: Mapping[str, str], name: str) -> str:
    text = form.get(name, "").strip()
    if (
        len(text) > LONGEST_CREDENTIAL
        or not text.isascii()
        or any(not c.isprintable() or c.isspace() for c in text)
    ):
        words = "client ID" if name == "client_id" else "client secret"
        raise InvalidInput(
            f"That isn't a {words}. It has no spaces and at most {LONGEST_CREDENTIAL} characters.",
            details={"field": name},
        )
    return text


def _facts(row: ConnectorApp) -> dict[str, Any]:
    """The row's values for the audit trail: no secret."""
    return {"offer": row.offer, "badge": row.badge, "client_id": row.client_id}


def _row(
    settings: Settings, connector: Connector, row: ConnectorApp | None, counts: Mapping[str, ConnectionCounts]
) -> ConnectorRow:
    where = endpoints.resolve(connector, settings)
    own = row is not None and row.client_id
    client_id = settings.service(connector.slug, "CLIENT_ID") or ""
    return ConnectorRow(
        connector=connector,
        offer=availability.offer_of(settings, connector),
        badge=availability.badge_of(settings, connector),
        state="unset" if where is None else "sandbox" if where.sandbox else "real",
        source="here" if own else "environment" if client_id else "none",
        client_id=client_id,
        secret_set_at=row.secret_set_at if row and own else None,
        redirect_uri=f"{settings.public_url}/integrations/{connector.slug}/callback",
        connections=counts.get(connector.slug, ConnectionCounts(connector.slug, 0, 0, 0)),
    )
