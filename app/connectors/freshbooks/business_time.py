"""Which day it is at a business: its own, as `users/me` names its time zone, and not UTC's."""

from datetime import UTC, date, datetime, time, tzinfo

from app import clock
from app.connectors.api import Api
from app.connectors.freshbooks.identity import timezone_of
from app.connectors.summary_days import find_zone
from app.errors import ToolError


def today(api: Api) -> date:
    """The current day at the business."""
    return clock.now().astimezone(zone_of(api)).date()


def moment(api: Api, day: date, at: time) -> str:
    """That time of the business's day as the business family writes it: UTC with a Z."""
    there = datetime.combine(day, at, zone_of(api))
    return f"{there.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def zone_of(api: Api) -> tzinfo:
    """The business's time zone; UTC when FreshBooks names none.

    A connection made before its time zone was stored asks for it.
    """
    if api.business is None:
        return UTC
    if "timezone" in api.business.facts:
        return find_zone(_text(api.business.facts["timezone"])) or UTC
    try:
        return find_zone(timezone_of(api, api.business.id)) or UTC
    except ToolError:
        return UTC


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
