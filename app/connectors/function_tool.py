"""A typed function becomes a tool: its schemas are made once, at import.

The first parameter of a tool function is its context: the `Api` for a service's tool, the `ToolContext` for
a built-in one. The others are its arguments, annotated and described with `Annotated[…,
Field(description=…)]`. It returns a `Row`, a `Page` of rows, or a `Row` subclass of its own; the result
becomes `data` in the envelope. Its docstring is the description an AI client reads: say when to use it, and
when not.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model

from app.connectors.argument_names import closest
from app.connectors.preview import Preview, plain_preview
from app.connectors.rows import to_data
from app.connectors.schemas import LONGEST_TEXT, tidy
from app.errors import InvalidArguments


@dataclass(frozen=True)
class FunctionTool:
    """A `Tool` made of a function (see there for the fields). `verb` is the function's name."""

    function: Callable[..., Any] = field(repr=False)
    verb: str
    title: str
    description: str
    reads_only: bool
    destructive: bool
    idempotent: bool
    open_world: bool
    pages_by: str | None
    needs_scopes: tuple[str, ...]
    one_business: bool
    bare: bool  # it goes by its verb alone, without the slug
    arguments: type[BaseModel] = field(repr=False)
    previewer: Callable[..., Preview] | None = field(default=None, repr=False)
    version: str = ""
    unavailable: str = ""

    def name_in(self, slug: str) -> str:
        """Its full name as a tool of that service."""
        return self.verb if self.bare else f"{slug}_{self.verb}"

    @cached_property
    def input_schema(self) -> dict[str, Any]:
        """JSON Schema of the function's parameters after the first."""
        return tidy(self.arguments.model_json_schema())

    @cached_property
    def data_schema(self) -> dict[str, Any]:
        """JSON Schema of the function's result."""
        returned = get_type_hints(self.function, include_extras=True)["return"]
        schema = tidy(TypeAdapter(returned).json_schema(mode="serialization"))
        if self.pages_by:
            schema["properties"].pop("next", None)
            schema["properties"]["next_cursor"] = {
                "type": ["string", "null"],
                "description": "Pass as `cursor` for the next page; null at the end.",
            }
        return schema

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments checked and converted. Raises InvalidArguments with one sentence per problem."""
        try:
            parsed = self.arguments.model_validate(dict(arguments))
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False, include_input=False)
            problems = [self._problem(each["type"], each["loc"], each["msg"]) for each in found[:10]]
            raise InvalidArguments(
                "The arguments are invalid: " + "; ".join(problems) + ".", details={"problems": problems}
            ) from None
        return {name: getattr(parsed, name) for name in self.arguments.model_fields}

    def _problem(self, kind: str, place: tuple[int | str, ...], message: str) -> str:
        """One sentence about one argument."""
        if kind == "extra_forbidden":
            names = list(_declared_at(self.input_schema, place[:-1]))
            meant = closest(str(place[-1]), names)
            message = "there is no such argument" + (f"; did you mean {meant}?" if meant else "")
        return f"{'.'.join(map(str, place)) or 'arguments'}: {message}"

    def call(self, context: Any, arguments: Mapping[str, Any]) -> Any:
        """The function's result as JSON-ready data. Raises ToolError."""
        return to_data(self.function(context, **arguments))

    def preview(self, context: Any, arguments: Mapping[str, Any]) -> Preview:
        """What the function would do, by its preview function. Raises ToolError."""
        if self.previewer is None:
            return plain_preview(self.title)
        return self.previewer(context, **arguments)


def _declared_at(schema: Any, place: tuple[int | str, ...]) -> Iterable[str]:
    """The names an object in the arguments may have; none where the schema does not say."""
    for part in place:
        schema = (
            schema.get("items", {}) if isinstance(part, int) else schema.get("properties", {}).get(part, {})
        )
    return schema.get("properties", {})  # type: ignore[no-any-return]


def tool(
    *,
    title: str,
    reads_only: bool = False,
    destructive: bool = False,
    idempotent: bool | None = None,
    open_world: bool = True,
    pages_by: str | None = None,
    needs_scopes: tuple[str, ...] = (),
    one_business: bool = True,
    bare: bool = False,
    preview: Callable[..., Preview] | None = None,
) -> Callable[[Callable[..., Any]], FunctionTool]:
    """Make a tool of a function. `destructive`: it removes, sends or moves what cannot be undone.

    `preview` takes the function's own parameters and returns what it would do (`preview.py`).
    """

    def make(function: Callable[..., Any]) -> FunctionTool:
        return FunctionTool(
            function=function,
            verb=function.__name__,
            title=title,
            description=inspect.cleandoc(function.__doc__ or ""),
            reads_only=reads_only,
            destructive=destructive,
            idempotent=reads_only if idempotent is None else idempotent,
            open_world=open_world,
            pages_by=pages_by,
            needs_scopes=needs_scopes,
            one_business=one_business,
            bare=bare,
            arguments=_arguments_of(function, pages_by),
            previewer=preview,
        )

    return make


def _arguments_of(function: Callable[..., Any], pages_by: str | None) -> type[BaseModel]:
    """A strict pydantic model of the function's parameters after the first."""
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], default)
    if pages_by and pages_by not in fields:
        raise TypeError(f"{function.__name__}: pages_by names {pages_by!r}, which is not a parameter")
    return create_model(
        f"{function.__name__}_arguments",
        __config__=ConfigDict(extra="forbid", str_max_length=LONGEST_TEXT),
        **fields,
    )
