"""Steady calls of two AI clients while faults happen, and a record of every answer."""

import http.client
import itertools
import json
import random
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from app.mcp_server.calls.concurrency import PATIENCE_SECONDS

REVISION = "2025-06-18"
# Prefixes of what writes write: at imitated services, and at Drifter.
CHAOS, ITEM = "Chaos ", "Item "
# A list of tools, and calls of tools, by how often they are made.
_WEIGHTS = {
    "hub_list_connections": 6,
    "freshbooks_list_clients": 3,
    "freshbooks_create_client": 2,
    "tools/list": 1,
    "drifter_look": 2,
    "drifter_add": 2,
    "drifter_turn": 2,
    "harbour_crm_list_deals": 1,
    "harbour_crm_add_note": 1,
}
# Of so many callers one uses nothing of the added servers: the others wait where one hangs.
_APART = 4
# A flooding workspace queues for its permits; then come a lock, and a service that is asked again.
SLOW_SECONDS = PATIENCE_SECONDS + 20


@dataclass(frozen=True)
class Seen:
    """One answer. `began` is monotonic; `code` is that of a tool's error."""

    tool: str
    outcome: str
    code: str
    began: float
    seconds: float


@dataclass
class Answers:
    """What the callers got. `written`: the names of answered writes; `turns`: when calls of the tool that
    changes began, by what they carried.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    turns: dict[str, float] = field(default_factory=dict)
    calls: list[Seen] = field(default_factory=list)
    slowest: float = 0.0
    starting: bool = False  # an instance is starting: it listens before it can answer
    started_at: float = 0.0  # when the latest one was ready
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, outcome: str, seconds: float, problem: str = "") -> None:
        """Count one answer, and store what is wrong with it."""
        with self.lock:
            self.outcomes[outcome] += 1
            self.slowest = max(self.slowest, seconds)
            if problem:
                self.problems.append(problem)


@dataclass(frozen=True)
class Target:
    """Where the instances listen, the Host they expect, and the clients' tokens."""

    ports: tuple[int, ...]
    host: str
    tokens: tuple[str, ...]


class Load:
    """`with Load(target, callers) as answers:` calls until the block ends."""

    def __init__(self, target: Target, callers: int, answers: Answers) -> None:
        self._target, self._answers = target, answers
        self._end = threading.Event()
        self._crew = [threading.Thread(target=self._call_on, args=(n,), daemon=True) for n in range(callers)]

    def __enter__(self) -> Answers:
        for caller in self._crew:
            caller.start()
        return self._answers

    def __exit__(self, *_exc: object) -> None:
        self._end.set()
        for caller in self._crew:
            caller.join(90)

    def _call_on(self, number: int) -> None:
        chance = random.Random(number)
        is_apart = number % (_APART * len(self._target.tokens)) < len(self._target.tokens)
        weights = {
            tool: weight
            for tool, weight in _WEIGHTS.items()
            if not (is_apart and tool.startswith(("drifter", "harbour")))
        }
        for port in itertools.cycle(self._target.ports):
            if self._end.is_set():
                return
            tool = chance.choices(list(weights), list(weights.values()))[0]
            arguments = self.arguments(tool, self._answers)
            token = self._target.tokens[number % len(self._target.tokens)]
            if call(self._target, port, token, tool, arguments, self._answers) != "ok":
                self._end.wait(0.2)

    @staticmethod
    def arguments(tool: str, answers: Answers) -> dict[str, str]:
        """New ones, for a tool that needs some."""
        new = uuid.uuid4().hex
        if tool == "freshbooks_create_client":
            return {"organization": CHAOS + new}
        if tool == "harbour_crm_add_note":
            return {"contact_id": "ct_1", "text": CHAOS + new}
        if tool == "drifter_turn":
            with answers.lock:
                answers.turns[new] = time.monotonic()
            return {"text": new}
        return {"text": ITEM + new} if tool == "drifter_add" else {}


def call(
    target: Target, port: int, token: str, tool: str, arguments: dict[str, str], answers: Answers
) -> str:
    """Call a tool once, or list all. Returns ok, listed, failed (the tool says why), refused (429, 503) or
    lost (no answer).
    """
    is_list = tool == "tools/list"
    params = {} if is_list else {"name": tool, "arguments": arguments}
    method = "tools/list" if is_list else "tools/call"
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    headers = {
        "Host": target.host,
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Accept": "application/json",
        "MCP-Protocol-Version": REVISION,
    }
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/mcp", json.dumps(body), headers)
        answer = connection.getresponse()
        status, wait, text = answer.status, answer.getheader("Retry-After"), answer.read()
    except (OSError, http.client.HTTPException):
        answers.note("lost", 0)
        return "lost"
    finally:
        connection.close()
    took, problem, code = time.monotonic() - began, "", ""
    if took > SLOW_SECONDS and not answers.starting and answers.started_at < began:
        problem = f"{tool} took {took:.1f} s ({status})"
    if status in {429, 503}:
        outcome = "refused"
        problem = problem if wait else f"{status} without Retry-After"
    elif status != 200:
        outcome, problem = "failed", f"HTTP {status}: {text[:200]!r}"
    elif is_list:
        outcome = "listed"
    else:
        outcome, code = _read(json.loads(text))
    with answers.lock:
        answers.calls.append(Seen(tool, outcome, code, began, took))
        if outcome == "ok":
            answers.written.extend(v for v in arguments.values() if v.startswith((CHAOS, ITEM)))
    answers.note(outcome, took, problem)
    return outcome


def _read(message: dict[str, Any]) -> tuple[str, str]:
    """The outcome and the code of an answer: of the envelope, or of the protocol's own error."""
    if "error" in message:
        return "failed", str(message["error"]["code"])
    envelope = message["result"]["structuredContent"]
    return ("ok", "") if envelope["success"] else ("failed", envelope["error"]["code"])
