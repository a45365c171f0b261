"""What a service's tools send and receive: recorded at the imitated service, replayed with changed answers.

A *target* is anything that asks the service: a tool with sample arguments (`list_invoices`, or
`list_invoices#2` for a second set), the preview of a write with them (`preview create_invoice`), `identify`
(who is connected) and `summarize` (its part of a summary).
"""

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from app import outbound
from app.connectors.api import Api
from app.connectors.connector import Connector
from app.connectors.services import services_of
from app.connectors.summary import Summarizing
from app.connectors.summary_days import DateRange
from app.outbound import Response
from tests.support.signed_in import SignedIn

PREVIEW = "preview "
_IDEMPOTENCY_PARAMETERS = {connector.idempotency_parameter for connector in services_of(None)}


@dataclass(frozen=True)
class RecordedRequest:
    """One request and its answer. `path` is the address without host and query."""

    method: str
    url: str
    params: list[tuple[str, str]]
    json: Any
    form: list[tuple[str, str]]
    headers: Mapping[str, str]
    response: Response = field(repr=False)

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def key(self) -> tuple[Any, ...]:
        # a key of idempotency is another one each time
        params = (pair for pair in self.params if pair[0] not in _IDEMPOTENCY_PARAMETERS)
        return self.method, self.url, tuple(params), *self.rpc

    @property
    def rpc(self) -> tuple[str, str]:
        """The method of a message to an MCP server, and the tool it calls; empty for other requests."""
        message = self.json if isinstance(self.json, dict) and "jsonrpc" in self.json else {}
        return message.get("method", ""), message.get("params", {}).get("name", "")

    @property
    def is_of_a_tool(self) -> bool:
        """Whether the answer is what a tool reads, not a matter of the session with an MCP server."""
        return self.rpc[0] in {"", "tools/call"}

    @property
    def body(self) -> Any:
        """The answer as JSON; of an MCP server what the text of the result is."""
        answer = self.response.json()
        return json.loads(answer["result"]["content"][0]["text"]) if self.rpc[0] else answer

    def with_body(self, body: bytes, message_id: Any) -> bytes:
        """The answer with another body, to the message of that id."""
        if self.rpc[0] != "tools/call":
            return body
        content = [{"type": "text", "text": body.decode()}]
        return json.dumps({"jsonrpc": "2.0", "id": message_id, "result": {"content": content}}).encode()


@dataclass(frozen=True)
class Target:
    """Something that asks the service. `run` does it again; its result is JSON-ready data."""

    name: str
    tool: Any  # None: identify, summarize or a preview
    arguments: dict[str, Any] | None
    run: Callable[[], Any]

    @property
    def reads_only(self) -> bool:
        return self.tool is None or self.tool.reads_only


@dataclass(frozen=True)
class Recording:
    """A target and the requests it sent, in order."""

    target: Target
    requests: list[RecordedRequest]

    @property
    def answers(self) -> list[tuple[int, RecordedRequest]]:
        """The requests whose answers the target reads, with their numbers."""
        return [(n, request) for n, request in enumerate(self.requests) if request.is_of_a_tool]

    def may_change(self, request: RecordedRequest) -> bool:
        """Whether the request is one with which the target changes something."""
        if self.target.reads_only or request.method == "GET":
            return False
        return request.rpc[1] in {"", self.target.tool.verb}


def samples_of(connector: Connector) -> Any:
    """The module with the service's sample arguments."""
    return importlib.import_module(f"tests.connectors.samples.{connector.slug}")


def targets_of(connector: Connector) -> list[str]:
    """The names of everything that asks the service."""
    samples = list(samples_of(connector).SAMPLES)
    writes = {tool.verb for tool in connector.tools if not tool.reads_only}
    previews = [f"{PREVIEW}{name}" for name in samples if name.partition("#")[0] in writes]
    return [*samples, *previews, "identify", *(["summarize"] if connector.summarize else [])]


