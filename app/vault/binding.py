"""Tokens belong to the address and the issuer that gave them (`Connector.bound_to`).

A service of one workspace can move: its row names another address, or the server another issuer. A connection
from before stays, but its tokens are sent nowhere, not even to be revoked, until a person connects again.
"""

from typing import Any

from app.connectors.connector import Connector
from app.connectors.services import services_of
from app.vault.models import Connection

_FACT = "bound_to"


def facts_of(connection: Connection) -> dict[str, Any]:
    """What to store with new tokens of this connection."""
    connector = services_of(connection.workspace_id).find(connection.slug)
    return {_FACT: connector.bound_to} if connector is not None and connector.bound_to else {}


def is_current(connection: Connection) -> bool:
    """Whether the connection's tokens belong to the service as it is now."""
    return facts_of(connection) == {k: v for k, v in connection.facts.items() if k == _FACT}


def reason(connector: Connector) -> str:
    """Why the person has to connect again."""
    return (
        f"{connector.name} has moved to another address or sign-in server since this was connected. Connect "
        "it again on the Integrations page."
    )
