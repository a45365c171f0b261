"""Another client of ours at a server: an app that somebody made there, pasted on the server's page."""

from app import audit, database
from app.config import Settings
from app.errors import InvalidInput
from app.federation import changes, lookup, policy, registration
from app.federation.models import McpServer
from app.federation.registration import PastedClient
from app.workspaces.guard import Member

_COLUMNS = ("oauth", "client_id", "client_secret_sealed", "client_kind", "client_issuer", "client_redirect")


def replace_client(settings: Settings, member: Member, slug: str, pasted: PastedClient) -> None:
    """Sign in with this app from now on. Connections that exist need to be reconnected.

    Raises Forbidden, NotFound, InvalidInput.
    """
    policy.check_manages(member)
    with database.reading() as db:
        changed = McpServer(**lookup.get_server(db, member.workspace.id, slug).model_dump())
    if changed.access != "oauth":
        raise InvalidInput("This server doesn't use OAuth, so it needs no app.")
    registration.obtain_client(settings, changed, pasted)
    with database.transaction() as db:
        server = lookup.get_server(db, member.workspace.id, slug, lock=True)
        for column in _COLUMNS:
            setattr(server, column, getattr(changed, column))
        changes.touch(db, server.workspace_id)
        audit.record(db, "mcp_server.client_changed", **audit.about(server, member.user.id), slug=slug)
