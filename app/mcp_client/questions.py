"""What an MCP server asks the person while one of its tools runs (elicitation), and who passes it on.

https://modelcontextprotocol.io/specification/2026-07-28/client/elicitation

A server of 2026-07-28 returns its questions as the result and is called again with the answers. One of the
handshake revisions asks on the open stream and waits there. The `Person` of a call is `Api.ask`, set by who
made the call; a tool hands it on as `call_tool(…, answer=api.ask)`, and None means that nobody can be asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

ELICITATION = "elicitation/create"


@dataclass(frozen=True)
class GivenAnswers:
    """The person's answers to questions that were a result: `input_responses` and `request_state` of the next
    `tools/call`, exactly as the server gave the state.
    """

    responses: Mapping[str, Mapping[str, Any]]
    state: str | None


class Person(Protocol):
    """The person behind a call, as far as the AI client can ask them."""

    @property
    def capabilities(self) -> Mapping[str, Any]:
        """The client capabilities to declare to the server with this call; empty when nobody can be asked."""

    @property
    def earlier(self) -> GivenAnswers | None:
        """GivenAnswers of an earlier round of this call, with which it goes on; None in the first round."""

    def answer(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The result of a request of the server on the open stream. Waits for the person, minutes if need be.

        Raises ToolError when nobody can be asked or nobody answers: then tell the server `cancel`, and let
        the error end the call.
        """

    def answer_all(
        self, questions: Mapping[str, Mapping[str, Any]], state: str | None
    ) -> Mapping[str, Mapping[str, Any]]:
        """The answers to a result's `inputRequests`, each `{"method", "params"}`, under the same names.

        Raises ToolError as `answer` does, and another exception, to be let through, when the answers come
        with another round of this call (`earlier`).
        """


def cancelled() -> dict[str, Any]:
    """The answer of a person who gave none."""
    return {"action": "cancel"}
