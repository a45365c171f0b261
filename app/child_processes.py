"""Child processes that end with their parent."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> Callable[[], None] | None:
    """Return the first act (`preexec_fn`) of a child of this process that must not outlive it.

    On Linux it gets SIGTERM when its parent dies (PR_SET_PDEATHSIG, prctl(2)); elsewhere None is returned.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc, parent = ctypes.CDLL(None), os.getpid()

    def request_sigterm() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # the parent died before prctl
            os._exit(1)

    return request_sigterm
