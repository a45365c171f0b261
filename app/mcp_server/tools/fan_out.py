"""Calls several services concurrently for one result: each in its own thread, all within one deadline.

Whatever is late or fails becomes a problem beside the results; the caller never waits for the slowest. No
database connection is held while services are called.
"""

import contextvars
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from app import logs, metrics, threads
from app.connectors.api import Api
from app.connectors.connector import Connector
from app.connectors.request import UpstreamCall
from app.connectors.spec import Business
from app.errors import PatchbayError, ProviderTimeout, ToolError
from app.vault import connection_log
from app.vault.models import Connection

log = logging.getLogger(__name__)
Result = TypeVar("Result")
_AT_ONCE = 6
# A client gives up after 60 seconds. What a slow service returned by the first deadline still arrives by the
# second.
_SECONDS = 20.0
_PATIENCE_SECONDS = 3.0
_POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Source:
    """One business of one connected account, to be called."""

    connector: Connector
    connection: Connection
    account: str  # the connection's label
    business: Business | None


@dataclass
class SourceResult(Generic[Result]):
    """The result of one source, or the problem."""

    source: Source
    result: Result | None = None
    problem: PatchbayError | None = None
    calls: list[UpstreamCall] = field(default_factory=list)


def gather(
    sources: Sequence[Source],
    open_api: Callable[[Source, float], Api],
    ask: Callable[[Source, Api], Result],
    *,
    cancelled: Callable[[], bool] = lambda: False,
    report: Callable[[float, float | None, str], None] = lambda done, total, text: None,
) -> list[SourceResult[Result]]:
    """Calls every source, a few at a time. Returns the results in the order of the sources.

    `open_api` takes the deadline (on the monotonic clock) for the service; `report` is called in the calling
    thread. Raises ProviderTimeout when the client disconnected.
    """
    until = time.monotonic() + _SECONDS
    gathered = [SourceResult[Result](source) for source in sources]
    pool = ThreadPoolExecutor(max_workers=max(1, min(_AT_ONCE, len(sources))), thread_name_prefix="gather")
    running: dict[Future[Result], SourceResult[Result]] = {}
    try:
        for one in gathered:
            try:
                api = open_api(one.source, until)
            except ToolError as problem:
                one.problem = problem
                continue
            one.calls = api.calls
            running[threads.submit(pool, contextvars.copy_context().run, ask, one.source, api)] = one
        waiting = set(running)
        while waiting and time.monotonic() < until + _PATIENCE_SECONDS:
            done, waiting = wait(waiting, timeout=_POLL_SECONDS)
            if cancelled():
                raise ProviderTimeout("The call was cancelled by the AI client.")
            for future in done:
                _store_result(future, running[future])
                report(
                    len(running) - len(waiting),
                    len(running),
                    f"{running[future].source.connector.name} was asked.",
                )
        for future in waiting:
            running[future].problem = ProviderTimeout(
                f"{running[future].source.connector.name} took too long to answer. Try again later."
            )
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # what still runs ends at its own deadline
    return gathered


def _store_result(future: "Future[Result]", one: SourceResult[Result]) -> None:
    try:
        one.result = future.result()
    except PatchbayError as problem:
        one.problem = problem
    except Exception:  # an unexpected response of one service must not fail the others
        metrics.UNHANDLED_ERRORS.inc()
        logs.defect(log, "Reading a summary failed", **connection_log.fields_of(one.source.connection))
        one.problem = PatchbayError(
            f"{one.source.connector.name} could not be read. Tell your administrator the correlation id."
        )
