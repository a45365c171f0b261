"""OpenTelemetry: one span per tool call and one per request to a service, if an operator turns it on.

Spans name the tool, the host and the status: never an argument, a body, a query string, a token or a person.
The client's trace context (W3C) becomes the parent, and requests to services pass the context on. While
tracing is off, nothing of OpenTelemetry's SDK is imported and a call costs one comparison.

Whoever builds the application passes in what sends HTTP (`configure`), since `app.outbound` itself is traced.
"""

import contextlib
import contextvars
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlsplit

from app import clock, logs
from app.config import VERSION
from app.tracing_settings import TracingSettings

log = logging.getLogger(__name__)

# Sends one POST with a body and headers; returns the status, raises on no answer.
Post = Callable[[str, bytes, Mapping[str, str]], int]
_METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}
_CONTEXT_NAMES = ("traceparent", "tracestate")
_LONGEST_HEADER = 512
_SCHEDULE_MILLIS = 1_000

_tracing: "_Tracing | None" = None
_is_exporting: contextvars.ContextVar[bool] = contextvars.ContextVar("is_exporting", default=False)
_failures = clock.Throttle(60)


class Traced:
    """What a span is told of. This one is of no span: tracing is off."""

    headers: Mapping[str, str] = {}  # to send with the request, so that the trace goes on there

    def answered(self, status: int) -> None:
        """An HTTP answer arrived."""

    def failed(self, kind: str) -> None:
        """It ended in an error of that kind: a code or a class, never a message."""


_UNTRACED = Traced()
_OFF: AbstractContextManager[Traced] = contextlib.nullcontext(_UNTRACED)


def configure(settings: TracingSettings | None, post: Post) -> None:
    """Turn tracing on or off for this process. Threads start with the first span, so after a fork."""
    global _tracing
    if _tracing is not None:
        _tracing.close()
    _tracing = _Tracing(settings, post) if settings else None


def is_on() -> bool:
    """Whether spans are made."""
    return _tracing is not None


def flush() -> None:
    """Export what waits. For tests and the end of a command."""
    if _tracing is not None:
        _tracing.flush()


def tool_call(name: str, carrier: Mapping[str, Any] | None = None) -> AbstractContextManager[Traced]:
    """A span of the call of a tool of ours. `carrier` may hold the client's `traceparent` and `tracestate`.

    `name` must be the name of an existing tool: what a client writes instead is not for a trace.
    """
    if _tracing is None:
        return _OFF
    attributes = {
        "mcp.method.name": "tools/call",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "patchbay.correlation_id": logs.correlation_id.get(),
    }
    return _tracing.span(f"tools/call {name}", "SERVER", attributes, carrier or {})


def upstream_request(method: str, url: str, template: str = "") -> AbstractContextManager[Traced]:
    """A span of one HTTP request. `template`: its path with names for values, such as `/things/{id}`."""
    if _tracing is None or _is_exporting.get():
        return _OFF
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    except ValueError:  # the request itself says what is wrong with it
        return _OFF
    known = method if method in _METHODS else "_OTHER"
    attributes = {"http.request.method": known, "server.address": host, "server.port": port}
    if template := template.partition("?")[0]:
        attributes["url.template"] = template
    name = " ".join(filter(None, (known if known != "_OTHER" else "HTTP", template)))
    return _tracing.span(name, "CLIENT", attributes, None)


class _LiveSpan(Traced):
    def __init__(self, span: Any, headers: Mapping[str, str], is_server: bool) -> None:
        self._span, self.headers, self._is_server = span, headers, is_server

    def answered(self, status: int) -> None:
        """An HTTP answer arrived."""
        self._span.set_attribute("http.response.status_code", status)
        if status >= 400:
            self.failed(str(status))

    def failed(self, kind: str) -> None:
        """It ended in an error of that kind."""
        from opentelemetry.trace import StatusCode

        self._span.set_attribute("error.type", kind)
        self._span.set_status(StatusCode.ERROR)


class _Tracing:
    """The tracer of a process, built for its first span."""

    def __init__(self, settings: TracingSettings, post: Post) -> None:
        self._settings, self._post = settings, post
        self._provider: Any = None
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def span(
        self, name: str, kind: str, attributes: Mapping[str, Any], carrier: Mapping[str, Any] | None
    ) -> Iterator[Traced]:
        """A span that is current in the block. What is raised there is noted by its class alone."""
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        context = TraceContextTextMapPropagator().extract(_checked(carrier)) if carrier else None
        headers: dict[str, str] = {}
        with self._tracer().start_as_current_span(
            name,
            context,
            SpanKind[kind],
            attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            # Only the ids: a tracestate holds what the client's vendor wrote for itself.
            TraceContextTextMapPropagator().inject(headers)
            headers.pop("tracestate", None)
            traced = _LiveSpan(span, headers, kind == "SERVER")
            try:
                yield traced
            except BaseException as error:
                traced.failed(type(error).__name__)
                raise

    def flush(self) -> None:
        if self._provider is not None:
            self._provider.force_flush()

    def close(self) -> None:
        if self._provider is not None:
            self._provider.shutdown()

    def _tracer(self) -> Any:
        with self._lock:
            if self._provider is None:
                self._provider = self._new_provider()
        return self._provider.get_tracer("patchbay", VERSION)

    def _new_provider(self) -> Any:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

        resource = Resource({"service.name": self._settings.service_name, "service.version": VERSION})
        provider = TracerProvider(ParentBasedTraceIdRatio(self._settings.sample_ratio), resource)
        exporter = _exporter(self._settings, self._post)
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_SCHEDULE_MILLIS))
        return provider


def _exporter(settings: TracingSettings, post: Post) -> Any:
    """An exporter that sends spans as OTLP over HTTP by the application's own door."""
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Exporter(SpanExporter):
        def export(self, spans: Sequence[Any]) -> Any:
            headers = {**settings.headers, "Content-Type": "application/x-protobuf"}
            marked = _is_exporting.set(True)
            try:
                status = post(settings.endpoint, encode_spans(spans).SerializeToString(), headers)
                problem = "" if status < 300 else f"status {status}"
            except Exception as error:  # the edge of the SDK's thread: spans are not worth a failure
                problem = type(error).__name__
            finally:
                _is_exporting.reset(marked)
            if problem and _failures.is_due():
                logs.event(log, logging.WARNING, "Spans are not exported: they are dropped", reason=problem)
            return SpanExportResult.FAILURE if problem else SpanExportResult.SUCCESS

    return Exporter()


def _checked(carrier: Mapping[str, Any]) -> dict[str, str]:
    """The trace context of a client, as far as it is text of a plausible length."""
    given = ((name, carrier.get(name)) for name in _CONTEXT_NAMES)
    return {name: text for name, text in given if isinstance(text, str) and len(text) <= _LONGEST_HEADER}
