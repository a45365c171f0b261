"""How a tool of the imitated FlowPOS is declared, and what it gets when it is called."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.sandbox.current import Here
from app.sandbox.services.flowpos.people import DemoBusiness
from app.sandbox.services.flowpos.wire import Given
from app.sandbox.store import Book, Record

# argument types, as JSON Schema
TEXT: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "integer"}
TRUTH: dict[str, Any] = {"type": "boolean"}
DATE: dict[str, Any] = {"type": "string", "format": "date"}
PAGING = {"limit": NUMBER, "cursor": TEXT}
PERIOD = {"from": DATE, "to": DATE}


@dataclass(frozen=True)
class BusinessCall:
    """A call in one business of a token that may make it."""

    at: Here
    business: DemoBusiness
    book: Book
    given: Given

    def local_day(self, moment: str) -> date:
        """The day of a moment in the business's time zone."""
        return datetime.fromisoformat(moment).astimezone(ZoneInfo(self.business.timezone)).date()

    def today(self) -> date:
        """The business's present day."""
        return self.at.now().astimezone(ZoneInfo(self.business.timezone)).date()

    def find(self, kind: str, id_: Any) -> Record | None:
        """The record of that id in this business."""
        return self.book.find(kind, id_)


@dataclass(frozen=True)
class DemoTool:
    """A tool. `inferred`: its name is ours, as FlowPOS documents none for it; `documented_only` hides it."""

    name: str
    scope: str
    description: str
    properties: Mapping[str, Any]
    required: tuple[str, ...]
    inferred: bool
    answer: Callable[[BusinessCall], Any]

    @property
    def input_schema(self) -> dict[str, Any]:
        """Its arguments as JSON Schema. FlowPOS documents their names for `set_active_business` only."""
        return {"type": "object", "properties": dict(self.properties), "required": list(self.required)}


def demo_tool(
    scope: str,
    properties: Mapping[str, Any] | None = None,
    required: tuple[str, ...] = (),
    *,
    inferred: bool = False,
) -> Callable[[Callable[[BusinessCall], Any]], DemoTool]:
    """Make the function the tool of its name; its docstring is the description."""

    def make(answer: Callable[[BusinessCall], Any]) -> DemoTool:
        description = (answer.__doc__ or "").strip()
        return DemoTool(answer.__name__, scope, description, properties or {}, required, inferred, answer)

    return make
