"""JSON-RPC messages and HTTP headers of both revisions, and the answer in a response.

https://modelcontextprotocol.io/specification/2026-07-28/basic/transports
https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http
"""

import base64
import json
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from mcp_types import CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from app.config import VERSION
from app.mcp_client.session import Message, ServerSession
from app.outbound import Response

CLIENT_INFO = {"name": "patchbay", "version": VERSION}
# What names the thing that a request is about, by method: intermediaries route by it (header Mcp-Name).
_NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_PLAIN_HEADER = re.compile(r"[\x20-\x7e]*")
_ENCODED_HEADER = re.compile(r"=\?base64\?.*\?=")
_LARGEST_ID = 2**53  # what JavaScript counts exactly


class NotJsonRpc(Exception):
    """The server sent something that is no JSON-RPC message."""


def is_stateless(revision: str) -> bool:
    """Whether each request carries everything, without a handshake."""
    return revision in MODERN_PROTOCOL_VERSIONS


def request(method: str, params: Mapping[str, Any]) -> Message:
    """A request. Its id is random: several processes share a session, in which an id may occur once."""
    number = 1 + secrets.randbelow(_LARGEST_ID - 1)
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": dict(params)}


def notification(method: str, params: Mapping[str, Any] | None = None) -> Message:
    """A notification."""
    return {"jsonrpc": "2.0", "method": method, **({} if params is None else {"params": dict(params)})}


def result(request_id: Any, value: Mapping[str, Any]) -> Message:
    """The answer to a server's request."""
    return {"jsonrpc": "2.0", "id": request_id, "result": dict(value)}


def error(request_id: Any, code: int, message: str) -> Message:
    """The refusal of a server's request."""
    return {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": message}}


def stamped(message: Message, revision: str, capabilities: Mapping[str, Any]) -> Message:
    """A request of a stateless revision: what a handshake would have settled is in its `_meta`."""
    meta = {
        **message["params"].get("_meta", {}),
        PROTOCOL_VERSION_META_KEY: revision,
        CLIENT_INFO_META_KEY: CLIENT_INFO,
        CLIENT_CAPABILITIES_META_KEY: dict(capabilities),
    }
    return {**message, "params": {**message["params"], "_meta": meta}}


def headers_of(message: Message, session: ServerSession | None) -> dict[str, str]:
    """The headers of a message in a session; None before there is one."""
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    if session is None:
        return headers
    headers["MCP-Protocol-Version"] = session.revision
    if session.session_id is not None:
        headers["Mcp-Session-Id"] = session.session_id
    if is_stateless(session.revision) and "method" in message:
        headers["Mcp-Method"] = message["method"]
        name = message.get("params", {}).get(_NAMED_BY.get(message["method"], ""))
        if isinstance(name, str):
            headers["Mcp-Name"] = header_value(name)
    return headers


def ending(session: ServerSession) -> dict[str, str]:
    """The headers of the DELETE that ends a session; empty for one that only we know of.

    https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management
    """
    if session.session_id is None:
        return {}
    return {"MCP-Protocol-Version": session.revision, "Mcp-Session-Id": session.session_id}


def header_value(text: str) -> str:
    """Text as a header carries it: as it is, or in Base64 where a header could not hold it."""
    if _PLAIN_HEADER.fullmatch(text) and text == text.strip() and not _ENCODED_HEADER.fullmatch(text):
        return text
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


def mirrored(header_map: Mapping[tuple[str, ...], str], arguments: Mapping[str, Any]) -> dict[str, str]:
    """The headers that repeat arguments, as the tool's schema declares (`x-mcp-header`): {path: token}."""
    headers = {}
    for path, token in header_map.items():
        value: Any = arguments
        for part in path:
            value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(value, bool):
            headers[f"Mcp-Param-{token}"] = "true" if value else "false"
        elif isinstance(value, str | int | float):
            headers[f"Mcp-Param-{token}"] = header_value(str(value))
    return headers


class AnswerReader:
    """Takes a stream's events until the answer to `message`; the other messages go to `on_message`."""

    def __init__(self, message: Mapping[str, Any], on_message: Callable[[Message], None] | None) -> None:
        self._id = message.get("id") if "method" in message else None
        self._on_message = on_message
        self._answer: Message | None = None
        self._position = ""
        self.waits_seconds = 0.0

    def broke_off(self, last_id: str, retry_seconds: float | None) -> bool:
        """The stream has ended before the answer: whether it can be resumed, as its events have ids.

        https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#resumability-and-redelivery
        """
        self._position = last_id or self._position
        self.waits_seconds = self.waits_seconds if retry_seconds is None else retry_seconds
        return bool(self._position)

    @property
    def resumes_after(self) -> str:
        """The id of the event after which the stream is to be resumed; "" once there is an answer."""
        return self._position if self._answer is None else ""

    def __call__(self, data: str) -> bool:
        """Takes one event; one without data only says that the stream can be resumed. Raises NotJsonRpc."""
        if not data:
            return False
        try:
            parsed = json.loads(data)
        except (ValueError, RecursionError):
            raise NotJsonRpc from None
        for each in parsed if isinstance(parsed, list) else [parsed]:
            if not isinstance(each, dict):
                raise NotJsonRpc
            if is_answer(each, self._id):
                self._answer = each
                return True
            if self._on_message is not None and "method" in each:
                self._on_message(each)
        return False

    def completed(self, response: Response) -> Response:
        """The response with the answer as its content, if that came in a stream."""
        if self._answer is None:
            return response
        return response.with_json(self._answer)


def is_answer(message: Message, request_id: Any) -> bool:
    """Whether it answers the request. Ids are compared as text: some servers turn numbers into strings.

    An error without an id is one about a request that the server could not read.
    """
    if "method" in message or not ("result" in message or "error" in message):
        return False
    found = message.get("id")
    return str(found) == str(request_id) or (found is None and message.get("error") is not None)


def answer_in(response: Response, request_id: Any) -> Message | None:
    """The answer to the request in the response's body, or None if it holds none."""
    body = response.json()
    for each in body if isinstance(body, list) else [body]:
        if isinstance(each, dict) and is_answer(each, request_id):
            return each
    return None
