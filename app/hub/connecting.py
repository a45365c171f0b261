"""From a button to a service's consent page or a credential form: scopes to request, where to return."""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from sqlmodel import Session

from app import database
from app.config import Settings
from app.connectors import availability, endpoints
from app.connectors.connector import Connector, Planned
from app.connectors.credential_forms import OAUTH, Form
from app.connectors.endpoints import Endpoints
from app.connectors.services import services_of
from app.errors import InvalidInput, NotFound, PatchbayError
from app.hub import changes, credential_form, flow_return, handshake_state, scope_choice
from app.hub import handshake as handshakes
from app.hub.credential_form import CredentialForm
from app.hub.handshake import ConnectIntent
from app.hub.models import Handshake
from app.oauth_server import flows
from app.vault import connection_settings, links
from app.vault.models import Connection, ConnectLink
from app.workspaces.guard import Member


class NotConnectable(PatchbayError):
    """The service is known but cannot be connected on this installation yet."""

    code = "NOT_CONNECTABLE"
    status = 409


def to_service(
    settings: Settings, member: Member, slug: str, form: Mapping[str, str]
) -> str | CredentialForm:
    """Starts connecting, or reconnecting when the form names a connection. Returns the consent page's URL, or
    the credential form.

    Raises NotFound, NotConnectable, Forbidden, FlowGone.
    """
    connector, where = _prepared(settings, member.workspace.id, slug, anew=not form.get("connection"))
    with database.transaction() as db:
        flow_id = form.get("flow") or None
        if flow_id:
            flows.get(db, flow_id, member)
        named = form.get("connection")
        before = changes.get_for_reconnect(db, member, connector, named) if named else None
        level = "read" if form.get("level") == "read" else None
        begun = _begin(
            db,
            settings,
            member,
            connector,
            where,
            ConnectIntent(
                (),
                before,
                flow_id=flow_id,
                visibility=_visibility(form),
                continues=form.get("then") == "continue",
            ),
            form.get("way", ""),
            level,
        )
    return _finished_if_empty(settings, member, slug, begun)


def to_raise(
    settings: Settings, member: Member, connection: Connection, level: str, flow_id: str | None
) -> str:
    """Requests the scopes a higher permission level needs; the level is set on return."""
    connector, where = _prepared(settings, connection.workspace_id, connection.slug)
    with database.transaction() as db:
        scopes = scope_choice.scopes_for(connector, connection, read_only=False, level=level)
        return handshakes.start(
            db,
            settings,
            member,
            connector,
            where,
            ConnectIntent(scopes, connection, level=level, flow_id=flow_id),
        )


def from_link(
    settings: Settings, member: Member, link_id: str, form: Mapping[str, str]
) -> str | CredentialForm:
    """Spends a one-time link from a chat and starts what its page offered: the requested level, or reading
    only. Raises LinkGone.
    """
    read_only = form.get("level") == "read"
    with database.reading() as db:
        slug = links.find(db, link_id, member.user.id).slug
    _prepare(settings, member.workspace.id, slug)
    with database.transaction() as db:
        link = links.use(db, link_id, member.user.id, member.workspace.id)
        connector, where = connectable(settings, member.workspace.id, link.slug, anew=not link.connection_id)
        before = (
            changes.get_for_reconnect(db, member, connector, link.connection_id)
            if link.connection_id
            else None
        )
        level = link.wants if link.wants in scope_choice.WRITING_LEVELS and not read_only else None
        intent = ConnectIntent(
            (), before, level, client_name=link.client_name, grant_id=links.grant_of(link_id)
        )
        begun = _begin(db, settings, member, connector, where, intent, "", "read" if read_only else None)
    return _finished_if_empty(settings, member, link.slug, begun)


def another_method(
    settings: Settings, member: Member, slug: str, form: Mapping[str, str]
) -> str | CredentialForm:
    """Switches to another auth method and carries the intent over. Raises HandshakeGone, NotConnectable."""
    connector, where = _prepared(settings, member.workspace.id, slug)
    state = form.get("state", "")
    handshake = handshakes.find(member, connector, state)
    with database.transaction() as db:
        intent = _intent_of(db, settings, member, connector, handshake, state)
        return _begin(db, settings, member, connector, where, intent, form.get("way", ""), None)


def once_more(settings: Settings, member: Member, handshake: Handshake, state: str) -> str:
    """The consent page again, for the same intent, with a new client of ours: the service has forgotten the
    one before. Without a new one, where the handshake returns to, with the reason.
    """
    try:
        _prepare(settings, member.workspace.id, handshake.slug, forgotten=True)
    except InvalidInput as refused:
        return return_url(settings, member, handshakes.close(handshake, "failed", refused.message))
    connector, where = connectable(settings, member.workspace.id, handshake.slug)
    with database.transaction() as db:
        intent = _intent_of(db, settings, member, connector, handshake, state)
        intent = replace(intent, scopes=tuple(handshake.scopes.split()), is_second_try=True)
        return handshakes.start(db, settings, member, connector, where, intent)


