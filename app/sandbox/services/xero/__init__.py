"""Xero, imitated: two organisations, one login that reaches both, the Accounting API in its own shapes.

Start with `people.py` (sign-ins and connections) and `gate.py` (what stands before every call), then
`reading.py`, `writing.py` and `reports.py`. Beyond the common levers: `remove_organisation`
(`{"organisation": "demo"}`: taken away inside Xero; the token lives on) and `limit`
(`{"per_minute": 5}`, null to count only). `rate_limit` with `retry_after` of an hour or more is the daily
limit.
"""

from typing import Any

from flask import Blueprint, Response, jsonify, make_response

from app.sandbox import rules
from app.sandbox.current import Here, here
from app.sandbox.service import Service
from app.sandbox.services.xero import companies, demo, gate, people, reading, reports, writing
from app.sandbox.services.xero.wire import Refused, not_found, too_many

_READ_OR_WRITE = (
    "invoices",
    "payments",
    "banktransactions",
    "manualjournals",
    "contacts",
    "settings",
    "attachments",
)
_REPORTS = (
    "profitandloss",
    "balancesheet",
    "aged",
    "trialbalance",
    "banksummary",
    "executivesummary",
    "budgetsummary",
    "taxreports",
)
# An app made since March 2026 knows no others; the broad accounting.transactions is not among them.
_SCOPES = frozenset(
    {"openid", "profile", "email", "offline_access"}
    | {f"accounting.{name}{end}" for name in _READ_OR_WRITE for end in ("", ".read")}
    | {f"accounting.reports.{name}.read" for name in _REPORTS}
)

bp = Blueprint("xero", __name__)
for part in (reading.bp, writing.bp, reports.bp):
    bp.register_blueprint(part)
bp.after_request(gate.add_limit_headers)


@bp.get("/connections")
def connections() -> Response:
    """What the token reaches: the one call that names no organisation."""
    at = here()
    return jsonify(
        [people.shown(connection) for connection in people.connections(at, people.caller(at).person)]
    )


@bp.delete("/connections/<id_>")
def disconnect(id_: str) -> Response:
    """Take one organisation away from the app."""
    at = here()
    person = people.caller(at).person
    found = next(
        (connection for connection in people.connections(at, person) if connection.id == id_.lower()), None
    )
    if found is None:
        return not_found()
    people.remove(at, person, found.organisation.key)
    return make_response("", 204)


@bp.errorhandler(Refused)
def refused(error: Refused) -> Response:
    """The answer of a refused request."""
    return error.answer


def _remove_organisation(at: Here, given: dict[str, Any]) -> None:
    for person in {company.person for company in companies.COMPANIES}:
        people.remove(at, person, companies.ORGANISATIONS[given["organisation"]].key)


def _limit(at: Here, given: dict[str, Any]) -> None:
    gate.set_limit(at, given["per_minute"])


SERVICE = Service(
    slug="xero",
    name="Xero",
    blueprint=bp,
    companies=companies.COMPANIES,
    seed=demo.seed,
    too_many=too_many,
    levers={"remove_organisation": _remove_organisation, "limit": _limit},
    oauth=rules.Rules(
        authorize_path="/identity/connect/authorize",
        token_path="/connect/token",
        revoke_path="/connect/revocation",
        scopes=_SCOPES,
        access_seconds=1800,
        code_seconds=300,
        grace_seconds=30 * 60,
        idle_seconds=60 * 86_400,
        access_token=people.access_token,
        gives_refresh_token=lambda grant: "offline_access" in grant.scopes,
        refuses=people.refuses,
        token_fields=people.token_fields,
        error=people.token_error,
        revoking_ends="person",
        revoked=lambda: make_response("", 200),
    ),
)
