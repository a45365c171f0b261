"""What a service's tools send and receive: recorded at the imitated service, replayed with changed answers.

A *target* is anything that asks the service: a tool with sample arguments (`list_invoices`, or
`list_invoices#2` for a second set), the preview of a write with them (`preview create_invoice`), `identify`
(who is connected) and `summarize` (its part of a summary).
"""

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
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
        return self.method, self.url, tuple(params)


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
        response = send(method, url, **options)
        requests.append(_recorded(method, url, options, response))
        return response

    with mock.patch.object(outbound, "send", listen):
        yield requests


@contextmanager
def answering(recording: Recording, changed: int, body: bytes) -> Iterator[None]:
    """The recorded answers again, one of them with another body. A request that was not recorded is sent."""
    waiting: dict[tuple[Any, ...], list[Response]] = {}
    for number, request in enumerate(recording.requests):
        response = request.response
        if number == changed:
            response = Response(response.status, response.headers, body, response.milliseconds)
        waiting.setdefault(request.key, []).append(response)
    send = outbound.send

    def replay(method: str, url: str, **options: Any) -> Response:
        key = _recorded(method, url, options, Response(0, {}, b"")).key
        answers = waiting.get(key)
        if not answers:
            return send(method, url, **options)
        return answers.pop(0) if len(answers) > 1 else answers[0]

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
