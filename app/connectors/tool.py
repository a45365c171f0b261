"""What the product needs to know of a tool, and how it calls one.

`FunctionTool` (`function_tool.py`) is the kind that a Python function makes. A tool can as well be data:
schemas from a JSON document and one HTTP request. Nothing outside a kind may depend on which it is.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from app.connectors.preview import Preview


class Tool(Protocol):
    """A tool of a service, or a built-in one. Its members do not change while it is listed.

    Hints mean what MCP's tool annotations mean:
    https://modelcontextprotocol.io/specification/2025-11-25/schema#toolannotations
    """

    @property
    def verb(self) -> str:
        """Its name without the slug, unique within its service."""

    @property
    def title(self) -> str:
        """What people read: lists, approvals, the audit trail."""

    @property
    def description(self) -> str:
        """What an AI client reads. Its first paragraph alone must say what the tool does (compact mode)."""

    @property
    def reads_only(self) -> bool:
        """It changes nothing. Decides which permission level allows it, and whether it waits for approval."""

    @property
    def destructive(self) -> bool:
        """It removes, sends or moves something that cannot be undone."""

    @property
    def idempotent(self) -> bool:
        """Calling it twice with the same arguments changes nothing more."""

    @property
    def open_world(self) -> bool:
        """It sends requests to a service, so the call takes one of its workspace's turns."""

    @property
    def pages_by(self) -> str | None:
        """The argument that selects the page of a list, or None. Then `call` returns `items` and `next`."""

    @property
    def needs_scopes(self) -> tuple[str, ...]:
        """The service's scopes of which it needs any one; empty: none."""

    @property
    def version(self) -> str:
        """Changes with what it does or says: an approval counts for one version. "" for a tool of ours, which
        changes with a release.
        """

    @property
    def unavailable(self) -> str:
        """Why it cannot be called now, as a sentence; "" for a tool that can."""

    @property
    def one_business(self) -> bool:
        """It works in one business of the connection. False: on the whole connection, so it takes none."""

    @property
    def input_schema(self) -> Mapping[str, Any]:
        """JSON Schema (an object) of what `parse` takes, without `account`, `cursor` and the business.

        Those are added for the caller, so no argument of its own may have their names. AI clients see it in a
        plainer form (`schemas.of_arguments`); what they send is read by it (`mcp_server/calls/arguments.py`).
        """

    @property
    def data_schema(self) -> Mapping[str, Any]:
        """JSON Schema (an object) of `data` in a successful envelope."""

    def name_in(self, slug: str) -> str:
        """Its full name as a tool of that service, as AI clients call it."""

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Checked arguments for `call`, with every argument present that has a default.

        Raises InvalidArguments with one sentence per problem; an unknown argument is a problem too.
        """

    def call(self, context: Any, arguments: Mapping[str, Any]) -> Any:
        """Carry it out with arguments from `parse`; returns JSON-ready data with `plain` strings.

        `context` is the connection's `Api`, for a built-in tool the `ToolContext`. Raises ToolError.
        """

    def preview(self, context: Any, arguments: Mapping[str, Any]) -> Preview:
        """What `call` would do with these arguments, without doing it. Only for tools that write.

        Raises the ToolError that `call` would raise, if that can be known before.
        """
