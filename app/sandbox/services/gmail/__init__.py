"""Gmail, imitated: two mailboxes behind Google's OAuth, with Gmail's shapes, search, quotas and edge cases.

Start in `api.py` (the methods), then `mail.py` (the Message resource) and `search.py`.
"""

from flask import Response

from app.sandbox import clock
from app.sandbox.google import ACCOUNTS, LEVERS, PREFIX, rules, throttled, too_many_at_once
from app.sandbox.service import ImitatedService
from app.sandbox.services.gmail.api import bp
from app.sandbox.services.gmail.demo import seed

_SCOPES = (
    *(PREFIX + f"gmail.{name}" for name in ("readonly", "metadata", "compose", "modify", "send", "labels")),
    "https://mail.google.com/",
)


def _too_many(retry_after: int | None) -> Response:
    """With a time the person's quota (403, the time in the message), without one too many at once (429)."""
    problem = too_many_at_once() if retry_after is None else throttled(clock.now(), retry_after)
    return problem.answer()


SERVICE = ImitatedService(
    slug="gmail",
    name="Gmail",
    blueprint=bp,
    companies=ACCOUNTS,
    seed=seed,
    oauth=rules(_SCOPES),
    too_many=_too_many,
    levers=LEVERS,
)
