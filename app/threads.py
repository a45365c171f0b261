"""Work in a thread pool, also in a process that is ending: then Python starts no more threads."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


def submit(pool: ThreadPoolExecutor, work: Callable[..., Result], *args: Any) -> "Future[Result]":
    """Run `work` in the pool, or here and now where the pool takes nothing any more."""
    try:
        return pool.submit(work, *args)
    except RuntimeError:
        future: Future[Result] = Future()
        try:
            future.set_result(work(*args))
        except Exception as error:
            future.set_exception(error)
        return future
