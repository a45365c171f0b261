"""Our client at an MCP server, put in order before a person leaves for its consent page.

The server is asked anew how people sign in there: it may have moved to another authorization server, and a
client belongs to one issuer. A client that registered itself may have been forgotten since, by a server that
was restarted. That is found out here, so that nobody meets an error page of the server.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

from sqlalchemy import delete
from sqlmodel import Session, col, select

from app import audit, clock, database, outbound, workspace_versions
from app.config import Settings
from app.errors import InvalidInput
from app.federation import addresses, changes, discovery, guarded_request, pinned_rows, registration
from app.federation.models import McpServer
from app.federation.oauth_facts import OAuthFacts
from app.hub.models import Handshake
from app.vault import connection_state, step_up
from app.vault.models import Connection, PendingRevocation
from app.workspaces.models import Workspace

_JUST_FOUND = timedelta(minutes=5)
_SECONDS = 8.0
_UNKNOWN_CLIENT = {400, 401}  # RFC 6749 section 4.1.2.1: an error of the page itself, not a redirect

log = logging.getLogger(__name__)


def prepare_of(server: McpServer) -> Callable[[Settings, bool], None]:
    """For `Connector.prepare_client`."""

    def prepare(settings: Settings, is_forgotten: bool) -> None:
        prepare_client(settings, server.id, is_forgotten=is_forgotten)

    return prepare


def prepare_client(settings: Settings, server_id: str, *, is_forgotten: bool = False) -> None:
    """Obtain our client at the server if there is none for its issuer, or if it was forgotten there.

    Asks the server, so call it without a database connection. Raises InvalidInput with what to do.
    """
    with database.reading() as db:
        server = db.get(McpServer, server_id)
        if server is None or server.access != "oauth" or server.removed_at is not None:
            return
        db.expunge(server)
        is_new, is_known = _is_new(db, server), _is_known(db, server)
    before = server.model_copy()
    if not is_new:
        _look_again(settings, server)
    if registration.has_client(settings, server):
        is_forgotten = is_forgotten or not (is_new or is_known or _knows_us(settings, server))
        if server.client_kind != "registered" or not is_forgotten:
            _store(before, server)
            return
    elif server.client_kind == "pasted":
        raise InvalidInput(_why_paste_again(settings, server))
    registration.obtain_client(settings, server)
    _store(before, server)


def _is_new(db: Session, server: McpServer) -> bool:
    """Whether it was just added, which looked at it and obtained the client, and nobody has left since."""
    handshakes = select(Handshake.state_digest).where(
        col(Handshake.workspace_id) == server.workspace_id,
        col(Handshake.slug) == server.slug,
        col(Handshake.created_at) >= server.added_at,
    )
    is_fresh = clock.now() < server.added_at + _JUST_FOUND
    return is_fresh and db.exec(handshakes.limit(1)).first() is None


def _why_paste_again(settings: Settings, server: McpServer) -> str:
    redirect = registration.redirect_of(settings, server.client_kind, server.slug)
    if server.client_redirect != redirect:
        return (
            f"The address of this installation has changed. Add the redirect address {redirect} to the app "
            f"at {server.name}. Then an owner or admin can save the app again on the server's page."
        )
    return (
        f"{server.name} now has people sign in elsewhere, so the client ID that was pasted no longer works. "
        "An owner or admin can add the server again with a new one."
    )


def _is_known(db: Session, server: McpServer) -> bool:
    """Whether a token of our client was just taken: a call found that it lacks scopes."""
    connections = select(Connection).where(
        *pinned_rows.connections_of(server),
        col(Connection.state) == connection_state.CONNECTED,
    )
    return any(step_up.is_pending(each) for each in db.exec(connections))


def _look_again(settings: Settings, server: McpServer) -> None:
    """Take over what the server says of signing in now; what was chosen here stays.

    A server that is away, or says something else for now, is believed when it does so in front of an admin.
    """
    try:
        found = discovery.look(settings, server.url).oauth
    except InvalidInput as error:
        log.info("%s could not be looked at again: %s", server.id, error.message)
        return
    if found is None:
        return
    stored = OAuthFacts.of_json(server.oauth)
    if server.client_kind == "pasted":
        found = replace(found, scopes=stored.scopes, extra_parameters=stored.extra_parameters)
    if found.issuer == stored.issuer:
        found = replace(found, client_auth=stored.client_auth)
    server.oauth = found.to_json()


def _knows_us(settings: Settings, server: McpServer) -> bool:
    """Whether the consent page would ask a person, instead of refusing our client with an error page."""
    facts = OAuthFacts.of_json(server.oauth)
    query = {
        "response_type": "code",
        "client_id": server.client_id,
        "redirect_uri": server.client_redirect,
        "state": "is-this-client-known",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",  # of nothing: no code is ever used
        "code_challenge_method": "S256",
        "resource": facts.resource,
        **({"scope": " ".join(facts.scopes)} if facts.scopes else {}),
    }
    try:
        page = addresses.check_discovered(settings, facts.authorization_endpoint, "its sign-in page")
        separator = "&" if "?" in page else "?"
        answer = guarded_request.send(
            "GET",
            f"{page}{separator}{urlencode(query)}",
            accept="text/html, */*",
            seconds=_SECONDS,
            reads_body=False,
        )
    except (outbound.OutboundError, InvalidInput):
        return True
    return answer.status not in _UNKNOWN_CLIENT


def _store(before: McpServer, server: McpServer) -> None:
    """Store what changed, unless somebody else has meanwhile: then theirs counts."""
    changed = {
        name: getattr(server, name)
        for name in (
            *("oauth", "client_id", "client_secret_sealed", "client_kind"),
            *("client_issuer", "client_redirect"),
        )
        if getattr(server, name) != getattr(before, name)
    }
    if not changed:
        return
    with database.transaction() as db:
        row = changes.lock_server(db, server.id)
        if row is None or (row.client_id, row.oauth) != (before.client_id, before.oauth):
            return
        for name, value in changed.items():
            setattr(row, name, value)
        _drop_foreign_revocations(db, before, row)
        if "client_id" in changed:
            audit.record(
                db,
                "mcp_server.client_obtained",
                workspace_id=row.workspace_id,
                subject=row.id,
                name=row.name,
                kind=row.client_kind,
            )
        changes.touch(db, row.workspace_id)
        version = db.exec(
            select(Workspace.services_version).where(col(Workspace.id) == row.workspace_id)
        ).one()
    workspace_versions.note(row.workspace_id, version)  # for the rest of this request


def _drop_foreign_revocations(db: Session, before: McpServer, row: McpServer) -> None:
    """Tokens of another issuer that wait to be revoked: the new one must not get them."""
    if OAuthFacts.of_json(before.oauth).issuer != OAuthFacts.of_json(row.oauth).issuer:
        db.execute(
            delete(PendingRevocation).where(
                col(PendingRevocation.workspace_id) == row.workspace_id,
                col(PendingRevocation.slug) == row.slug,
            )
        )
