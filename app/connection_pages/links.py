"""Where an id of an answer can be used: the other tools of the service that take it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from app.connection_pages.result_view import Use
from app.connectors.connector import Connector
from app.connectors.tool import Tool

_PASS_AS = re.compile(r"Pass as `?(\w+)`?", re.I)
_FROM = re.compile(r"from (\w+)", re.I)
_WORDS = re.compile(r"(\b[a-z0-9]+(?:_[a-z0-9]+)+\b)")  # tool names, and other words with underscores
_MOST = 6  # links of one record


def connection_path(slug: str, connection_id: str) -> str:
    """The address of a connection's page."""
    return f"/integrations/{slug}/{connection_id}"


def tool_path(slug: str, connection_id: str, tool_name: str) -> str:
    """The address of a tool's form."""
    return f"{connection_path(slug, connection_id)}/tools/{tool_name}"


def uses_of(connector: Connector, connection_id: str, tool: Tool) -> Callable[[Mapping[str, Any]], list[Use]]:
    """Returns the links of a record in an answer of this tool."""
    takers = _takers(connector, tool.verb)

    def uses(record: Mapping[str, Any]) -> list[Use]:
        found: dict[str, Use] = {}
        for key, others in takers.items():
            value = record.get(key)
            if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
                for other, argument in others:
                    path = tool_path(connector.slug, connection_id, other.name_in(connector.slug))
                    found.setdefault(other.verb, Use(other.title, f"{path}?{urlencode({argument: value})}"))
        return list(found.values())[:_MOST]

    return uses


@dataclass(frozen=True)
class TextPiece:
    """A part of a text; with a URL it is the title of a tool that the text names."""

    text: str
    url: str = ""


def pieces_of(text: str, connector: Connector, connection_id: str) -> list[TextPiece]:
    """A description for AI clients as people read it: tools by title, as links to their forms."""
    titles = {tool.name_in(connector.slug): tool.title for tool in connector.tools}
    return [
        TextPiece(titles[part], tool_path(connector.slug, connection_id, part))
        if part in titles
        else TextPiece(part)
        for part in _WORDS.split(text.replace("`", ""))
        if part
    ]


@lru_cache(maxsize=512)
def _takers(connector: Connector, verb: str) -> dict[str, list[tuple[Tool, str]]]:
    """The members of a tool's records that other tools take, with those tools and their argument."""
    found: dict[str, list[tuple[Tool, str]]] = {}
    tool = next(each for each in connector.tools if each.verb == verb)
    full_name = tool.name_in(connector.slug)
    for key, schema in _members(tool).items():
        names = {key, *_PASS_AS.findall(str(schema.get("description", "")))}
        if key == "id":
            names |= {f"{noun}_id" for noun in _nouns(tool)}
        for other in connector.tools:
            arguments = other.input_schema.get("properties", {})
            taken = [
                name
                for name, about in arguments.items()
                if (name.endswith(("id", "ids")) and name in names)
                or (key == "id" and full_name in _FROM.findall(str(about.get("description", ""))))
            ]
            if other.verb != verb and len(taken) == 1:
                found.setdefault(key, []).append((other, taken[0]))
    return found


def _members(tool: Tool) -> Mapping[str, Mapping[str, Any]]:
    """The members of one record: of the list, or of the answer itself."""
    declared: Mapping[str, Any] = tool.data_schema.get("properties", {})
    items = declared.get("items", {}).get("items", {}) if "items" in declared else {}
    members: Mapping[str, Mapping[str, Any]] = items.get("properties") or declared
    return members


def _nouns(tool: Tool) -> list[str]:
    """What the tool is about, in the singular: `list_customers` is about a customer."""
    noun = tool.verb.split("_", 1)[-1]
    singular = f"{noun[:-3]}y" if noun.endswith("ies") else noun.removesuffix("s")
    return [singular, singular.rsplit("_", 1)[-1]]
