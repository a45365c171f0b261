"""The tools that choose: the active business or tenant of a session, and the lists to choose from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.sandbox.current import Here
from app.sandbox.rules import Access
from app.sandbox.services.flowpos.people import BUSINESSES, OPERATOR, DemoBusiness, reached
from app.sandbox.services.flowpos.tool import PAGING, TEXT
from app.sandbox.services.flowpos.wire import Given, ToolRefused, not_found, page, text

_CHOICE = "active business"


@dataclass(frozen=True)
class Caller:
    """Whose token called in which session."""

    at: Here
    access: Access
    session: str

    @property
    def businesses(self) -> list[DemoBusiness]:
        """The businesses the token opens."""
        return reached(self.at, self.access)

    def active(self) -> DemoBusiness:
        """The business of the session: the chosen one, else the first. Raises ToolRefused."""
        chosen = self.at.grants.book.find(_CHOICE, self.session)
        open_ones = (
            list(BUSINESSES.values()) if OPERATOR in self.access.scopes and chosen else self.businesses
        )
        found = next((b for b in open_ones if chosen is None or b.id == chosen["id"]), None)
        if found is None:
            raise ToolRefused(403, "No active membership in this business")
        return found

    def choose(self, business: DemoBusiness) -> None:
        """Make it the active business of the session."""
        self.at.grants.book.put(_CHOICE, self.session, {"id": business.id})


@dataclass(frozen=True)
class SessionTool:
    """A tool of no business in particular. `is_listed` says for whom."""

    name: str
    description: str
    properties: dict[str, Any]
    required: tuple[str, ...]
    inferred: bool
    is_listed: Callable[[Caller], bool]
    answer: Callable[[Caller, Given], Any]

    @property
    def input_schema(self) -> dict[str, Any]:
        """Its arguments as JSON Schema."""
        return {"type": "object", "properties": self.properties, "required": list(self.required)}


def forget_choices(at: Here, _given: dict[str, Any]) -> None:
    """The lever `forget_choices`: sessions stay, but back in their first business."""
    for session, _ in at.grants.book.items(_CHOICE):
        at.grants.book.remove(_CHOICE, session)


def _set_active_business(caller: Caller, given: Given) -> Any:
    wanted = text(given, "businessId")
    found = next((b for b in caller.businesses if b.id == wanted), None)
    if found is None:
        raise ToolRefused(403, "No active membership in this business")
    caller.choose(found)
    return {"activeBusinessId": found.id, "name": found.name}


def _list_businesses(caller: Caller, _given: Given) -> Any:
    return {
        "data": [
            {"id": b.id, "name": b.name, "currency": b.currency, "timezone": b.timezone, "isActive": True}
            for b in caller.businesses
        ],
        "nextCursor": None,
    }


def _list_tenants(_caller: Caller, given: Given) -> Any:
    return page([{"id": b.id, "name": b.name, "isActive": True} for b in BUSINESSES.values()], given)


def _set_active_tenant(caller: Caller, given: Given) -> Any:
    found = BUSINESSES.get(text(given, "tenantId"))
    if found is None:
        raise not_found("Tenant")
    caller.choose(found)
    return {"activeTenantId": found.id, "name": found.name}


def _is_operator(caller: Caller) -> bool:
    return OPERATOR in caller.access.scopes


SESSION_TOOLS = {
    tool.name: tool
    for tool in (
        SessionTool(
            "set_active_business",
            "Choose the business of this session.",
            {"businessId": TEXT},
            ("businessId",),
            False,
            lambda caller: len(caller.businesses) > 1,
            _set_active_business,
        ),
        SessionTool(
            "list_businesses",
            "List the businesses this token opens, with currency and time zone.",
            {},
            (),
            True,
            lambda caller: True,
            _list_businesses,
        ),
        SessionTool("list_tenants", "List every business.", PAGING, (), False, _is_operator, _list_tenants),
        SessionTool(
            "set_active_tenant",
            "Choose the business of this session, as an operator.",
            {"tenantId": TEXT},
            ("tenantId",),
            False,
            _is_operator,
            _set_active_tenant,
        ),
    )
}
