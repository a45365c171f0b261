"""The tool that chooses the active business, where a connection reaches several."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AliasChoices, Field

from app.config import Settings
from app.connectors.connector import Connector
from app.connectors.function_tool import tool
from app.connectors.rows import Row, plain
from app.connectors.services import services_of
from app.connectors.spec import Business
from app.database import transaction
from app.errors import (
    AmbiguousAccount,
    InvalidArguments,
    MissingRight,
    PermissionDenied,
    ReconnectNeeded,
    ToolError,
)
from app.mcp_server.tools.spec import BuiltIn, ToolContext
from app.oauth_server import grants, scopes
from app.oauth_server.callers import AuthenticatedCaller
from app.vault import access
from app.vault.access import businesses_of
from app.vault.labels import names_of
from app.vault.models import Connection


class Active(Row):
    """The business that was chosen."""

    service: str
    account: str
    business_id: str
    name: str


class BusinessChoice(Row):
    """A business that can be chosen."""

    service: str
    account: str
    business_id: str
    name: str


def offers_choice(connections: Sequence[Connection]) -> bool:
    """Whether any of the connections reaches two businesses or more."""
    return any(_has_several(connection) for connection in connections)


@tool(title="Choose the active business", destructive=False, idempotent=True)
def set_active_business(
    context: ToolContext,
    business_id: Annotated[
        str | int,
        Field(
            validation_alias=AliasChoices("businessId", "business_id"),
            description="Its id, exact name or domain.",
        ),
    ],
    service: Annotated[str | None, Field(max_length=32, description="Where several know that id.")] = None,
    account: Annotated[str | None, Field(max_length=200, description="Where several reach it.")] = None,
) -> Active:
    """Choose the business (organisation, company) that later calls work in when they name none.

    Use it when the person settles on one; hub_list_connections lists them. It applies to this AI client
    until changed. For a single call pass the id as an argument.
    """
    connection, business = _find_business(context, str(business_id).strip(), service, account)
    connector = services_of(connection.workspace_id).get(connection.slug)
    if connection.state != "connected":
        raise ReconnectNeeded(
            connection.last_error or f"{connector.name} needs to be reconnected at {context.hub_url}."
        )
    if not _still_listed(context.settings, context.caller, connection, business):
        raise _gone(connector, connection, business)
    with transaction() as db:
        grants.set_active_business(db, context.caller.grant_id, connection.id, business.id)
    label = names_of([c for c in context.connections if c.slug == connection.slug])[connection.id]
    name = str(plain(business.name))
    context.say(
        f"{connector.name} account: {label}; {_word(connector)}: {name}, for this AI client from now on."
    )
    return Active(service=connection.slug, account=label, business_id=business.id, name=name)


TOOL = BuiltIn("set_active_business", set_active_business, also=scopes.NARROW, is_offered=offers_choice)


def explain(
    settings: Settings,
    caller: AuthenticatedCaller,
    connection: Connection,
    business: Business,
    refused: PermissionDenied,
) -> ToolError:
    """The error behind a service's refusal: that it no longer lists the business, or that access ended, else
    the refusal itself.

    A business that is gone is dropped as the active one.
    """
    if isinstance(refused, MissingRight):
        return refused
    try:
        listed = _still_listed(settings, caller, connection, business)
    except ReconnectNeeded as ended:
        return ended
    except ToolError:
        return refused
    return (
        refused
        if listed
        else _gone(services_of(connection.workspace_id).get(connection.slug), connection, business)
    )


def _still_listed(
    settings: Settings, caller: AuthenticatedCaller, connection: Connection, business: Business
) -> bool:
    """Fetches the businesses from the service; on a temporary failure the last list counts. Raises
    ToolError.
    """
    try:
        access.check(settings, connection)
    except ToolError as error:
        if not error.retryable:
            raise
    if business.id in {known.id for known in businesses_of(connection)}:
        return True
    if caller.active_businesses.get(connection.id) == business.id:
        with transaction() as db:
            grants.drop_active_business(db, caller.grant_id, connection.id)
    return False


def _gone(connector: Connector, connection: Connection, business: Business) -> PermissionDenied:
    left = [{"id": b.id, "name": plain(b.name)} for b in businesses_of(connection)]
    return PermissionDenied(
        f"{connector.name} does not list {plain(business.name)} for this connection anymore. Choose "
        f"another {_word(connector)}, "
        f"or reconnect {connector.name} and allow it there.",
        details={"businesses": left},
    )


def _find_business(
    context: ToolContext, query: str, service: str | None, account: str | None
) -> tuple[Connection, Business]:
    """The one business that is meant. Raises InvalidArguments, AmbiguousAccount listing the choices."""
    several = [c for c in context.connections if _has_several(c) and service in (None, c.slug)]
    if not several:
        raise InvalidArguments(
            "There is nothing to choose: none of your connections reaches more than one business."
        )
    choices = [(connection, business) for connection in several for business in businesses_of(connection)]
    labels = {
        slug: names_of([c for c in context.connections if c.slug == slug])
        for slug in {c.slug for c in several}
    }
    if account is not None:
        choices = [
            (c, b) for c, b in choices if account.casefold() in {labels[c.slug][c.id].casefold(), c.id}
        ]
    found = [(c, b) for c, b in choices if b.id == query]
    found = found or [(c, b) for c, b in choices if str(plain(b.name)).casefold() == query.casefold()]
    found = found or [
        (c, b)
        for c, b in choices
        if (argument := services_of(c.workspace_id).get(c.slug).business) and argument.known_as(b, query)
    ]
    if len(found) == 1:
        return found[0]
    rows = [
        BusinessChoice(
            service=c.slug, account=labels[c.slug][c.id], business_id=b.id, name=str(plain(b.name))
        ).model_dump()
        for c, b in (found or choices)[:50]
    ]
    if found:
        raise AmbiguousAccount(
            "Several connections reach that business: say `service` and `account` too.",
            details={"businesses": rows},
        )
    raise InvalidArguments(
        "businessId: none of your connections reaches that business.", details={"businesses": rows}
    )


def _has_several(connection: Connection) -> bool:
    connector = services_of(connection.workspace_id).find(connection.slug)
    return (
        connector is not None
        and connector.business is not None
        and connection.permission != "off"
        and len(connection.businesses) > 1
    )


def _word(connector: Connector) -> str:
    return connector.business.word if connector.business else "business"
