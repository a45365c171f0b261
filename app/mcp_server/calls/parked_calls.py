"""Calls that go on while their person is asked: for a server that waits for the answer on its open stream,
and a client that gets the question as the result of its call.

Such a call runs in a thread of its own. At a question the thread stays with the server's stream, and the
client's request ends with the question. The client's next request, which any worker may get, hands the answer
over and waits for the next question or the outcome, both through `client_replies.py`. What is handed over is
sealed. A thread waits `PERSON_SECONDS` at most, and few wait at once.
"""

import contextvars
import json
import logging
import queue
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from mcp_types import CallToolRequestParams, ElicitRequest, InputRequiredResult

from app.config import Settings
from app.errors import OutcomeUnknown, PatchbayError
from app.mcp_server import envelope
from app.mcp_server.calls import server_questions
from app.mcp_server.calls.connect_prompt import UserInputRequired
from app.mcp_server.calls.question_form import QuestionUnanswered
from app.mcp_server.protocol.client_replies import ClientReplies
from app.mcp_server.protocol.exchange import Exchange
from app.vault.models import Connection

log = logging.getLogger(__name__)

PERSON_SECONDS = 300.0
_OUTCOME_SECONDS = 70.0  # a call has a minute
_MOST, _MOST_OF_WORKSPACE = 16, 4  # calls that wait for a person, in one process
_STATE, _QUESTION = "parked", "question"


@dataclass(frozen=True)
class Ended:
    """How a parked call ended: the envelope, and what its usage row says of the request."""

    envelope: dict[str, Any]
    request: tuple[str, int | None, float] = ("", None, 0.0)  # endpoint, status, milliseconds
    wrote: bool = False  # it may have changed something
    blocks: tuple[dict[str, Any], ...] = ()  # what the result has beside the envelope


