"""QuickBooks Online, imitated: two companies of one owner, the Accounting API in its own shapes.

Start with `gate.py` (what stands before every call), then `reading.py` and `language.py` (the query
language), `writing.py`, and `reports.py` with `ledger.py`. Beyond the common levers: `limit`
(`{"per_minute": 5}`, null to count only), `strict` (`{"seconds": 5}`: a refresh token used twice within that
time ends the sign-in, as parallel refreshes do) and `close_books` (`{"company": "maple", "until":
"2026-10-31"}`).
"""

from typing import Any

from flask import Blueprint, Response, make_response

from app.sandbox import rules
from app.sandbox.current import Here
from app.sandbox.service import Service
from app.sandbox.services.quickbooks import companies, demo, gate, reading, reports, signing_in, writing
from app.sandbox.services.quickbooks.wire import Refused, too_many

bp = Blueprint("quickbooks", __name__)
for part in (reading.bp, writing.bp, reports.bp):
    bp.register_blueprint(part)
bp.after_request(gate.add_trace)


@bp.errorhandler(Refused)
def refused(error: Refused) -> Response:
    """The answer of a refused request."""
    return error.answer


def _limit(at: Here, given: dict[str, Any]) -> None:
    gate.set_limit(at, given["per_minute"])


def _strict(at: Here, given: dict[str, Any]) -> None:
    at.grants.book.put("strict", "seconds", {"value": float(given["seconds"])})


def _close_books(at: Here, given: dict[str, Any]) -> None:
    at.book(companies.COMPANIES[given["company"]].key).put("settings", "closed", {"until": given["until"]})


SERVICE = Service(
    slug="quickbooks",
    name="QuickBooks",
    blueprint=bp,
    companies=companies.CHOICES,
    seed=demo.seed,
    too_many=too_many,
    levers={"limit": _limit, "strict": _strict, "close_books": _close_books},
    oauth=rules.Rules(
        authorize_path="/connect/oauth2",
        token_path="/oauth2/v1/tokens/bearer",
        revoke_path="/v2/oauth2/tokens/revoke",
        scopes=frozenset(
            {
                "com.intuit.quickbooks.accounting",
                "com.intuit.quickbooks.payment",
                "openid",
                "profile",
                "email",
            }
        ),
        access_seconds=3600,
        code_seconds=600,
        rotates_after_seconds=86_400,
        idle_seconds=signing_in.REFRESH_SECONDS,
        access_token=signing_in.access_token,
        refresh_token=signing_in.refresh_token,
        callback_fields=lambda company: {"realmId": companies.COMPANIES[company].realm},
        refuses=signing_in.refuses,
        refuses_refresh=signing_in.refuses_refresh,
        token_fields=signing_in.token_fields,
        error=signing_in.token_error,
        revoking_needs_json=True,
        unknown_token_is_error=True,
        revoked=lambda: make_response("", 200),
    ),
)
