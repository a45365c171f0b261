"""Gmail: two mailboxes behind Google's sign-in, with Gmail's shapes, search, quotas and oddities.

Start in `api.py` (the methods), then `mail.py` (a mail as Gmail shows it) and `search.py`.
"""

from datetime import UTC, datetime

from flask import Response

from app.sandbox.google import ACCOUNTS, PREFIX, rules, throttled, too_many_at_once
from app.sandbox.service import Service
from app.sandbox.services.gmail.api import bp
from app.sandbox.services.gmail.demo import seed

_SCOPES = (
    *(PREFIX + f"gmail.{name}" for name in ("readonly", "metadata", "compose", "modify", "send", "labels")),
    "https://mail.google.com/",
)


def _too_many(retry_after: int | None) -> Response:
    """With a time it is the person's quota (403, the time in the sentence), without one it is too much at
    once (429).
    """
    problem = too_many_at_once() if retry_after is None else throttled(datetime.now(UTC), retry_after)
    return problem.answer()


SERVICE = Service(
    slug="gmail",
    name="Gmail",
    blueprint=bp,
    companies=ACCOUNTS,
    seed=seed,
    oauth=rules(_SCOPES),
    too_many=_too_many,
)
