"""Waiting for what happens elsewhere: in a thread, a process, a browser.

A test waits for the thing itself, never for a time that ought to be enough: machines are slow when they are
busy.
"""

import time
from collections.abc import Callable

# Long enough for any machine; a test that passes never waits so long.
AT_MOST_SECONDS = 60.0
# What takes tenths of a second here ends well within this on a busy machine, and what hangs does not.
PROMPTLY_SECONDS = 10.0


def until(holds: Callable[[], object], seconds: float = AT_MOST_SECONDS) -> None:
    """Return as soon as `holds()` is true. Raises AssertionError when it does not become true."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"it did not happen within {seconds:g} seconds"
        time.sleep(0.005)
