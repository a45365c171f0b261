"""Ending servers beside the next test: one of uvicorn takes a fifth of a second to end, waiting."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

Opened = TypeVar("Opened")
Keeping = Callable[[contextlib.AbstractContextManager[Opened]], contextlib.AbstractContextManager[Opened]]


@pytest.fixture(scope="session")
def closed_later() -> Iterator[Keeping[Any]]:
    """`with closed_later(serve_notebook()) as upstream:` ends the server in another thread."""
    ended = []
    with ThreadPoolExecutor(4) as pool:

        @contextlib.contextmanager
        def keep(opening: contextlib.AbstractContextManager[Opened]) -> Iterator[Opened]:
            stack = contextlib.ExitStack()
            opened = stack.enter_context(opening)
            try:
                yield opened
            finally:
                ended.append(pool.submit(stack.close))

        yield keep
    for each in ended:
        each.result()
