"""The checks before every call to an instance: host, the free plan's limit, token, permissions."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response

from app.sandbox.current import Here, here
from app.sandbox.services.xano.instances import INSTANCES, DemoInstance, made_for, reached, signed_in
from app.sandbox.services.xano.wire import not_found, refusal, too_many
from app.sandbox.store import Book, Record
from app.sandbox.traffic import count_call

ROOT = "/<host>/api:meta"
WORKSPACE = f"{ROOT}/workspace/<workspace>"
TABLES = f"{WORKSPACE}/table"
TABLE = f"{TABLES}/<table>"
_REQUESTS, _SECONDS = 10, 20

View = Callable[..., Response]


@dataclass(frozen=True)
class AuthorizedCall:
    """A call that passed the checks: the instance and its records."""

    at: Here
    instance: DemoInstance
    book: Book

    def workspace(self, id_: str) -> Record:
        """The workspace of that id. Raises RequestRefused."""
        found = self.book.find("workspace", id_)
        if found is None:
            raise not_found()
        return found

    def table(self, workspace: str, id_: str) -> Record:
        """The table of that id in that workspace. Raises RequestRefused."""
        self.workspace(workspace)
        found = self.book.find("table", id_)
        if found is None or str(found["workspace"]) != workspace:
            raise not_found()
        return found


def may(permission: str) -> Callable[[View], View]:
    """Require a token of the account with the permission; the view receives the `AuthorizedCall`."""

    def guard(view: View) -> View:
        @functools.wraps(view)
        def guarded(host: str, **parts: Any) -> Response:
            at = here()
            instance = next((i for i in INSTANCES if host == (i.custom_domain or i.host)), None)
            if instance is None:
                raise not_found("Unable to locate request.")
            if instance.free and count_call(at, instance.name, _REQUESTS, seconds=_SECONDS)[1]:
                return too_many(None)
            access = signed_in(at)
            if instance not in reached(at, access.company) or made_for(access) not in {None, instance}:
                raise refusal(401, "ERROR_CODE_UNAUTHORIZED", "Invalid token.")
            if not _has(access.scopes, permission):
                raise refusal(403, "ERROR_CODE_ACCESS_DENIED", "")
            return view(AuthorizedCall(at, instance, at.book(instance.name)), **parts)

        return guarded

    return guard


def _has(scopes: frozenset[str], permission: str) -> bool:
    by_consent = "workspace:write" in scopes or ("workspace:read" in scopes and permission.endswith(":read"))
    return permission in scopes or by_consent
