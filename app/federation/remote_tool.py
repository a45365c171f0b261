"""A tool of an MCP server: its pinned definition, as the rest of the product sees a tool."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mcp.shared.inbound import x_mcp_header_map

from app.connectors import mcp
from app.connectors.api import Api
from app.connectors.more_tools import MoreTools
from app.connectors.output_check import OutputCheck
from app.connectors.preview import Preview, quoted
from app.connectors.rows import plain
from app.connectors.tool_output import ToolOutput
from app.federation import naming, schema_gate
from app.federation.definitions import hints_of
from app.federation.remote_arguments import RemoteArguments

_LONGEST_TITLE = 120
# https://platform.openai.com/docs/api-reference, `tools`: a longer one makes OpenAI refuse the whole list
_LONGEST_DESCRIPTION = 1_024
_MOST_IN_HEADLINE = 4  # arguments stated in full; a reference stands for the others


@dataclass(frozen=True, eq=False)
class RemoteTool:
    """A `Tool` of an MCP server (see there for the fields). `definition` is the pinned one.

    `unavailable`: why it cannot be called now, as a sentence. Such a tool is not listed.
    """

    verb: str
    definition: Mapping[str, Any]
    version: str  # the digest of the definition
    reads_only: bool
    unavailable: str = ""

    open_world: bool = True
    pages_by: str | None = None
    needs_scopes: tuple[str, ...] = ()
    one_business: bool = False
    more: MoreTools | None = None  # of a built-in service: how its tools are called

    def name_in(self, slug: str) -> str:
        """Its full name as a tool of that server."""
        return naming.full_name(slug, self.verb)

    @cached_property
    def title(self) -> str:
        """The definition's title, its annotations' title, or its name; in one line."""
        given = (self.definition.get("title"), self._annotations.get("title"), self.definition.get("name"))
        lines = (" ".join(plain(each).split()) for each in given if isinstance(each, str))
        return next((line for line in lines if line), self.verb)[:_LONGEST_TITLE]

    @cached_property
    def description(self) -> str:
        """The definition's description, cleaned, and cut to what every AI client takes."""
        given = self.definition.get("description")
        text = plain(given).strip() if isinstance(given, str) else ""
        return _cut(text or self.title, _LONGEST_DESCRIPTION)

    @property
    def destructive(self) -> bool:
        """By its hint; without one a tool that writes may destroy, as the protocol says."""
        return not self.reads_only and self._annotations.get("destructiveHint") is not False

    @property
    def idempotent(self) -> bool:
        """By its hint; reading always is."""
        return self.reads_only or self._annotations.get("idempotentHint") is True

    @property
    def _annotations(self) -> Mapping[str, Any]:
        return hints_of(self.definition)

    @cached_property
    def _arguments(self) -> RemoteArguments:
        schema = schema_gate.arguments_of(self.definition)
        return RemoteArguments(_without(schema, self._filled_in) if self._filled_in else schema)

    @cached_property
    def _filled_in(self) -> frozenset[str]:
        """The server's names of its arguments that the call's business is sent as."""
        properties = schema_gate.arguments_of(self.definition).get("properties", {})
        return self.more.business_arguments & set(properties) if self.more is not None else frozenset()

    @property
    def input_schema(self) -> Mapping[str, Any]:
        """The schema of its arguments, resolved, in the names they have here."""
        return self._arguments.schema

    @cached_property
    def data_schema(self) -> Mapping[str, Any]:
        """The schema of its structured results, resolved."""
        return schema_gate.answer_of(self.definition)

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Checked arguments, in the names they have here. Raises InvalidArguments with one sentence per
        problem.
        """
        return self._arguments.parse(arguments)

    def call(self, context: Api, arguments: Mapping[str, Any]) -> ToolOutput:
        """The server's result. Raises ToolError."""
        sent = self._arguments.sent(arguments)
        if self.more is not None and (business := self.more.business_id(context)) is not None:
            sent |= dict.fromkeys(self._filled_in, business)
        return mcp.call_tool(
            context,
            str(self.definition["name"]),
            sent,
            safe=self.reads_only,
            check=self._output_check,
            header_map=self._header_map,
            client=self.more.client_of(context) if self.more is not None else None,
        )

    @cached_property
    def _output_check(self) -> OutputCheck | None:
        return OutputCheck(self.data_schema) if self.definition.get("outputSchema") else None

    @cached_property
    def _header_map(self) -> Mapping[tuple[str, ...], str]:
        return x_mcp_header_map(schema_gate.arguments_of(self.definition))

    def preview(self, context: Api, arguments: Mapping[str, Any]) -> Preview:
        """Its title and its arguments. An MCP server cannot be asked what a call would do."""
        stated = {
            name: quoted(value) if isinstance(value, str) else str(value).lower()
            for name, value in arguments.items()
            if isinstance(value, str | int | float) and value != ""
        }
        first = dict(list(stated.items())[:_MOST_IN_HEADLINE])
        listed = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in first.items())
        return Preview(
            f"{self.title}: {listed}" if listed else self.title, self.title, covers=frozenset(first)
        )


def _without(schema: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The schema of an object without these members."""
    properties = {name: part for name, part in schema["properties"].items() if name not in names}
    required = [name for name in schema.get("required", ()) if name not in names]
    return {**schema, "properties": properties, "required": required}


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rsplit(" ", 1)[0].rstrip() + "…"
