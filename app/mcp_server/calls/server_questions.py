"""The person behind a call, whom an MCP server may ask something while its tool runs (`mcp_client.Person`).

A client of a handshake revision is asked over its open stream. One of the modern revision gets the question
as the result of the call and calls again with the answer: a server of that revision is called again too, and
for a server that waits on its own stream the call is parked (`parked_calls.py`).
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import (
    CallToolRequestParams,
    ElicitRequest,
    ElicitRequestURLParams,
    InputRequiredResult,
)
from pydantic import BaseModel

from app.crypto import digest
from app.mcp_client.questions import GivenAnswers, Person
from app.mcp_server.calls import approval_question, connect_prompt, question_form
from app.mcp_server.calls.connect_prompt import UserInputRequired
from app.mcp_server.calls.question_form import QuestionUnanswered
from app.mcp_server.protocol.exchange import Exchange

_STATE = "server_questions"
_LONGEST_STATE = 16_000
_MOST_QUESTIONS = 5


def shows_questions(exchange: Exchange) -> bool:
    """Whether the call's AI client shows questions of any kind."""
    return bool(_capabilities(exchange))


def _capabilities(exchange: Exchange) -> dict[str, Any]:
    modes: dict[str, Any] = {"form": {}} if approval_question.can_ask(exchange) else {}
    can_send = exchange.is_modern or exchange.can_send_request
    modes |= {"url": {}} if can_send and connect_prompt.can_show_urls(exchange) else {}
    return {"elicitation": modes} if modes else {}


def person_at(exchange: Exchange, name: str) -> Person:
    """The person at the client of a call, while it waits for the result. `name` is the server's."""
    if exchange.is_modern or not shows_questions(exchange):
        return question_form.NobodyToAsk(name)
    return PersonOnStream(name, exchange)


class PersonOnStream:
    """The person of a client that waits on its stream, so they are asked at once."""

    earlier: GivenAnswers | None = None

    def __init__(self, name: str, exchange: Exchange) -> None:
        self._name = name
        self._exchange = exchange
        self.capabilities: Mapping[str, Any] = _capabilities(exchange)

    def answer(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The person's answer. Raises QuestionUnanswered if they are not there."""
        question = showable(self._name, self._exchange, method, params)
        if isinstance(question.params, ElicitRequestURLParams):  # which these revisions want named
            question.params.elicitation_id = digest(question.params.url)[:32]
        wire = question.model_dump(by_alias=True, mode="json", exclude_none=True)
        try:
            reply = self._exchange.ask(wire["method"], wire["params"])
        except MCPError:
            raise no_answer(self._name) from None
        return question_form.answer_of(question, reply)

    def answer_all(
        self, questions: Mapping[str, Mapping[str, Any]], state: str | None
    ) -> Mapping[str, Mapping[str, Any]]:
        """The answers, one question after the other."""
        return {
            key: self.answer(str(each.get("method")), each.get("params") or {})
            for key, each in _few(self._name, questions).items()
        }


class PersonNextRound:
    """The person of a client that makes the call again with the answers.

    `park` puts one question while the call goes on in a thread of its own; None where it does not.
    """

    def __init__(
        self,
        name: str,
        exchange: Exchange,
        params: CallToolRequestParams,
        connection_id: str,
        park: Callable[[ElicitRequest], Mapping[str, Any]] | None = None,
    ) -> None:
        self._name = name
        self._exchange = exchange
        self._connection_id = connection_id
        self._park = park
        self.capabilities: Mapping[str, Any] = _capabilities(exchange)
        self.earlier = _earlier(params, connection_id)

    def answer(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The person's answer, which comes with another request. Raises QuestionUnanswered if none comes."""
        question = showable(self._name, self._exchange, method, params)
        if self._park is None:
            raise question_form.unshowable(self._name, question)
        return question_form.answer_of(question, self._park(question))

    def answer_all(
        self, questions: Mapping[str, Mapping[str, Any]], state: str | None
    ) -> Mapping[str, Mapping[str, Any]]:
        """Raises UserInputRequired, or QuestionUnanswered if the questions can't be put."""
        if state is not None and len(state) > _LONGEST_STATE:
            raise QuestionUnanswered(f"{self._name} asked a question that is too large to pass on.")
        put = {
            f"question_{n}": showable(
                self._name, self._exchange, str(each.get("method")), each.get("params") or {}
            )
            for n, each in enumerate(_few(self._name, questions).values(), 1)
        }
        before = {
            "connection": self._connection_id,
            "names": list(questions),
            "state": state,
            "questions": {key: each.model_dump(by_alias=True, mode="json") for key, each in put.items()},
        }
        raise UserInputRequired(
            InputRequiredResult(input_requests=dict(put), request_state=json.dumps({_STATE: before}))
        )


def showable(name: str, exchange: Exchange, method: str, params: Mapping[str, Any]) -> ElicitRequest:
    """The question, if the call's AI client can show it. Raises QuestionUnanswered."""
    question = question_form.of_server(name, method, params)
    mode = "url" if isinstance(question.params, ElicitRequestURLParams) else "form"
    if mode not in _capabilities(exchange).get("elicitation", {}):
        raise question_form.unshowable(name, question)
    return question


def no_answer(name: str) -> QuestionUnanswered:
    """The person was asked and gave no answer in time."""
    return QuestionUnanswered(
        f"{name} asked the person a question, and no answer came in time. Call the tool again when they are "
        "there to answer."
    )


def _few(name: str, questions: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    if not questions or len(questions) > _MOST_QUESTIONS:
        raise QuestionUnanswered(f"{name} asked {len(questions)} questions at once, which can't be shown.")
    return questions


def _earlier(params: CallToolRequestParams, connection_id: str) -> GivenAnswers | None:
    """The answers to the questions of the round before, on the same connection."""
    before = state_in(params).get(_STATE)
    if before is None or before["connection"] != connection_id:
        return None
    responses = {}
    for number, name in enumerate(before["names"], 1):
        question = ElicitRequest.model_validate(before["questions"][f"question_{number}"], by_name=False)
        responses[name] = question_form.answer_of(question, reply_in(params, f"question_{number}"))
    return GivenAnswers(responses, before["state"])


def state_in(params: CallToolRequestParams) -> dict[str, Any]:
    """What an earlier round of this call left. It was sealed, so it comes back unaltered."""
    found = json.loads(params.request_state) if params.request_state is not None else {}
    return found if isinstance(found, dict) else {}


def reply_in(params: CallToolRequestParams, name: str) -> dict[str, Any]:
    """The client's reply to a question of that name; empty without one."""
    reply = (params.input_responses or {}).get(name)
    return (
        reply.model_dump(by_alias=True, mode="json", exclude_none=True)
        if isinstance(reply, BaseModel)
        else {}
    )
