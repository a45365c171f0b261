"""One refresh per connection at a time within this process: one thread leads, the others wait for it.

Processes and hosts coordinate in the database (`claims`).
"""

import threading

_flights: dict[str, threading.Event] = {}
_lock = threading.Lock()


def join(connection_id: str) -> tuple[threading.Event, bool]:
    """The event that this process's threads wait on, and whether the caller is the one who refreshes."""
    with _lock:
        flight = _flights.get(connection_id)
        if flight is not None:
            return flight, False
        flight = _flights[connection_id] = threading.Event()
        return flight, True


def land(connection_id: str, flight: threading.Event) -> None:
    """The leader is done, however it ended: whoever waits looks again."""
    with _lock:
        if _flights.get(connection_id) is flight:
            del _flights[connection_id]
    flight.set()
