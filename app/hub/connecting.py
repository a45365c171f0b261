"""From a button to a service's consent page, or to the form it takes instead: what to ask for, and where
the person comes back to.
"""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from sqlmodel import Session

from app import database
from app.config import Settings
from app.connectors import availability, endpoints, registry
from app.connectors.connector import Connector, Planned
from app.connectors.credential_forms import OAUTH, Form
from app.connectors.endpoints import Endpoints
from app.errors import NotFound, PatchbayError
from app.hub import changes, credential_form, handshake, scope_choice
from app.hub.credential_form import Sheet
from app.hub.handshake import Wish
from app.hub.models import Handshake
from app.oauth_server import flows
from app.vault import links
from app.vault.models import Connection, ConnectLink
from app.workspaces.guard import Member


class NotConnectable(PatchbayError):
    """The service is known but cannot be connected on this installation yet."""

    code = "NOT_CONNECTABLE"
    status = 409


def to_service(settings: Settings, member: Member, slug: str, form: Mapping[str, str]) -> str | Sheet:
    """Start connecting, or reconnecting when the form names a connection. Gives the consent page's address,
    or the form to fill in.

    Raises NotFound, NotConnectable, Forbidden, FlowGone.
    """
    connector, where = connectable(settings, slug, anew=not form.get("connection"))
    with database.transaction() as db:
        flow_id = form.get("flow") or None
        if flow_id:
            flows.get(db, flow_id, member)
        named = form.get("connection")
        before = changes.get_for_reconnect(db, member, connector, named) if named else None
        level = "read" if form.get("level") == "read" else None
        return _set_out(
            db,
            settings,
            member,
            connector,
            where,
            Wish((), before, flow_id=flow_id),
            form.get("way", ""),
            level,
        )


def to_raise(
    settings: Settings, member: Member, connection: Connection, level: str, flow_id: str | None
) -> str:
    """Ask the service for what a higher permission level needs; the level is set on return."""
    connector, where = connectable(settings, connection.slug)
    with database.transaction() as db:
        scopes = scope_choice.scopes_for(connector, connection, read_only=False, level=level)
        return handshake.start(
            db, settings, member, connector, where, Wish(scopes, connection, level=level, flow_id=flow_id)
        )


def from_link(settings: Settings, member: Member, link_id: str, form: Mapping[str, str]) -> str | Sheet:
    """Spend a one-time link from a chat and start what its page offered: what was asked for, or reading
    only. Raises LinkGone.
    """
    read_only = form.get("level") == "read"
    with database.transaction() as db:
        link = links.use(db, link_id, member.user.id, member.workspace.id)
        connector, where = connectable(settings, link.slug, anew=not link.connection_id)
        before = (
            changes.get_for_reconnect(db, member, connector, link.connection_id)
            if link.connection_id
            else None
        )
        level = link.wants if link.wants in scope_choice.WRITING_LEVELS and not read_only else None
        wish = Wish((), before, level, client_name=link.client_name)
        return _set_out(db, settings, member, connector, where, wish, "", "read" if read_only else None)


def another_way(settings: Settings, member: Member, slug: str, form: Mapping[str, str]) -> str | Sheet:
    """The person prefers another way in than the form shown: what was wanted stays. Raises HandshakeGone,
    NotConnectable.
    """
    connector, where = connectable(settings, slug)
    trip = handshake.find(member, connector, form.get("state", ""))
    chosen = form.get("way", "")
    with database.transaction() as db:
        before = (
            changes.get_for_reconnect(db, member, connector, trip.connection_id)
            if trip.connection_id
            else None
        )
        wish = Wish(
            (), before, trip.level, flow_id=handshake.flow_of(settings, trip), client_name=trip.client_name
        )
        return _set_out(db, settings, member, connector, where, wish, chosen, None)


def fill_in(settings: Settings, member: Member, slug: str, form: Mapping[str, str]) -> str | Sheet:
    """Check a form with the service and keep what came of it: where to go then, or the form with what is
    wrong.
    """
    connector, where = connectable(settings, slug)
    done = credential_form.submit(settings, member, connector, where, form)
    return back(settings, done) if isinstance(done, Handshake) else done


def _set_out(
    db: Session,
    settings: Settings,
    member: Member,
    connector: Connector,
    where: Endpoints,
    wish: Wish,
    way: str,
    level: str | None,
) -> str | Sheet:
    """To the consent page or to a form: the way that was chosen, else the one to mend, else the first that
    is open.
    """
    wanted = way or (wish.connection.way if wish.connection else "")
    if (wanted if wanted in where.ways else where.ways[0]) == OAUTH:
        scopes = scope_choice.scopes_for(
            connector, wish.connection, read_only=level == "read", level=wish.level
        )
        return handshake.start(db, settings, member, connector, where, replace(wish, scopes=scopes))
    return credential_form.begin(db, settings, member, connector, where, wanted, wish)


def link_page(settings: Settings, member: Member, link_id: str) -> tuple[ConnectLink, Connector, Form | None]:
    """What the page of a one-time link says: the link, its service, and the form it leads to, if any.
    Spends nothing. Raises LinkGone.
    """
    with database.reading() as db:
        link = links.find(db, link_id, member.user.id)
    if link.workspace_id != member.workspace.id:
        raise links.LinkGone(
            "This link belongs to another of your workspaces. Switch to that workspace and open it again."
        )
    connector, where = connectable(settings, link.slug, anew=not link.connection_id)
    return link, connector, connector.find_form(where.ways[0])


def back(settings: Settings, trip: Handshake) -> str:
    """Where a trip ends: on the hub, with the banner of its outcome; in the flow it started from."""
    flow_id = handshake.flow_of(settings, trip)
    query = {"flow": flow_id} if flow_id else {}
    if trip.outcome:
        query[trip.outcome] = trip.slug
    return "/integrations" + (f"?{urlencode(query)}" if query else "")


def connectable(settings: Settings, slug: str, *, anew: bool = False) -> tuple[Connector, Endpoints]:
    """The connector and its addresses. Raises NotFound for an unknown service, NotConnectable for one that
    cannot be connected here.

    `anew`: the service must be offered, too. What is connected already can be mended, and who has set out
    arrives.
    """
    entry = next((entry for entry in registry.CATALOGUE if entry.slug == slug), None)
    offer = availability.offer_of(settings, entry) if entry and anew else "yes"
    if entry is None or offer == "no":
        raise NotFound("There is no such service here. Choose one from the integrations page.")
    if isinstance(entry, Planned) or offer == "soon":
        raise NotConnectable(f"{entry.name} is coming soon: it cannot be connected yet.")
    where = endpoints.resolve(entry, settings)
    if where is None:
        raise NotConnectable(f"{entry.name} is not configured on this installation. Ask your administrator.")
    return entry, where
