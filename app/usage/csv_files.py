"""CSV files: calls, written as they are sent, and the page's tables. No cell can become a formula."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import select
from sqlmodel import col

from app.accounts.models import User
from app.database import reading
from app.usage import calls_log
from app.usage.filters import UsageFilter
from app.usage.models import CallRow

# What a spreadsheet reads as the beginning of a formula, also after blanks, and the full-width forms that
# some locales read alike.
_FORMULA = re.compile("[\\s\0\ufeff]*[=+\\-@|%\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")

_HEADINGS = (
    "time_utc",
    "member",
    "ai_client",
    "connector",
    "tool",
    "outcome",
    "upstream_endpoint",
    "upstream_status",
    "total_ms",
    "service_ms",
    "own_ms",
    "result_bytes",
    "connection_id",
    "call_id",
)


def cell(value: object) -> object:
    """A value for a spreadsheet: text that reads like a formula gets an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def table(headings: Sequence[object], lines: Iterable[Sequence[object]]) -> str:
    """A whole small file."""
    return "".join(_written([headings, *lines]))


def calls(usage_filter: UsageFilter) -> Iterator[str]:
    """The file of the filtered calls, in batches. Raises Unavailable if the database goes away."""
    yield "".join(_written([_HEADINGS]))
    known: dict[str, str] = {}
    for lot in calls_log.all_calls(usage_filter):
        _learn(known, {call.user_id for call in lot})
        yield "".join(_written(_line(call, known) for call in lot))


def _line(call: CallRow, known: dict[str, str]) -> Sequence[object]:
    return (
        f"{call.at:%Y-%m-%dT%H:%M:%S.%fZ}",
        known.get(call.user_id, call.user_id),
        call.client_name,
        call.slug,
        call.tool,
        call.outcome,
        call.upstream_endpoint,
        call.upstream_status,
        round(call.total_ms, 1),
        round(call.upstream_ms, 1),
        round(max(0.0, call.total_ms - call.upstream_ms), 1),
        call.bytes,
        call.connection_id,
        call.id,
    )


def _learn(known: dict[str, str], user_ids: set[str]) -> None:
    """Look up the email addresses of users that are not known yet."""
    unknown = user_ids - known.keys()
    if unknown:
        with reading() as db:
            found = dict(
                db.execute(select(col(User.id), col(User.email)).where(col(User.id).in_(unknown))).all()
            )  # type: ignore[arg-type]
        known.update({user_id: found.get(user_id, user_id) for user_id in unknown})


def _written(lines: Iterable[Sequence[object]]) -> Iterator[str]:
    file = io.StringIO()
    writer = csv.writer(file)
    for line in lines:
        writer.writerow([cell(value) for value in line])
    yield file.getvalue()