def _intent_of(
    db: Session, settings: Settings, member: Member, connector: Connector, handshake: Handshake, state: str
) -> ConnectIntent:
    """What a handshake was begun for, apart from its scopes."""
    before = (
        changes.get_for_reconnect(db, member, connector, handshake.connection_id)
        if handshake.connection_id
        else None
    )
    return ConnectIntent(
        (),
        before,
        handshake.level,
        flow_id=flow_return.flow_of(settings, handshake),
        client_name=handshake.client_name,
        grant_id=flow_return.client_of(settings, handshake),
        continues=flow_return.continues(settings, handshake),
        visibility=handshake_state.visibility_of(state),
    )


def _visibility(form: Mapping[str, str]) -> str | None:
    chosen = form.get("visibility", "")
    return chosen if chosen in connection_settings.VISIBILITIES else None


def fill_in(settings: Settings, member: Member, slug: str, form: Mapping[str, str]) -> str | CredentialForm:
    """Checks a credential form with the service and stores the result. Returns the URL to continue at, or the
    form with its problems.
    """
    connector, where = connectable(settings, member.workspace.id, slug)
    result = credential_form.submit(settings, member, connector, where, form)
    return return_url(settings, member, result) if isinstance(result, Handshake) else result


def _finished_if_empty(
    settings: Settings, member: Member, slug: str, begun: str | CredentialForm
) -> str | CredentialForm:
    """A form without fields is submitted at once: the press that led to it is all it needs."""
    if isinstance(begun, str) or begun.form.fields or begun.choices:
        return begun
    return fill_in(settings, member, slug, {"state": begun.state, "way": begun.form.key})


def _begin(
    db: Session,
    settings: Settings,
    member: Member,
    connector: Connector,
    where: Endpoints,
    intent: ConnectIntent,
    auth_method: str,
    level: str | None,
) -> str | CredentialForm:
    """The consent page or a credential form, by the chosen auth method, the connection's, or the first."""
    preferred = auth_method or (intent.connection.auth_method if intent.connection else "")
    if (preferred if preferred in where.auth_methods else where.auth_methods[0]) == OAUTH:
        scopes = scope_choice.scopes_for(
            connector, intent.connection, read_only=level == "read", level=intent.level
        )
        return handshakes.start(db, settings, member, connector, where, replace(intent, scopes=scopes))
    return credential_form.begin(db, settings, member, connector, where, preferred, intent)


def link_page(settings: Settings, member: Member, link_id: str) -> tuple[ConnectLink, Connector, Form | None]:
    """What the page of a one-time link displays: the link, its service, and the form it leads to, if any.

    Does not spend the link. Raises LinkGone.
    """
    with database.reading() as db:
        link = links.find(db, link_id, member.user.id)
    if link.workspace_id != member.workspace.id:
        raise links.LinkGone(
            "This link belongs to another of your workspaces. Switch to that workspace and open it again."
        )
    connector, where = connectable(settings, member.workspace.id, link.slug, anew=not link.connection_id)
    return link, connector, connector.find_form(where.auth_methods[0])


def return_url(settings: Settings, member: Member, handshake: Handshake) -> str:
    """Where a handshake returns to: the hub with its outcome's banner, in the flow it started from.

    Connected, and no AI client waits: whoever may review the service's tools goes straight to those, unless
    it has tools of its own, which work already.
    """
    flow_id = flow_return.flow_of(settings, handshake)
    connector = services_of(handshake.workspace_id).find(handshake.slug)
    waits = flow_id or handshake.client_name or handshake.outcome != "connected"
    reviews = connector is not None and connector.to_review and connector.extends is None
    if connector is not None and reviews and member.manages and not waits:
        return f"{connector.manage_path}?{urlencode({'connected': connector.slug})}"
    query = {"flow": flow_id} if flow_id else {}
    if handshake.outcome:
        query[handshake.outcome] = handshake.slug
    return "/integrations" + (f"?{urlencode(query)}" if query else "")


def _prepared(
    settings: Settings, workspace_id: str, slug: str, *, anew: bool = False
) -> tuple[Connector, Endpoints]:
    """`connectable`, with our client at the service in order."""
    _prepare(settings, workspace_id, slug)
    return connectable(settings, workspace_id, slug, anew=anew)


def _prepare(settings: Settings, workspace_id: str, slug: str, *, forgotten: bool = False) -> None:
    """Have our client at a service of one workspace put in order. Asks the service: without a transaction."""
    connector = services_of(workspace_id).find(slug)
    if connector is not None and connector.prepare_client is not None:
        connector.prepare_client(settings, forgotten)


def connectable(
    settings: Settings, workspace_id: str, slug: str, *, anew: bool = False
) -> tuple[Connector, Endpoints]:
    """The connector and its endpoints. Raises NotFound for an unknown service, NotConnectable for one that
    cannot be connected here.

    With `anew` the service must also be offered. Without, an existing connection can be reconnected and a
    pending handshake finished.
    """
    entry = services_of(workspace_id).find_entry(slug)
    offer = availability.offer_of(settings, entry) if entry and anew else "yes"
    if entry is None or offer == "no":
        raise NotFound("We don't know that service. Choose one on the Integrations page.")
    if isinstance(entry, Planned) or offer == "soon":
        raise NotConnectable(f"{entry.name} is coming soon. It can't be connected yet.")
    where = endpoints.resolve(entry, settings)
    if where is None:
        raise NotConnectable(availability.why_not(entry))
    return entry, where
