"""Asking several services at once for one answer: each in a thread of its own, all within one deadline.

What did not come in time, or failed, is a problem beside what did; the caller never waits for the slowest. No
database connection is held while a service is asked.
"""

import contextvars
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from app.connectors.api import Api, UpstreamCall
from app.connectors.connector import Connector
from app.connectors.spec import Business
from app.errors import PatchbayError, ProviderTimeout, ToolError
from app.vault.models import Connection

log = logging.getLogger(__name__)
Result = TypeVar("Result")
_AT_ONCE = 6
# A client gives up after 60 seconds; what was read of a slow service by the first deadline still arrives by
# the second.
_SECONDS = 20.0
_PATIENCE_SECONDS = 3.0
_LOOK_EVERY_SECONDS = 0.25


@dataclass(frozen=True)
class Source:
    """One business of one connected account, as a thing to ask."""

    connector: Connector
    connection: Connection
    account: str  # how the connection is called
    business: Business | None


@dataclass
class Gathered(Generic[Result]):
    """What became of one source: a result, or the problem."""

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
) -> list[Gathered[Result]]:
    """Ask every source, a few at a time, and give what came, in the order of the sources.

    `open_api` takes the moment (on the monotonic clock) until which the service may be asked; `report` is
    called in the calling thread. Raises ProviderTimeout when the client has gone.
    """
    until = time.monotonic() + _SECONDS
    gathered = [Gathered[Result](source) for source in sources]
    pool = ThreadPoolExecutor(max_workers=max(1, min(_AT_ONCE, len(sources))), thread_name_prefix="gather")
    running: dict[Future[Result], Gathered[Result]] = {}
    try:
        for one in gathered:
            try:
                api = open_api(one.source, until)
            except ToolError as problem:
                one.problem = problem
                continue
            one.calls = api.calls
            running[pool.submit(contextvars.copy_context().run, ask, one.source, api)] = one
        waiting = set(running)
        while waiting and time.monotonic() < until + _PATIENCE_SECONDS:
            done, waiting = wait(waiting, timeout=_LOOK_EVERY_SECONDS)
            if cancelled():
                raise ProviderTimeout("The call was cancelled by the AI client.")
            for future in done:
                _take(future, running[future])
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
        pool.shutdown(wait=False, cancel_futures=True)  # what still runs ends by its own deadline
    return gathered


def _take(future: "Future[Result]", one: Gathered[Result]) -> None:
    try:
        one.result = future.result()
    except PatchbayError as problem:
        one.problem = problem
    except Exception:  # one service that answers what nobody foresaw must not take the others with it
        log.exception("asking %s failed", one.source.connector.slug)
        one.problem = PatchbayError(
            f"{one.source.connector.name} could not be read. Tell your administrator the correlation id."
        )
