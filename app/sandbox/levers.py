"""Injected faults: rules that delay, fail, throttle, cut or drop the requests they match."""

import threading
from dataclasses import dataclass, field, fields
from typing import Any, Literal

KINDS = ("slow", "fail", "rate_limit", "drop", "cut", "hang")


@dataclass
class InjectedFault:
    """One fault. It hits `times` matching requests after letting `skip` of them pass.

    `path` is part of the path, `method` the HTTP method, `grant_type` that of a token request, `rpc` part of
    what an MCP request wants (such as "tools/call add_note"); empty ones match all. With `when="after"` the
    service does its work first, so that only the response is lost.
    """

    kind: str
    path: str = ""
    method: str = ""
    grant_type: str = ""
    rpc: str = ""
    times: int = 1
    skip: int = 0
    when: Literal["before", "after"] = "before"
    seconds: float = 1.0
    status: int = 500
    body: Literal["html", "empty", "json", "text"] = "json"
    retry_after: int | None = None

    def matches(self, method: str, path: str, grant_type: str, rpc: str) -> bool:
        """Whether the fault applies to the request."""
        return (
            self.path in path
            and self.method.upper() in {"", method}
            and self.grant_type in {"", grant_type}
            and self.rpc in rpc
        )


def read_fault(kind: str, given: dict[str, Any]) -> InjectedFault:
    """A fault from a lever's JSON. Raises ValueError that names the wrong field."""
    known = {f.name for f in fields(InjectedFault)} - {"kind"}
    if unknown := set(given) - known:
        raise ValueError(f"Unknown: {', '.join(sorted(unknown))}. A fault takes {', '.join(sorted(known))}.")
    fault = InjectedFault(kind=kind, **given)
    if fault.when not in {"before", "after"} or fault.body not in {"html", "empty", "json", "text"}:
        raise ValueError("`when` is before or after; `body` is html, empty, json or text.")
    for name, kinds in (("times", int), ("skip", int), ("status", int), ("seconds", (int, float))):
        if not isinstance(getattr(fault, name), kinds):
            raise ValueError(f"`{name}` must be a number.")
    return fault


@dataclass
class Levers:
    """The faults waiting at one service, in the order they were set."""

    faults: list[InjectedFault] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: InjectedFault) -> None:
        """Set a fault."""
        with self._lock:
            self.faults.append(fault)

    def take(self, method: str, path: str, grant_type: str, rpc: str) -> InjectedFault | None:
        """The fault for this request, counted down, or None."""
        if not self.faults:
            return None
        with self._lock:
            for fault in self.faults:
                if not fault.matches(method, path, grant_type, rpc):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if fault.times == 0:
                    self.faults.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """Remove every fault and release the hanging requests."""
        with self._lock:
            self.faults.clear()
            self.released.set()
            self.released = threading.Event()
