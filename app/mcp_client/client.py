"""The client of one MCP server: opens or reuses the session, sends requests, reads answers."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from mcp_types import INVALID_PARAMS, METHOD_NOT_FOUND, UNSUPPORTED_PROTOCOL_VERSION

from app.errors import OutcomeUnknown, ProviderTimeout, ProviderUnavailable
from app.mcp_client import errors, wire
from app.mcp_client.conversation import Conversation, Progress, ignore
from app.mcp_client.errors import PageNeeded
from app.mcp_client.negotiation import negotiate
from app.mcp_client.questions import ELICITATION, GivenAnswers, Person
from app.mcp_client.session import McpSender, Message, ServerFacts, ServerSession, ServerSessions, ToolList
from app.outbound import OutboundError, Response

# How servers say that they know no such session: most with 404, as the specification demands.
_LOST = re.compile(r"session|not initialized|initialize request", re.IGNORECASE)
_MOST_PAGES = 100
_MOST_ROUNDS = 10  # of questions within one call
_MOST_CHARACTERS = 16_000_000  # of all pages but the last
_DAY_MS = 86_400_000


class McpClient:
    """One MCP server. `name` is what our sentences call it.

    Whatever `sender` raises passes through. Every method raises ToolErrors: RpcError for the server's own
    errors, HttpRefusal for an HTTP status, OutcomeUnknown for a write that may have been done.
    """

    def __init__(
        self,
        sender: McpSender,
        sessions: ServerSessions,
        *,
        name: str,
        on_notification: Callable[[str, Mapping[str, Any]], None] = ignore,
        prepare: "Callable[[McpClient], None] | None" = None,
    ) -> None:
        """`on_notification` takes method and params of notifications, such as `tools/list_changed`.

        `prepare` puts a session into the state that requests need. It runs before this client's first request
        in a session, also in one that replaces a lost one or that another process has just opened.
        """
        self._sender = sender
        self._sessions = sessions
        self._name = name
        self._on_notification = on_notification
        self._prepare = prepare
        self._prepared: ServerSession | None = None

    def connect(self) -> ServerFacts:
        """Asks for the revision and opens a session, whatever is remembered."""
        if (known := self._sessions.load()) is not None:
            self._sessions.forget(known)
        session, facts = negotiate(self._sender, self._name)
        if self._sessions.save(session) != session:
            self._sender.end(session)
        return facts

    def end(self) -> None:
        """Ends the session at the server and forgets it. Raises nothing of the server's."""
        if (known := self._sessions.load()) is not None:
            self._sessions.forget(known)
            self._sender.end(known)

    def list_tools(self) -> ToolList:
        """The tools of all pages."""
        pages = self._pages("tools/list")
        waits = [min(each, _DAY_MS) for page in pages if isinstance(each := page.get("ttlMs"), int | float)]
        return ToolList(
            _items(pages, "tools"),
            max(0.0, min(waits) / 1000) if waits else None,
            all(page.get("cacheScope") == "public" for page in pages),
        )

    def call_tool(
        self,
        name: str,
        arguments: Mapping[str, Any],
        *,
        safe: bool,
        progress: Progress | None = None,
        answer: Person | None = None,
        header_map: Mapping[tuple[str, ...], str] | None = None,
    ) -> dict[str, Any]:
        """The CallToolResult of a tool. `safe`: it changes nothing, so it may be sent again.

        `answer` is whom the server may ask; None: nobody. `header_map` are the arguments that headers repeat,
        by path (`x-mcp-header`).
        """
        params: dict[str, Any] = {"name": name, "arguments": dict(arguments)}
        more = wire.mirrored(header_map or {}, arguments)
        given = _given(answer.earlier) if answer is not None else {}
        was_page_opened = False
        for _ in range(_MOST_ROUNDS):
            try:
                result = self._request("tools/call", {**params, **given}, safe, progress, answer, more)
            except PageNeeded as needed:
                if was_page_opened or answer is None or not _open_pages(answer, needed):
                    raise
                was_page_opened = True
                continue
            if result.get("resultType") != "input_required":
                return result
            requests, state = result.get("inputRequests"), result.get("requestState")
            if answer is None or not isinstance(requests, dict):
                break
            questions = {key: _question(each) for key, each in requests.items()}
            state = state if isinstance(state, str) else None
            given = _given(GivenAnswers(answer.answer_all(questions, state), state))
        raise ProviderUnavailable(
            f"{self._name} keeps asking questions without finishing. Please try again later."
        )

    def list_resources(self) -> list[dict[str, Any]]:
        """The resources of all pages."""
        return _items(self._pages("resources/list"), "resources")

    def list_resource_templates(self) -> list[dict[str, Any]]:
        """The resource templates of all pages."""
        return _items(self._pages("resources/templates/list"), "resourceTemplates")

    def read_resource(self, uri: str) -> dict[str, Any]:
        """The ReadResourceResult of a resource."""
        return self._request("resources/read", {"uri": uri}, safe=True)

    def list_prompts(self) -> list[dict[str, Any]]:
        """The prompts of all pages."""
        return _items(self._pages("prompts/list"), "prompts")

    def get_prompt(self, name: str, arguments: Mapping[str, str]) -> dict[str, Any]:
        """The GetPromptResult of a prompt."""
        return self._request("prompts/get", {"name": name, "arguments": dict(arguments)}, safe=True)

    def _pages(self, method: str) -> list[dict[str, Any]]:
        pages: list[dict[str, Any]] = []
        cursors: set[str] = set()
        cursor: Any = None
        size = 0
        while len(pages) < _MOST_PAGES and size < _MOST_CHARACTERS:
            pages.append(self._request(method, {} if cursor is None else {"cursor": cursor}, safe=True))
            cursor = pages[-1].get("nextCursor")
            if not isinstance(cursor, str) or cursor in cursors:
                break
            cursors.add(cursor)
            size += len(json.dumps(pages[-1]))
        return pages

    def _request(
        self,
        method: str,
        params: Mapping[str, Any],
        safe: bool,
        progress: Progress | None = None,
        answer: Person | None = None,
        more: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The result of a request. A lost session is replaced once: the server did not carry it out."""
        session = self._sessions.load() or self._open()
        for is_last in (False, True):
            self._enter(session)
            message = self._message(session, method, params, answer, wants_progress=progress is not None)
            conversation = Conversation(
                self._sender, session, message["id"], progress, answer, self._on_notification
            )
            response = self._post(message, session, safe, conversation, more or {})
            found = wire.answer_in(response, message["id"])
            if not _is_lost(session, response, found):
                return self._result(method, response, found, safe)
            self._sessions.forget(session)
            if is_last:
                break
            session = self._sessions.load() or self._open()
        raise ProviderUnavailable(
            f"{self._name} lost the session that it had just opened. Please try again later."
        )

    def _enter(self, session: ServerSession) -> None:
        """Prepare a session that this client has not used yet."""
        if self._prepare is None or session == self._prepared:
            return
        self._prepared = session  # what `prepare` itself sends needs no preparation
        try:
            self._prepare(self)
        except BaseException:
            self._prepared = None
            raise

    def _open(self) -> ServerSession:
        opened = negotiate(self._sender, self._name)[0]
        used = self._sessions.save(opened)
        if used != opened:  # another process was faster: nobody will use this one
            self._sender.end(opened)
        return used

    def _message(
        self,
        session: ServerSession,
        method: str,
        params: Mapping[str, Any],
        answer: Person | None,
        *,
        wants_progress: bool,
    ) -> Message:
        message = wire.request(method, params)
        if wants_progress:
            message["params"]["_meta"] = {"progressToken": message["id"]}
        if not wire.is_stateless(session.revision):
            return message
        return wire.stamped(message, session.revision, answer.capabilities if answer else {})

    def _post(
        self,
        message: Message,
        session: ServerSession,
        safe: bool,
        conversation: Conversation,
        more: Mapping[str, str],
    ) -> Response:
        headers = wire.headers_of(message, session)
        if wire.is_stateless(session.revision):
            headers.update(more)
        try:
            return self._sender.post(message, headers, safe=safe, on_message=conversation)
        except wire.NotJsonRpc:
            raise errors.unreadable(self._name, safe=safe) from None
        except (ProviderTimeout, OutcomeUnknown, OutboundError):
            conversation.cancel()
            raise

    def _result(self, method: str, response: Response, found: Message | None, safe: bool) -> dict[str, Any]:
        result = found.get("result") if found else None
        # some servers write both, the one that does not apply as null
        if found is not None and "error" in found and (found["error"] is not None or result is None):
            raise errors.rpc_error(self._name, method, found["error"])
        if isinstance(result, dict):
            return result
        if response.status >= 300:
            raise errors.http_refusal(self._name, response)
        raise errors.not_mcp(self._name, response, safe=safe)


def _is_lost(session: ServerSession, response: Response, found: Message | None) -> bool:
    """Whether the server refused the request because of its session or revision: it did not carry it out."""
    if response.status not in {400, 404, 410}:
        return False
    refusal = (found or {}).get("error")
    refusal = refusal if isinstance(refusal, dict) else {}
    if (code := refusal.get("code")) == UNSUPPORTED_PROTOCOL_VERSION:
        return True
    if code in (INVALID_PARAMS, METHOD_NOT_FOUND):
        return False
    if response.status != 400 and session.session_id is not None:
        return True
    return bool(_LOST.search(str(refusal.get("message") or response.text[:1000])))


def _items(pages: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    lists = [page[key] for page in pages if isinstance(page.get(key), list)]
    return [each for some in lists for each in some if isinstance(each, dict)]


def _open_pages(person: Person, needed: PageNeeded) -> bool:
    """Whether the person opened every page that the server names. Raises ToolError as `answer` does."""
    pages = needed.pages
    return bool(pages) and all(person.answer(ELICITATION, page).get("action") == "accept" for page in pages)


def _given(answers: GivenAnswers | None) -> dict[str, Any]:
    """What a call carries once the server's questions are answered."""
    if answers is None:
        return {}
    given: dict[str, Any] = {"inputResponses": dict(answers.responses)}
    return given if answers.state is None else {**given, "requestState": answers.state}


def _question(request: Any) -> dict[str, Any]:
    request = request if isinstance(request, dict) else {}
    params = request.get("params")
    return {"method": str(request.get("method")), "params": params if isinstance(params, dict) else {}}