class ParkedCalls:
    """One per process."""

    def __init__(self, settings: Settings, replies: ClientReplies) -> None:
        self._keys = settings.vault_keys
        self.replies = replies
        self._waiting: Counter[str] = Counter()  # by workspace
        self._lock = threading.Lock()

    def run(
        self, name: str, connection: Connection, owner: str, work: "Callable[[ParkedCall], Ended]"
    ) -> Ended:
        """Do the work for the principal `owner`, in a thread of its own that may be parked.

        `name` is the server's. Raises UserInputRequired at its first question, and what the work raises
        before one.
        """
        call = ParkedCall(self, name, connection.workspace_id, connection.id, owner)
        run = contextvars.copy_context().run
        threading.Thread(target=run, args=(call.run, work), name="parked-call", daemon=True).start()
        return call.first_event()

    def go_on(
        self, exchange: Exchange, params: CallToolRequestParams, name: str, connection: Connection
    ) -> Ended:
        """Hand the client's answer to the call it belongs to, and wait for what comes next.

        Raises UserInputRequired at another question, QuestionUnanswered if the call is over by now.
        """
        state, workspace_id = server_questions.state_in(params)[_STATE], connection.workspace_id
        owner = exchange.principal.key
        place, reply_to = _place(state["call"], state["number"]), secrets.token_urlsafe(18)
        self.replies.open(reply_to, owner, _OUTCOME_SECONDS)
        answer = {"reply": server_questions.reply_in(params, _QUESTION), "reply_to": reply_to}
        if state["connection"] != connection.id or not self.replies.deliver(
            place, owner, self.sealed(workspace_id, place, answer)
        ):
            raise QuestionUnanswered(
                f"{name} no longer waits for this answer. Call the tool again to start over."
            )
        event = self.replies.wait(reply_to, owner, exchange.is_cancelled, _OUTCOME_SECONDS)
        if event is None:
            raise OutcomeUnknown(
                f"{name} got the answer and did not finish in time. It may or may not have been done: check "
                "there before repeating it."
            )
        return _outcome(self.opened(workspace_id, reply_to, event))

    def reserve(self, workspace_id: str) -> None:
        """Count a call that waits for a person. Raises QuestionUnanswered if too many do."""
        with self._lock:
            if self._waiting[workspace_id] >= _MOST_OF_WORKSPACE or self._waiting.total() >= _MOST:
                raise QuestionUnanswered(
                    "Too many questions are waiting for their answers. Answer them, or try again in five "
                    "minutes."
                )
            self._waiting[workspace_id] += 1

    def release(self, workspace_id: str) -> None:
        """Undo `reserve`."""
        with self._lock:
            self._waiting[workspace_id] -= 1
            self._waiting += Counter()  # drops zeros

    def sealed(self, workspace_id: str, place: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """The body that carries the content to that place."""
        text = json.dumps(content)
        return {"sealed": self._keys.seal(text, workspace=workspace_id, record=place, field="parked_calls")}

    def opened(self, workspace_id: str, place: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The content of a body."""
        text = self._keys.open(body["sealed"], workspace=workspace_id, record=place, field="parked_calls")
        found: dict[str, Any] = json.loads(text)
        return found


@dataclass
class ParkedCall:
    """One call, in its thread."""

    calls: ParkedCalls
    name: str
    workspace_id: str
    connection_id: str
    owner: str
    id: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    number: int = 0  # of its questions so far
    reply_to: str = ""  # who waits for the next event; "": the request that began it
    first: "queue.SimpleQueue[dict[str, Any] | Exception | Ended]" = field(default_factory=queue.SimpleQueue)

    def first_event(self) -> Ended:
        """The first event, for the request that began the call."""
        event = self.first.get()
        if isinstance(event, Exception):
            raise event
        return event if isinstance(event, Ended) else _outcome(event)

    def run(self, work: Callable[["ParkedCall"], Ended]) -> None:
        """The thread."""
        try:
            ended = work(self)
        # the edge of this thread: whoever waits gets what happened
        except Exception as error:
            if self.number == 0:
                self.first.put(error)
                return
            if not isinstance(error, PatchbayError):
                log.exception("a parked call of %s failed", self.name)
            known = error if isinstance(error, PatchbayError) else PatchbayError()
            ended = Ended(envelope.failure("", known))
        finally:
            if self.number:
                self.calls.release(self.workspace_id)
        if self.number == 0:
            self.first.put(ended)
        elif self.reply_to:
            self._tell(asdict(ended))

    def park(self, question: ElicitRequest) -> Mapping[str, Any]:
        """The client's reply to a question. Raises QuestionUnanswered."""
        if self.number == 0:
            self.calls.reserve(self.workspace_id)
        self.number += 1
        place = _place(self.id, self.number)
        self.calls.replies.open(place, self.owner, PERSON_SECONDS)
        wire = question.model_dump(by_alias=True, mode="json", exclude_none=True)
        state = {"call": self.id, "number": self.number, "connection": self.connection_id}
        self._tell({"question": wire, "state": state})
        self.reply_to = ""
        body = self.calls.replies.wait(place, self.owner, lambda: False, PERSON_SECONDS)
        if body is None:
            raise server_questions.no_answer(self.name)
        answer = self.calls.opened(self.workspace_id, place, body)
        self.reply_to = answer["reply_to"]
        reply: dict[str, Any] = answer["reply"]
        return reply

    def _tell(self, event: dict[str, Any]) -> None:
        if self.number == 1 and "question" in event:
            self.first.put(event)
        else:
            body = self.calls.sealed(self.workspace_id, self.reply_to, event)
            self.calls.replies.deliver(self.reply_to, self.owner, body)


def is_answer(params: CallToolRequestParams) -> bool:
    """Whether the client makes the call again to answer the question of a parked one."""
    return _STATE in server_questions.state_in(params)


def _place(call_id: str, number: int) -> str:
    return f"{call_id}.{number}"


def _outcome(event: Mapping[str, Any]) -> Ended:
    """What came of the call. Raises UserInputRequired if that is a question."""
    if "question" not in event:
        blocks = tuple(event.get("blocks", ()))
        return Ended(event["envelope"], tuple(event["request"]), event["wrote"], blocks)
    question = ElicitRequest.model_validate(event["question"], by_name=False)
    raise UserInputRequired(
        InputRequiredResult(
            input_requests={_QUESTION: question}, request_state=json.dumps({_STATE: event["state"]})
        )
    )
