"""A question of an MCP server as AI clients can show it: it names the server, and its form is a plain one.

https://modelcontextprotocol.io/specification/2026-07-28/client/elicitation
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from mcp_types import ElicitRequest, ElicitRequestFormParams, ElicitRequestURLParams

from app.connectors.rows import plain
from app.errors import ToolError
from app.mcp_client.questions import ELICITATION, GivenAnswers

_LONGEST_MESSAGE, _LONGEST_TEXT, _LONGEST_URL = 2_000, 300, 2_000
_MOST_FIELDS, _MOST_CHOICES = 20, 100
_NAME = re.compile(r"[A-Za-z0-9_.$-]{1,64}")
# "Servers MUST NOT use form mode elicitation to request sensitive information" (Security Considerations)
_SECRET = re.compile(
    r"pass(word|wd|phrase|code)|secret|api[ _-]?key|access[ _-]?(key|token)|private[ _-]?key|credential|"
    r"credit[ _-]?card|card[ _-]?number|\bcv[vc]\b|\bpin\b",
    re.IGNORECASE,
)
_TEXTS = ("title", "description")
_NUMBERS = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")
_FORMATS = ("email", "uri", "date", "date-time")
_PRIMITIVE: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


class QuestionUnanswered(ToolError):
    """A server asked something during a call, and there is no answer to give it."""


class NobodyToAsk:
    """Nobody can be asked: the client shows no questions, or there is none, as on a page of ours."""

    capabilities: Mapping[str, Any] = {}
    earlier: GivenAnswers | None = None

    def __init__(self, name: str) -> None:
        self._name = name

    def answer(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Raises QuestionUnanswered."""
        raise unshowable(self._name, of_server(self._name, method, params))

    def answer_all(
        self, questions: Mapping[str, Mapping[str, Any]], state: str | None
    ) -> Mapping[str, Mapping[str, Any]]:
        """Raises QuestionUnanswered."""
        for each in questions.values():
            self.answer(str(each.get("method")), each.get("params") or {})
        return {}


def of_server(name: str, method: str, params: Mapping[str, Any]) -> ElicitRequest:
    """The question of the server of that name, for the person. Raises QuestionUnanswered."""
    if method != ELICITATION:
        raise QuestionUnanswered(
            f"{name} sent the AI client a request that isn't passed on ({plain(str(method))[:40]}). Use "
            "another of its tools."
        )
    message = plain(params.get("message"))
    if not isinstance(message, str) or not message.strip():
        raise _not_showable(name)
    message = message.strip()[:_LONGEST_MESSAGE]
    if params.get("mode", "form") == "url":
        url = params.get("url")
        opens = f"{name} asks you to open a page at {host_of(name, url)}: {message}"
        return ElicitRequest(params=ElicitRequestURLParams(message=opens, url=str(url)))
    schema = _form(name, params.get("requestedSchema"))
    return ElicitRequest(
        params=ElicitRequestFormParams(message=f"{name} asks: {message}", requested_schema=schema)
    )


def host_of(name: str, url: Any) -> str:
    """The host that a page to open is at. Raises QuestionUnanswered unless the address is an https one."""
    try:
        parts = urlsplit(url if isinstance(url, str) and len(url) <= _LONGEST_URL else "")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _not_showable(name) from None
    is_local = host in {"localhost", "127.0.0.1", "::1"}
    if parts.scheme != "https" and not (parts.scheme == "http" and is_local):
        raise _not_showable(name)
    if not re.fullmatch(r"[a-z0-9.:-]+", host) or "@" in parts.netloc or not str(url).isascii():
        raise _not_showable(name)
    return f"{host}:{port}" if port else host


def answer_of(question: ElicitRequest, reply: Mapping[str, Any]) -> dict[str, Any]:
    """A client's reply as the server gets it: the action, and of the form's fields those that it has."""
    action = reply.get("action")
    if action not in {"accept", "decline"}:
        return {"action": "cancel"}
    if action == "decline" or isinstance(question.params, ElicitRequestURLParams):
        return {"action": action}
    fields = question.params.requested_schema["properties"]
    given = reply.get("content")
    content = {
        field: value
        for field, value in (given.items() if isinstance(given, Mapping) else ())
        if field in fields and _is_of(fields[field], value)
    }
    return {"action": "accept", "content": content}


