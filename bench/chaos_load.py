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

from app.mcp_server.calls.concurrency import PATIENCE_SECONDS

REVISION = "2025-06-18"
_READ, _SERVICE_READ, _WRITE = "hub_list_connections", "freshbooks_list_clients", "freshbooks_create_client"
# A flooding workspace queues for its permits; then come a lock, and a service that is asked again.
SLOW_SECONDS = PATIENCE_SECONDS + 20


@dataclass
class Answers:
    """What the callers got. `written`: the names of answered writes; `tried`: of all writes."""

    outcomes: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
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
        for port in itertools.cycle(self._target.ports):
            if self._end.is_set():
                return
            tool = chance.choices((_READ, _SERVICE_READ, _WRITE), (6, 3, 2))[0]
            arguments = {}
            if tool == _WRITE:
                arguments = {"organization": f"Chaos {uuid.uuid4().hex}"}
                with self._answers.lock:
                    self._answers.tried.append(arguments["organization"])
            token = self._target.tokens[number % len(self._target.tokens)]
            if call(self._target, port, token, tool, arguments, self._answers) != "ok":
                self._end.wait(0.2)


def call(
    target: Target, port: int, token: str, tool: str, arguments: dict[str, str], answers: Answers
) -> str:
    """Call a tool once. Returns ok, failed (the tool says why), refused (429, 503) or lost (no answer)."""
    params = {"name": tool, "arguments": arguments}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
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
    took, problem = time.monotonic() - began, ""
    if took > SLOW_SECONDS and not answers.starting and answers.started_at < began:
        problem = f"{tool} took {took:.1f} s ({status})"
    if status in {429, 503}:
        outcome = "refused"
        problem = problem if wait else f"{status} without Retry-After"
    elif status != 200:
        outcome, problem = "failed", f"HTTP {status}: {text[:200]!r}"
    else:
        outcome = "ok" if json.loads(text)["result"]["structuredContent"]["success"] else "failed"
    if outcome == "ok" and arguments:
        with answers.lock:
            answers.written.append(arguments["organization"])
    answers.note(outcome, took, problem)
    return outcome
