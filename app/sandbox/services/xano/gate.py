"""What stands before every call to an instance: its host, the token, the token's permissions, the free
plan's limit.
"""

import functools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, current_app

from app.sandbox.current import Here, here
from app.sandbox.services.xano.instances import INSTANCES, Instance, made_for, reached, signed_in
from app.sandbox.services.xano.wire import Refused, not_found, too_many
from app.sandbox.store import Book, Record

ROOT = "/<host>/api:meta"
WORKSPACE = f"{ROOT}/workspace/<workspace>"
TABLES = f"{WORKSPACE}/table"
TABLE = f"{TABLES}/<table>"
_REQUESTS, _SECONDS = 10, 20

View = Callable[..., Response]


@dataclass(frozen=True)
class Call:
    """A call that was let in: the instance and its records."""

    at: Here
    instance: Instance
    book: Book

    def workspace(self, id_: str) -> Record:
        """The workspace of that id. Raises Refused."""
        found = self.book.find("workspace", id_)
        if found is None:
            raise not_found()
        return found

    def table(self, workspace: str, id_: str) -> Record:
        """The table of that id in that workspace. Raises Refused."""
        self.workspace(workspace)
        found = self.book.find("table", id_)
        if found is None or str(found["workspace"]) != workspace:
            raise not_found()
        return found


def may(permission: str) -> Callable[[View], View]:
    """Let a view in when the token belongs to the instance's account and has the permission; it receives
    the `Call`.
    """

    def guard(view: View) -> View:
        @functools.wraps(view)
        def guarded(host: str, **parts: Any) -> Response:
            at = here()
            instance = next((i for i in INSTANCES if host == (i.custom_domain or i.host)), None)
            if instance is None:
                raise not_found("Unable to locate request.")
            if instance.free and _is_over(at, instance):
                return too_many(None)
            access = signed_in(at)
            if instance not in reached(at, access.company) or made_for(access) not in {None, instance}:
                raise Refused(401, "ERROR_CODE_UNAUTHORIZED", "Invalid token.")
            if not _has(access.scopes, permission):
                raise Refused(403, "ERROR_CODE_ACCESS_DENIED", "")
            return view(Call(at, instance, at.book(instance.name)), **parts)

        return guarded

    return guard


def _has(scopes: frozenset[str], permission: str) -> bool:
    by_consent = "workspace:write" in scopes or ("workspace:read" in scopes and permission.endswith(":read"))
    return permission in scopes or by_consent


def _is_over(at: Here, instance: Instance) -> bool:
    """Count a request to a free instance."""
    traffic: dict[str, deque[float]] = current_app.extensions.setdefault("xano traffic", {})
    calls, now = traffic.setdefault(instance.name, deque(maxlen=_REQUESTS)), at.now().timestamp()
    while calls and not 0 <= now - calls[0] < _SECONDS:
        calls.popleft()
    if len(calls) >= _REQUESTS:
        return True
    calls.append(now)
    return False
