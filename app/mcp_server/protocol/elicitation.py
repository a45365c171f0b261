"""Elicitation: one interface for questions to the person, for all protocol revisions.

A handler returns `InputRequiredResult` and is called again with the answers. A modern client makes that round
trip itself; for a handshake-revision client we send each question over the open stream and call the handler
again ourselves.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    ClientCapabilities,
    CreateMessageRequest,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestURLParams,
    ElicitResult,
    InputRequest,
    InputRequiredResult,
    InputResponse,
    InputResponseRequestParams,
    ListRootsRequest,
    ListRootsResult,
)
from pydantic import BaseModel

from app.mcp_server.protocol.exchange import Exchange

Params = TypeVar("Params", bound=InputResponseRequestParams)
Result = TypeVar("Result")
_MOST_ROUNDS = 10
_ANSWERS: dict[type[Any], type[BaseModel]] = {
    ElicitRequest: ElicitResult,
    CreateMessageRequest: CreateMessageResult,
    ListRootsRequest: ListRootsResult,
}


def run_with_elicitation(
    exchange: Exchange,
    params: Params,
    handler: Callable[[Params], Result | InputRequiredResult],
    *,
    or_without: bool = False,
) -> Result | InputRequiredResult:
    """The handler's result, after all its questions were sent to a client that cannot make the round trip
    itself.

    Raises MCPError when the client lacks a capability a question needs, or does not answer. With `or_without`
    the handler is then called once more, with its state and no answers, and may do without.
    """
    for _ in range(_MOST_ROUNDS):
        result = handler(params)
        if not isinstance(result, InputRequiredResult) or exchange.is_modern:
            return result
        try:
            answers = {
                name: _ask(exchange, question) for name, question in (result.input_requests or {}).items()
            }
        except MCPError:
            other = handler(_next(params, {}, result)) if or_without else result
            if isinstance(other, InputRequiredResult):
                raise
            return other
        params = _next(params, answers, result)
    raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "The questions of this call did not come to an end.")


def _next(params: Params, answers: dict[str, InputResponse], result: InputRequiredResult) -> Params:
    """The params of the next round."""
    return params.model_copy(update={"input_responses": answers, "request_state": result.request_state})


def _ask(exchange: Exchange, question: InputRequest) -> InputResponse:
    missing = missing_capability(exchange.client_capabilities, question)
    if missing:
        needed: dict[str, Any] = {"requiredCapabilities": {missing: {}}}
        raise MCPError(
            MISSING_REQUIRED_CLIENT_CAPABILITY, f"This needs an AI client that supports {missing}.", needed
        )
    wire = question.model_dump(by_alias=True, mode="json", exclude_none=True)
    reply = exchange.ask(wire["method"], wire.get("params"))
    answer: Any = _ANSWERS[type(question)].model_validate(reply, by_name=False)
    return answer  # type: ignore[no-any-return]


def missing_capability(capabilities: ClientCapabilities | None, question: InputRequest) -> str | None:
    """The capability that a question needs and the client did not declare; None if there is none."""
    have = capabilities or ClientCapabilities()
    if isinstance(question, ElicitRequest):
        if have.elicitation is None:
            return "elicitation"
        wants_url = isinstance(question.params, ElicitRequestURLParams)
        return "elicitation" if wants_url and have.elicitation.url is None else None
    if isinstance(question, CreateMessageRequest):
        return "sampling" if have.sampling is None else None
    return "roots" if have.roots is None else None
