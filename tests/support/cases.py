"""Many cases in one test, where a test for each would mostly pay for its own set-up."""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pytest


def every(names: str, cases: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Like `pytest.mark.parametrize`, in one test: all cases run, and the failure names each that failed.

    For cases that leave nothing behind: they share what the fixtures made.
    """
    wanted, rows = [name.strip() for name in names.split(",")], list(cases)
    assert rows, "a test without cases passes whatever the product does"

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def run(*self: Any, **fixtures: Any) -> None:
            failures = []
            for row in rows:
                case = dict(zip(wanted, row if len(wanted) > 1 else (row,), strict=True))
                try:
                    test(*self, **fixtures, **case)
                except (Exception, pytest.fail.Exception) as error:
                    failures.append(f"{case}: {type(error).__name__}: {error}")
            if failures:
                pytest.fail(f"{len(failures)} of {len(rows)} cases:\n" + "\n".join(failures), pytrace=False)

        signature = inspect.signature(test)
        left = [each for name, each in signature.parameters.items() if name not in wanted]
        run.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
        return run

    return decorate
