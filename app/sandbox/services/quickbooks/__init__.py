"""QuickBooks Online, imitated: two companies of one owner, the Accounting API in its own shapes.

Start with `request_checks.py` (the checks before every call), then `reading.py` and `language.py` (the query
language), `writing.py`, and `reports.py` with `ledger.py`. Levers of its own:
`limit` (`{"per_minute": 5}`, null to count only), `strict` (`{"seconds": 5}`: a refresh token used twice
within that time ends the grant), `close_books` (`{"company": "maple", "until": "2026-10-31"}`) and `delivery`
(the outcome of the next mails: `{"company": "maple", "error": "Bounced Email"}` or `"queued": true`).
"""

from typing import Any

from flask import Blueprint, make_response

from app.sandbox import rules
from app.sandbox.current import Here
from app.sandbox.service import ImitatedService
from app.sandbox.services.quickbooks import (
    companies,
    demo,
    reading,
    reports,
    request_checks,
    tokens,
    writing,
)
from app.sandbox.services.quickbooks.wire import too_many
from app.sandbox.traffic import set_limit

bp = Blueprint("quickbooks", __name__)
for part in (reading.bp, writing.bp, reports.bp):
    bp.register_blueprint(part)
bp.after_request(request_checks.add_trace)

_IDENTITY = ("openid", "profile", "email")


def _strict(at: Here, given: dict[str, Any]) -> None:
    at.grants.book.put("strict", "seconds", {"value": float(given["seconds"])})


def _close_books(at: Here, given: dict[str, Any]) -> None:
    at.book(companies.COMPANIES[given["company"]].key).put("settings", "closed", {"until": given["until"]})


def _delivery(at: Here, given: dict[str, Any]) -> None:
    outcome: dict[str, Any] = {name: given[name] for name in given if name != "company"}
    at.book(companies.COMPANIES[given["company"]].key).put("settings", "delivery", outcome)


SERVICE = ImitatedService(
    slug="quickbooks",
    name="QuickBooks",
    blueprint=bp,
    companies=companies.CHOICES,
    seed=demo.seed,
    too_many=too_many,
    levers={"limit": set_limit, "strict": _strict, "close_books": _close_books, "delivery": _delivery},
    oauth=rules.Rules(
        authorize_path="/connect/oauth2",
        token_path="/oauth2/v1/tokens/bearer",
        revoke_path="/v2/oauth2/tokens/revoke",
        scopes=frozenset(
            {*(f"com.intuit.quickbooks.{name}" for name in ("accounting", "payment")), *_IDENTITY}
        ),
        access_seconds=3600,
        code_seconds=600,
        rotates_after_seconds=86_400,
        idle_seconds=tokens.REFRESH_SECONDS,
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        callback_fields=lambda company: {"realmId": companies.COMPANIES[company].realm},
        refuses=tokens.refuses,
        refuses_refresh=tokens.refuses_refresh,
        token_fields=tokens.token_fields,
        error=tokens.token_error,
        revoking_needs_json=True,
        unknown_token_is_error=True,
        revoked=lambda: make_response("", 200),
    ),
)
