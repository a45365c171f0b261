"""A typed function becomes a tool: schemas are made once, at import.

The first parameter of a tool function is the `Api`; the others are its arguments, annotated and
described with `Annotated[…, Field(description=…)]`. It returns a `Row`, a `Page` of rows, or a
`Row` subclass of its own; what it returns becomes `data` in the envelope. Its docstring is the
description an AI client reads: say when to use it, and when not.
"""

import inspect
import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic_core import to_json

from app.errors import InvalidArguments

Item = TypeVar("Item")
_LONGEST_TEXT = 100_000


class Row(BaseModel):
    """A record as an AI client sees it: only the fields that matter, named in plain words."""

    model_config = ConfigDict(extra="forbid")


class Page(BaseModel, Generic[Item]):
    """One page of a list. `next` is the value of the paging argument for the next page, or None at the
    end.
    """

    model_config = ConfigDict(extra="forbid")

    items: list[Item]
    next: str | int | None = None
    total: int | None = None


@dataclass(frozen=True)
class Tool:
    """A function of a service and what a client must know to call it. `verb` is the name without the slug."""

    function: Callable[..., Any]
    verb: str
    title: str
    description: str
    reads_only: bool
    destructive: bool
    idempotent: bool
    open_world: bool
    pages_by: str | None  # the argument that walks the pages, or None
    needs_scopes: tuple[str, ...]  # the service's scopes without which it cannot work (any one is enough)
    one_business: bool  # False: it concerns the whole connection, so it takes no business
    bare: bool  # it goes by its verb alone, without the slug
    arguments: type[BaseModel] = field(repr=False)

    def name_in(self, slug: str) -> str:
        """What an AI client calls it, as a tool of that service."""
        return self.verb if self.bare else f"{slug}_{self.verb}"

    @cached_property
    def input_schema(self) -> dict[str, Any]:
        """JSON Schema of the arguments, without `account` and the business, which depend on the caller."""
        return tidy(self.arguments.model_json_schema())

    @cached_property
    def data_schema(self) -> dict[str, Any]:
        """JSON Schema of `data` in a successful envelope."""
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
        """Checked and converted arguments for the function.

        Raises InvalidArguments with one sentence per problem; extra arguments are a problem too.
        """
        try:
            parsed = self.arguments.model_validate(dict(arguments))
        except ValidationError as error:
            problems = [
                f"{'.'.join(str(p) for p in e['loc']) or 'arguments'}: {e['msg']}"
                for e in error.errors(include_url=False, include_context=False, include_input=False)
            ][:10]
            raise InvalidArguments(
                "The arguments do not fit: " + "; ".join(problems) + ".", details={"problems": problems}
            ) from None
        return {name: getattr(parsed, name) for name in self.arguments.model_fields}


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
) -> Callable[[Callable[..., Any]], Tool]:
    """Make a tool of a function. `destructive`: it removes, sends or moves something that cannot be taken
    back.
    """

    def make(function: Callable[..., Any]) -> Tool:
        return Tool(
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
        __config__=ConfigDict(extra="forbid", str_max_length=_LONGEST_TEXT),
        **fields,
    )


def tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON Schema without what only costs tokens: generated titles, null branches of optional arguments."""
    definitions = schema.get("$defs", {})

    def clean(node: Any, *, naming: bool = False) -> Any:
        if isinstance(node, list):
            return [clean(part) for part in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node and node["$ref"].startswith("#/$defs/"):
            target = definitions[node["$ref"].removeprefix("#/$defs/")]
            return clean({**target, **{k: v for k, v in node.items() if k != "$ref"}})
        kept = {
            k: clean(v, naming=k == "properties")
            for k, v in node.items()
            if k != "$defs" and (naming or k != "title")
        }
        if not naming and isinstance(kept.get("anyOf"), list) and {"type": "null"} in kept["anyOf"]:
            branches = [b for b in kept["anyOf"] if b != {"type": "null"}]
            if len(branches) == 1 and isinstance(branches[0].get("type"), str):
                rest = {k: v for k, v in kept.items() if k != "anyOf"}
                kept = {**branches[0], **rest, "type": [branches[0]["type"], "null"]}
                if "enum" in kept:
                    kept["enum"] = [*kept["enum"], None]
        if not naming and kept.get("default", ...) is None:
            kept.pop("default")
        if not naming and kept.get("maxLength") == _LONGEST_TEXT:
            kept.pop("maxLength")  # no bound of the argument's own
        return kept

    cleaned: dict[str, Any] = clean(schema)
    return cleaned


def plain(value: Any) -> Any:
    """What a service sent, as data safe to show: no control characters and no text direction tricks.

    Line breaks and tabs stay. Applies to every string at any depth.
    """
    if isinstance(value, str):
        return (
            value
            if value.isascii() and value.isprintable()
            else "".join(c for c in value if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cf", "Cs"})
        )
    if isinstance(value, dict):
        return {plain(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


def to_data(returned: Any) -> Any:
    """What a tool function returned, as JSON-ready data with `plain` strings."""
    if isinstance(returned, BaseModel):
        returned = returned.model_dump(mode="json")
    return returned if _is_plain(returned) else plain(returned)


# What JSON text of plain data never holds: escaped control characters, and DEL.
_NOT_PLAIN = re.compile(rb"\\[ubfr]|\x7f")


def _is_plain(data: Any) -> bool:
    """Whether `plain` would change nothing, decided on the JSON text, which costs a fraction of walking
    the data. May say no wrongly.
    """
    try:
        text = to_json(data)
    except ValueError:
        return False
    return text.isascii() and _NOT_PLAIN.search(text) is None


def size_in_tokens(data: Any) -> int:
    """A cautious estimate of what data costs an AI client: three characters of JSON a token."""
    return len(json.dumps(data, ensure_ascii=False, separators=(",", ":"))) // 3


__all__ = ["Field", "Page", "Row", "Tool", "plain", "size_in_tokens", "tidy", "to_data", "tool"]
