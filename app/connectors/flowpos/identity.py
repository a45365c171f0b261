"""The businesses a token reaches, the tools it has, and the account it is stored as."""

import hashlib
from collections.abc import Mapping
from typing import Any

from app.connectors.api import Api
from app.connectors.connector import LACKS
from app.connectors.flowpos import endpoint, listed_tools
from app.connectors.flowpos.listed_tools import FlowposTool
from app.connectors.flowpos.records import rows_of
from app.connectors.flowpos.tool_calls import BUSINESSES, WHOLE_TOKEN
from app.connectors.flowpos.tools import TOOLS
from app.connectors.flowpos.values import FlowRow
from app.connectors.spec import Account, Business
from app.errors import NothingReached
from app.mcp_client import McpClient

# Inferred: FlowPOS documents no tool that lists businesses, and names those of a token where it is exchanged.
LIST_BUSINESSES = "list_businesses"
OPERATORS_TOOL = "list_tenants"


class _Reached(FlowRow):
    id: str
    name: str | None = None
    currency: str | None = None
    timezone: str | None = None
    is_active: bool = True


def identify(api: Api, token_answer: Mapping[str, Any]) -> Account:
    """What FlowPOS lists for the token: its businesses, the active one first, and its tools.

    FlowPOS names no person, so the first business by id identifies the account, or where it names none, the
    token or key itself; the stored fact keeps that key when it changes. Raises NothingReached without an
    active business.
    """
    session = endpoint.client(api)
    tools = listed_tools.fetch(session)
    reached = _reached(api, token_answer, session, tools)
    if not reached:
        raise NothingReached(
            "This FlowPOS sign-in reaches no active business. Connect FlowPOS again with another one."
        )
    active = token_answer.get("activeBusinessId") or api.facts.get("active_business")
    reached.sort(key=lambda row: row.id != active)
    key = api.facts.get("account")
    if not isinstance(key, str):
        key = min(row.id for row in reached) if reached[0].id != WHOLE_TOKEN else _fingerprint(api)
    facts = {
        "account": key,
        listed_tools.FACT: listed_tools.as_fact(tools),
        LACKS: [tool.verb for tool in TOOLS if tool.verb not in tools],
        BUSINESSES: [{"id": row.id, "name": row.name} for row in reached],
    }
    return Account(
        key=key,
        name=reached[0].name or reached[0].id,
        businesses=tuple(_business(row, is_default=row.id == active) for row in reached),
        facts={**facts, **({"active_business": active} if isinstance(active, str) else {})},
    )


def _reached(
    api: Api, token_answer: Mapping[str, Any], session: McpClient, tools: Mapping[str, FlowposTool]
) -> list[_Reached]:
    """The businesses: as a tool lists them, as the token came with them, or as they were known before.

    A key may come without any of these: it opens one business, which nothing names. An operator's key opens
    none.
    """
    if LIST_BUSINESSES in tools:
        listed = endpoint.call_tool(session, LIST_BUSINESSES, {})
        return [row for row in rows_of(listed, _Reached) if row.is_active]
    named = token_answer.get("authorizedBusinesses") or [
        {"id": id_} for id_ in token_answer.get("authorizedBusinessIds") or ()
    ]
    if named or "authorizedBusinessIds" in token_answer:
        return rows_of({"data": named}, _Reached)
    if isinstance(known := api.facts.get(BUSINESSES), list):
        return rows_of({"data": known}, _Reached)
    return [] if OPERATORS_TOOL in tools else [_Reached(id=WHOLE_TOKEN, name="FlowPOS")]


def _fingerprint(api: Api) -> str:
    """A name for the token or key that does not tell it."""
    return f"token-{hashlib.sha256(api.tokens.bearer().encode()).hexdigest()[:16]}"


def _business(row: _Reached, *, is_default: bool) -> Business:
    facts = {"currency": row.currency, "timezone": row.timezone, "is_default": is_default or None}
    return Business(
        row.id, row.name or row.id, {name: value for name, value in facts.items() if value is not None}
    )
