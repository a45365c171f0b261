"""Times as people read them: in the zone of the person who is signed in, else in UTC. The zone is named.

A page for nobody in particular (an AI client's answer, a sign-in page) says UTC. A mail passes its reader's
zone: whoever sends it is somebody else, or a background thread.
"""

import re
import zoneinfo
from datetime import UTC, datetime, tzinfo
from functools import cache

from flask import Flask, g, has_request_context

from app import clock
from app.config import Settings

_AREAS = frozenset(
    ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
)
# The months by name, whatever the locale: stored sentences are read again.
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
# As `in_words` writes a moment, and as the audit trail does: "2026-08-05 14:35 UTC".
_MOMENT = re.compile(
    rf"\b(?:(?P<day>\d{{1,2}}) (?P<name>{'|'.join(_MONTHS)}) (?P<year>\d{{4}}) at "
    r"|(?P<iso_year>\d{4})-(?P<month>\d\d)-(?P<iso_day>\d\d) )(?P<hour>\d\d):(?P<minute>\d\d) UTC(?![+-]?\w)"
)


def install(app: Flask, settings: Settings) -> None:
    """Register the template globals and filters."""
    app.jinja_env.globals.update(time_words=time_words, zone_names=zone_names, now=clock.now)
    app.jinja_env.filters.update(
        exact=exact, day=day, moment=moment, exact_title=exact_title, local_times=local_times
    )


def use_zone(name: str) -> None:
    """Show the times of this request in that zone: of the person who is signed in. "" is UTC."""
    g.time_zone = name


@cache
def zone_of(name: str) -> tzinfo:
    """The zone of that IANA name; UTC if the name is empty or unknown here."""
    if name in {"", "UTC"}:
        return UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def is_zone(name: str) -> bool:
    """Whether the zone database has a zone of that name."""
    return name in _known()


def find_zone(text: str) -> str | None:
    """The zone a person means: its name in any case, or its city alone. None if there is no such one."""
    wanted = "_".join(text.split()).casefold()
    if not wanted:
        return None
    names = [name for name in _known() if name.casefold() == wanted]
    names = names or [name for name in zone_names() if name.casefold().rpartition("/")[2] == wanted]
    return names[0] if len(names) == 1 else None


@cache
def zone_names() -> tuple[str, ...]:
    """The time zones by their common names: UTC first, then area and city."""
    return (
        "UTC",
        *sorted(name for name in _known() if name.partition("/")[0] in _AREAS and "/" in name),
    )


def exact(at: datetime, zone: str | None = None) -> str:
    """Return the exact time: "18 Nov 2026, 15:05 CET". `zone`: of the reader, if not of this request."""
    local = _local(at, zone)
    return f"{_date(local)}, {local:%H:%M} {_zone_word(local)}"


def exact_title(at: datetime) -> str:
    """Return the exact time for a tooltip, with UTC beside it: "18 Nov 2026, 15:05 CET (14:05 UTC)"."""
    local, universal = _local(at, None), at.astimezone(UTC)
    if local.utcoffset() == universal.utcoffset():
        return exact(at)
    date = f"{_date(universal)}, " if universal.date() != local.date() else ""
    return f"{exact(at)} ({date}{universal:%H:%M} UTC)"


def in_words(at: datetime) -> str:
    """Return the moment for a stored sentence: "5 August 2026 at 14:35 UTC". `local_times` finds it there."""
    at = at.astimezone(UTC)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year} at {at:%H:%M} UTC"


def local_times(sentence: str, zone: str | None = None) -> str:
    """Return a stored sentence with each moment it names in UTC as `exact` writes it, in the reader's zone.

    What only looks like a moment (31 June) stays. `zone`: of the reader, if not of this request.
    """

    def localized(found: re.Match[str]) -> str:
        at = _moment_of(found)
        return found[0] if at is None else exact(at, zone)

    if _MOMENT.search(sentence) is None:
        return sentence
    return type(sentence)(_MOMENT.sub(localized, sentence))  # markup stays markup


def names_moment(sentence: str) -> bool:
    """Whether a stored sentence names a moment in UTC."""
    return any(_moment_of(found) for found in _MOMENT.finditer(sentence))


def day(at: datetime, zone: str | None = None) -> str:
    """Return the day: "18 Nov 2026"."""
    return _date(_local(at, zone))


def moment(at: datetime, zone: str | None = None) -> str:
    """Return day and time within a sentence: "today at 15:05", "yesterday at …", "on 18 Nov at …".

    Names no zone: use it where the reader's own zone is known, or beside a title that names it.
    """
    local, today = _local(at, zone), _local(clock.now(), zone)
    days = (today.date() - local.date()).days
    if days == 0:
        date = "today"
    elif days in (1, -1):
        date = "yesterday" if days == 1 else "tomorrow"
    else:
        date = f"on {local.day} {local:%b}" + (f" {local.year}" if local.year != today.year else "")
    suffix = f" {_zone_word(local)}" if local.tzinfo is UTC else ""
    return f"{date} at {local:%H:%M}{suffix}"


def time_words(at: datetime) -> str:
    """Return a relative time: "just now", "5 minutes ago", "yesterday", "18 November"."""
    seconds = (clock.now() - at).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return _counted(int(seconds // 60), "minute")
    if seconds < 86_400:
        return _counted(int(seconds // 3600), "hour")
    if seconds < 2 * 86_400:
        return "yesterday"
    if seconds < 7 * 86_400:
        return _counted(int(seconds // 86_400), "day")
    local = _local(at, None)
    words = f"{local.day} {local:%B}"
    return words if local.year == _local(clock.now(), None).year else f"{words} {local.year}"


def _moment_of(found: re.Match[str]) -> datetime | None:
    month = _MONTHS.index(found["name"]) + 1 if found["name"] else int(found["month"])
    try:
        return datetime(
            int(found["year"] or found["iso_year"]),
            month,
            int(found["day"] or found["iso_day"]),
            int(found["hour"]),
            int(found["minute"]),
            tzinfo=UTC,
        )
    except ValueError:
        return None


@cache
def _known() -> frozenset[str]:
    # Two names stand for no place: the machine's own zone, and one nobody has set yet.
    return frozenset(zoneinfo.available_timezones()) - {"localtime", "Factory"}


def _local(at: datetime, zone: str | None) -> datetime:
    if zone is None:
        zone = g.get("time_zone", "") if has_request_context() else ""
    return at.astimezone(zone_of(zone))


def _date(local: datetime) -> str:
    return f"{local.day} {local:%b %Y}"


def _zone_word(local: datetime) -> str:
    """CET, or UTC+5:30 where the zone has no letters of its own."""
    name = local.tzname() or "UTC"
    if name[0] not in "+-":
        return name
    hours, minutes = name[1:3].lstrip("0") or "0", name[3:5]
    return f"UTC{name[0]}{hours}" + (f":{minutes}" if minutes.strip("0") else "")


def _counted(count: int, word: str) -> str:
    return f"{count} {word} ago" if count == 1 else f"{count} {word}s ago"
