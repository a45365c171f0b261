"""The latest version of each workspace's own services that this process has read.

Every request loads its workspace's row; its `services_version` is noted here. Whoever holds those services in
memory compares, so a change in any process counts from the next request, without a query for it.
"""

import time

_MOST = 10_000  # workspaces one process remembers
_latest: dict[str, tuple[int, float]] = {}


def note(workspace_id: str, version: int) -> None:
    """Note a version just read. An older one than known, read by a slower request, changes nothing."""
    if len(_latest) >= _MOST and workspace_id not in _latest:
        _latest.clear()
    known = _latest.get(workspace_id)
    _latest[workspace_id] = (max(version, known[0]) if known else version, time.monotonic())


def forget() -> None:
    """Forget every version: this process begins with another database."""
    _latest.clear()


def latest(workspace_id: str) -> tuple[int, float] | None:
    """The version, and when it was noted on the monotonic clock; None if this process has read none."""
    return _latest.get(workspace_id)
