"""The states of a write that waits, and for how long each holds."""

from datetime import timedelta

WAITING = "waiting"
RUNNING = "running"
DONE = "done"
FAILED = "failed"  # it was tried and did not work, or it could not even be tried
UNKNOWN = "unknown"  # it may or may not have been done
REJECTED = "rejected"
EXPIRED = "expired"

WAITS = timedelta(hours=24)  # for a yes, and then for the AI client to fetch the end
RUNS = timedelta(minutes=3)  # a call lasts a minute at most; after that nobody can be at it any more
KEPT = timedelta(days=30)
