"""Usage of all workspaces, or of one, by service, member or day: a table of the page, and its file."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from sqlmodel import Session

from app.admin import queries
from app.admin.usage_figures import UsageOfMonths
from app.connectors.services import services_of
from app.database import snapshot
from app.errors import InvalidInput
from app.usage import csv_files, outcomes
from app.usage.figures import Count

# What the page offers; "" is tool and outcome (app/admin/usage.py). And the column of a call each adds up by.
BREAKDOWNS = {"": "Tool and outcome", "service": "Service", "member": "Member", "day": "Day"}
_COLUMNS = {"service": "slug", "member": "user_id", "day": "day"}
MEMBERS_LISTED = 20
_OWN_TOOLS = "Built-in tools"


def check(by: str) -> str:
    """Return the breakdown. Raises InvalidInput if there is none of that name."""
    if by not in BREAKDOWNS:
        raise InvalidInput("Choose a breakdown: service, member or day, or none for tool and outcome.")
    return by


def load(db: Session, by: str, figures: UsageOfMonths) -> list[tuple[str, str, Count]]:
    """Key, name and count per service or day, or of the members with the most calls. Days are in order."""
    if by == "member":
        counts = figures.most("member", MEMBERS_LISTED)
    else:
        counts = figures.by_day() if by == "day" else figures.by_service()
    names = _names(db, by, list(counts))
    return [(key, names.get(key, key), count) for key, count in counts.items()]


def csv_lines(by: str, months: Sequence[tuple[date, date]], workspace_id: str) -> Iterator[str]:
    """The file, one month at a time: one line per workspace and service, member or day."""
    subject = {"service": ("service",), "member": ("member_id", "member"), "day": ("day",)}[by]
    yield csv_files.table(("month", "workspace_id", "workspace", "tier", *subject, "calls", "failed"), ())
    for first, last in months:
        with snapshot() as db:
            counts: dict[tuple[str, str], Count] = {}
            for (where, key, outcome), calls in queries.usage_by_unsafe(
                db, ("workspace_id", _COLUMNS[by], "outcome"), first, last, workspace_id
            ).items():
                count = counts.setdefault((where, key), Count())
                count.add(calls, 0 if outcomes.is_fine(outcome) else calls)
            known = queries.billed_as_unsafe(db, sorted({where for where, _ in counts}))
            names = _names(db, by, sorted({key for _, key in counts})) if by == "member" else {}
        rows = [
            (
                f"{first:%Y-%m}",
                where,
                *known.get(where, ("", "")),
                key,
                *((names.get(key, ""),) if by == "member" else ()),
                count.calls,
                count.failed,
            )
            for (where, key), count in sorted(counts.items())
        ]
        if rows:
            yield csv_files.table(rows[0], rows[1:])


def _names(db: Session, by: str, keys: Sequence[str]) -> Mapping[str, str]:
    if by == "member":
        return {"": "Unknown"} | queries.addresses_of_unsafe(db, keys)
    if by == "service":
        found = {entry.slug: entry.name for entry in services_of(None).catalogue}
        return {"": _OWN_TOOLS} | found
    return {}
