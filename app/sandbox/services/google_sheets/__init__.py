"""Google Sheets, imitated: spreadsheets behind Google's OAuth, with Sheets' ranges, shapes and quotas.

Start in `api.py` (the methods), then `workbook.py` (a spreadsheet) and `drive.py` (who may open which).
"""

from typing import Any

from flask import Response

from app.sandbox.current import Here
from app.sandbox.google import ACCOUNTS, LEVERS, PREFIX, rules
from app.sandbox.service import ImitatedService
from app.sandbox.services.google_sheets import refusals
from app.sandbox.services.google_sheets.api import bp
from app.sandbox.services.google_sheets.demo import seed
from app.sandbox.services.google_sheets.drive import DRIVE, PER_MINUTE

_DRIVE = ("drive", "drive.file", "drive.metadata", "drive.metadata.readonly", "drive.readonly")
_SCOPES = tuple(PREFIX + name for name in ("spreadsheets", "spreadsheets.readonly", *_DRIVE))


def _too_many(_retry_after: int | None) -> Response:
    """Sheets does not say when to come back."""
    return refusals.too_many().answer(listed=False)


def _quota(at: Here, given: dict[str, Any]) -> None:
    """Set the requests of one kind that a person may send `per_minute`."""
    at.book(DRIVE).put("limit", "minute", {"calls": int(given.get("per_minute", PER_MINUTE))})


SERVICE = ImitatedService(
    slug="google_sheets",
    name="Google Sheets",
    blueprint=bp,
    companies=ACCOUNTS,
    seed=seed,
    oauth=rules(_SCOPES),
    too_many=_too_many,
    levers={"quota": _quota, **LEVERS},
)
