"""The MCP servers of all workspaces on the health page: how many, and how many do not answer."""

from sqlalchemy import case, func, select
from sqlalchemy.exc import DBAPIError
from sqlmodel import col

from app import database
from app.admin.check import Check
from app.config import Settings
from app.errors import Unavailable
from app.federation import built_in
from app.federation.models import McpServer

_ADVICE = (
    "Their workspaces see why on each server's page. If none answers, check this machine's way out: DNS, the "
    "firewall, and MCP_SERVERS_PRIVATE_HOSTS."
)


def check(_settings: Settings) -> Check:
    """How many servers were added, and how many did not list their tools when asked last. One query."""
    silent = func.sum(case((col(McpServer.problem) != "", 1), else_=0))
    counts = select(func.count(), silent).where(col(McpServer.removed_at).is_(None), built_in.IS_ADDED)
    try:
        with database.reading() as db:
            added, without_answer = db.execute(counts).one()
    except (Unavailable, DBAPIError):  # away, or not migrated yet
        return Check("MCP servers", "bad", "Unknown", advice="The database is unavailable.")
    if not added:
        return Check("MCP servers", "", "None added")
    facts = f"{added:,} added" + (f", {without_answer:,} without an answer" if without_answer else "")
    if without_answer:
        return Check("MCP servers", "warning", "Not all answer", f"{facts}.", _ADVICE)
    return Check("MCP servers", "good", "Answering", f"{facts}.")
