"""The statuses of a company, which names them itself. A filter by an unknown one finds nothing, and says so
to nobody.
"""

from typing import Any

from app.connectors.api import Api
from app.connectors.rows import Page, plain
from app.connectors.servicefusion.records import page_of
from app.connectors.servicefusion.values import FusionRow, Text
from app.errors import InvalidArguments, ObjectNotFound, PermissionDenied

_MOST_STATUSES = 50
_LONGEST_NAME = 60


class _Status(FusionRow):
    """A status of the company."""

    name: Text = None


class _InUse(FusionRow):
    """The status of a job or estimate."""

    status: Text = None


def joined(statuses: list[str] | None) -> str | None:
    """The statuses as a filter takes them."""
    return ",".join(statuses) if statuses else None


def check_known(api: Api, path: str, statuses: list[str] | None, found: Page[Any]) -> None:
    """Raises InvalidArguments, with the company's statuses in the details, for an empty list by a status that
    the company does not use.
    """
    if not statuses or found.items or found.total:
        return
    try:
        known = page_of(api, "/v1/job-statuses", _Status, page=1, per_page=50, sort="id").items
    except (PermissionDenied, ObjectNotFound):
        known = []
    latest = page_of(api, path, _InUse, page=1, per_page=50, sort="-id").items
    names = list(dict.fromkeys([*(s.name for s in known if s.name), *(r.status for r in latest if r.status)]))
    unknown = [status for status in statuses if status.strip().lower() not in {n.lower() for n in names}]
    if unknown and names:
        raise InvalidArguments(
            "status: nothing was found, and this company does not use that status. Take some of those in the "
            "details; several may be given.",
            details={
                "fields": ["status"],
                "unknown": unknown,
                "statuses": [str(plain(name))[:_LONGEST_NAME] for name in names[:_MOST_STATUSES]],
            },
        )