def unshowable(name: str, question: ElicitRequest) -> QuestionUnanswered:
    """Why the person is not asked, and what to do instead."""
    if isinstance(question.params, ElicitRequestURLParams):
        host = host_of(name, question.params.url)
        return QuestionUnanswered(
            f"{name} needs the person to open a page at {host} first. Its address is in the details: give it "
            "to them, and call the tool again when they are done.",
            details={"open_url": question.params.url},
        )
    return QuestionUnanswered(
        f"{name} needs to ask the person a question for this, and it can't be shown here. Call the tool from "
        f"an AI client that shows questions (elicitation), or do this at {name} itself."
    )


def _form(name: str, schema: Any) -> dict[str, Any]:
    """The form without what clients don't show: only fields of plain values."""
    properties = schema.get("properties", {}) if isinstance(schema, Mapping) else None
    if not isinstance(properties, Mapping) or len(properties) > _MOST_FIELDS:
        raise _not_showable(name)
    fields = {}
    for field, part in properties.items():
        if not _NAME.fullmatch(str(field)) or not isinstance(part, Mapping):
            raise _not_showable(name)
        if _SECRET.search(" ".join([field, *(str(part.get(text, "")) for text in _TEXTS)])):
            raise QuestionUnanswered(
                f"{name} asked for a password or key in the chat, which is never passed on. Enter it at "
                f"{name} itself, then call the tool again."
            )
        fields[field] = _field(name, part)
    required = schema.get("required")
    wanted = [each for each in fields if each in required] if isinstance(required, list) else []
    return {"type": "object", "properties": fields, **({"required": wanted} if wanted else {})}


def _field(name: str, part: Mapping[str, Any]) -> dict[str, Any]:
    kind = part.get("type")
    field: dict[str, Any] = {"type": kind}
    field |= {key: plain(part[key])[:_LONGEST_TEXT] for key in _TEXTS if isinstance(part.get(key), str)}
    field |= {key: part[key] for key in _NUMBERS if _is_number(part.get(key))}
    if kind == "array":
        items = part.get("items")
        field["items"] = _choices(name, items) if isinstance(items, Mapping) else None
        if not field["items"]:
            raise _not_showable(name)
        field["items"] = {"type": "string", **field["items"]} if "enum" in field["items"] else field["items"]
    elif not isinstance(kind, str) or kind not in _PRIMITIVE:
        raise _not_showable(name)
    elif kind == "string":
        field |= _choices(name, part)
        field |= {"format": part["format"]} if part.get("format") in _FORMATS else {}
    default = plain(part.get("default"))
    return {**field, "default": default} if default is not None and _is_of(field, default) else field


def _choices(name: str, part: Mapping[str, Any]) -> dict[str, Any]:
    """The values to choose from, with or without titles."""
    found: dict[str, Any] = {}
    for key in ("enum", "enumNames"):
        if isinstance(values := part.get(key), list):
            found[key] = [plain(str(value))[:_LONGEST_TEXT] for value in values]
    for key in ("oneOf", "anyOf"):
        if isinstance(values := part.get(key), list):
            if not all(isinstance(each, Mapping) and isinstance(each.get("const"), str) for each in values):
                raise _not_showable(name)
            found[key] = [
                {
                    "const": plain(each["const"])[:_LONGEST_TEXT],
                    "title": plain(str(each.get("title", each["const"])))[:_LONGEST_TEXT],
                }
                for each in values
            ]
    if any(len(values) > _MOST_CHOICES for values in found.values()):
        raise _not_showable(name)
    return found


def _is_of(part: Mapping[str, Any], value: Any) -> bool:
    """Whether a value is of a field's type."""
    if part["type"] == "array":
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    if isinstance(value, bool) and part["type"] != "boolean":
        return False
    return isinstance(value, _PRIMITIVE[part["type"]])


def _is_number(value: Any) -> bool:
    """Whether JSON can carry it: not what Python reads as infinite, or as no number."""
    return type(value) in {int, float} and value - value == 0


def _not_showable(name: str) -> QuestionUnanswered:
    return QuestionUnanswered(
        f"{name} asked a question in a form that AI clients can't show. Use another of its tools, or do this "
        f"at {name} itself."
    )
