"""What a person changes on a connection's page. Each checks the right, acts, and is in the audit trail."""

from collections.abc import Mapping

from sqlmodel import Session

from app import database
from app.connection_pages import lookup
from app.connection_pages.lookup import ViewedConnection
from app.errors import InvalidInput
from app.hub import rights
from app.vault import connection_settings
from app.workspaces.guard import Member

_GROUPS = {"read": True, "change": False}


def switch_tools(member: Member, slug: str, form: Mapping[str, str]) -> str:
    """Switches one tool, or all of a group, on or off. Returns the connection's id. Raises NotFound,
    Forbidden, InvalidInput.
    """
    on = _is_on(form)
    with database.transaction() as db:
        viewed = _changeable(db, member, slug, form)
        names = _tools(viewed, form)
        connection_settings.set_tools(db, viewed.connection, names, on=on, by=member.user.id)
        return viewed.connection.id


def approve_on_page(member: Member, slug: str, form: Mapping[str, str]) -> str:
    """Sets whether writes are approved on this site only. Returns the connection's id. Raises as above."""
    on = _is_on(form)
    with database.transaction() as db:
        viewed = _changeable(db, member, slug, form)
        connection_settings.set_approve_on_page(db, viewed.connection, on, by=member.user.id)
        return viewed.connection.id


def _changeable(db: Session, member: Member, slug: str, form: Mapping[str, str]) -> ViewedConnection:
    viewed = lookup.find(db, member, slug, form.get("connection", ""))
    rights.check(member, viewed.connection)
    return viewed


def _tools(viewed: ViewedConnection, form: Mapping[str, str]) -> dict[str, str]:
    """Full names and titles of the tools a form means."""
    if "group" in form:
        if (reads_only := _GROUPS.get(form["group"])) is None:
            raise InvalidInput("The group must be read or change.")
        tools = [tool for tool in viewed.connector.tools if tool.reads_only is reads_only]
    else:
        tools = [lookup.find_tool(viewed, form.get("tool", ""))]
    return {tool.name_in(viewed.connector.slug): tool.title for tool in tools}


def _is_on(form: Mapping[str, str]) -> bool:
    value = form.get("on", "")
    if value not in {"0", "1"}:
        raise InvalidInput("`on` must be 0 or 1.")
    return value == "1"