def sign_in(connector: Connector, sandbox_url: str) -> SignedIn:
    """A connection to the demo company that the samples are written for."""
    return SignedIn(connector, sandbox_url, company=getattr(samples_of(connector), "COMPANY", None))


def record(connector: Connector, here: SignedIn, name: str) -> Recording:
    """Runs a target at the imitated service, and records what it sends."""
    target = _target(connector, here, name)
    with _listening() as requests:
        target.run()
    return Recording(target, requests)


def _target(connector: Connector, here: SignedIn, name: str) -> Target:
    if name == "identify":
        return Target(name, None, None, lambda: connector.identify(_without_account(here), here.tokens))
    if name == "summarize":
        summarize = connector.summarize
        assert summarize

        def run() -> Any:
            return summarize(Summarizing(here.api(here.business), DateRange(preset="30d"), ZoneInfo("UTC")))

        return Target(name, None, None, run)
    sample = name.removeprefix(PREVIEW)
    arguments = samples_of(connector).SAMPLES[sample](here)
    verb = sample.partition("#")[0]
    if name.startswith(PREVIEW):
        return Target(name, None, arguments, lambda: here.preview(verb, arguments))
    return Target(name, here.tool(verb), arguments, lambda: here.call(verb, arguments))


def _without_account(here: SignedIn) -> Api:
    """The API as it is right after the token arrived."""
    return Api(here.connector, here.base_url, here, None, facts=here.brought_back)


@contextmanager
def _listening() -> Iterator[list[RecordedRequest]]:
    requests: list[RecordedRequest] = []
    send = outbound.send

    def listen(method: str, url: str, **options: Any) -> Response:
        on_event, events = options.get("on_event"), list[str]()
        if on_event is not None:
            options["on_event"] = lambda data: (events.append(data), on_event(data))[1]
        response = send(method, url, **options)
        # the last event of a stream is the answer
        recorded = replace(response, content=events[-1].encode()) if events else response
        requests.append(_recorded(method, url, options, recorded))
        return response

    with mock.patch.object(outbound, "send", listen):
        yield requests


@contextmanager
def answering(recording: Recording, changed: int, body: bytes) -> Iterator[None]:
    """The recorded answers again, one of them with another body. A request that was not recorded is sent."""
    waiting: dict[tuple[Any, ...], list[RecordedRequest]] = {}
    for request in recording.requests:
        waiting.setdefault(request.key, []).append(request)
    send = outbound.send

    def replay(method: str, url: str, **options: Any) -> Response:
        sent = _recorded(method, url, options, Response(0, {}, b""))
        answers = waiting.get(sent.key)
        if not answers:
            return send(method, url, **options)
        request = answers.pop(0) if len(answers) > 1 else answers[0]
        response, message_id = (
            request.response,
            sent.json["id"] if sent.rpc[0] and "id" in sent.json else None,
        )
        if request is recording.requests[changed]:
            return replace(response, content=request.with_body(body, message_id))
        if message_id is None or not isinstance(answer := response.json(), dict):
            return response
        return replace(response, content=json.dumps({**answer, "id": message_id}).encode())

    with mock.patch.object(outbound, "send", replay), mock.patch.object(Api, "_pause", lambda *_: None):
        yield


def _recorded(method: str, url: str, options: Mapping[str, Any], response: Response) -> RecordedRequest:
    address, _, query = url.partition("?")
    return RecordedRequest(
        method,
        address,
        [*parse_qsl(query, keep_blank_values=True), *_pairs(options.get("params"))],
        json.loads(json.dumps(options.get("json"))),
        _pairs(options.get("form")),
        dict(options.get("headers") or {}),
        response,
    )


def _pairs(given: Any) -> list[tuple[str, str]]:
    """Query or form fields as they are sent: a list is a field per element, None is no field."""
    items = given.items() if isinstance(given, Mapping) else given or []
    return [
        (str(name), str(part))
        for name, value in items
        for part in (value if isinstance(value, list | tuple) else [value])
        if part is not None
    ]
