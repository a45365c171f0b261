"""The scope choice: which of a service's scopes to request, and whether the granted ones allow writing."""

from app.connectors.connector import Connector
from app.connectors.credential_forms import OAUTH
from app.vault import step_up
from app.vault.models import Connection

WRITING_LEVELS = {"ask", "write"}  # once approved, `ask` writes too


def scopes_for(
    connector: Connector, connection: Connection | None, *, read_only: bool, level: str | None = None
) -> tuple[str, ...]:
    """A consent page's scopes: reading and writing, unless the person chose, or has, reading only.

    A service of one workspace does not say which of its scopes are for writing, but what a call lacked.
    """
    if connector.workspace_id is not None and connection is not None:
        return tuple(dict.fromkeys((*connector.auth.write_scopes, *step_up.scopes_of(connection))))
    if level in WRITING_LEVELS:
        return connector.auth.write_scopes
    if read_only or (
        connection is not None
        and connection.permission not in WRITING_LEVELS
        and not may_write(connector, connection)
    ):
        return connector.auth.read_scopes
    return connector.auth.write_scopes


def may_write(connector: Connector, connection: Connection) -> bool:
    """Whether the service granted every scope that writing needs beyond reading.

    A credential form has no scopes to request: the level alone decides, and the service may still refuse.
    """
    if connection.auth_method != OAUTH:
        return True
    return set(connector.auth.write_scopes) - set(connector.auth.read_scopes) <= set(
        connection.scopes.split()
    )
