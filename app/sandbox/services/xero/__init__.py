"""Xero, imitated: two organisations, one login that reaches both, the Accounting API in its own shapes.

Start with `people.py` (tokens and connections) and `request_checks.py` (the checks before every call), then
`reading.py`, `writing.py` and `reports.py`. Levers of its own: `remove_organisation` (`{"organisation":
"demo"}`: disconnected inside Xero; the token stays valid) and `limit` (`{"per_minute": 5}`, null to count
only). `rate_limit` with a `retry_after` of an hour or more is the daily limit.
"""

from typing import Any

from flask import Blueprint, Response, jsonify, make_response

from app.sandbox import rules
from app.sandbox.current import Here, here
from app.sandbox.service import ImitatedService
from app.sandbox.services.xero import companies, demo, people, reading, reports, request_checks, writing
from app.sandbox.services.xero.wire import not_found, too_many
from app.sandbox.traffic import set_limit

_TRANSACTIONS = ("invoices", "payments", "banktransactions", "manualjournals")
_READ_OR_WRITE = (*_TRANSACTIONS, "contacts", "settings", "attachments")
_STATEMENTS = ("profitandloss", "balancesheet", "trialbalance", "banksummary")
_REPORTS = (*_STATEMENTS, "aged", "executivesummary", "budgetsummary", "taxreports")
# The scopes of apps created since March 2026, without the broad accounting.transactions.
_SCOPES = frozenset(
    {"openid", "profile", "email", "offline_access"}
    | {f"accounting.{name}{end}" for name in _READ_OR_WRITE for end in ("", ".read")}
    | {f"accounting.reports.{name}.read" for name in _REPORTS}
)

bp = Blueprint("xero", __name__)
for part in (reading.bp, writing.bp, reports.bp):
    bp.register_blueprint(part)
bp.after_request(request_checks.add_limit_headers)


@bp.get("/connections")
@bp.get("/Connections")  # as the official SDKs write it
def connections() -> Response:
    """The connections of the token: the only call without an organisation."""
    at = here()
    return jsonify(
        [
            people.connection_resource(connection)
            for connection in people.connections(at, people.caller(at).person)
        ]
    )


@bp.delete("/connections/<id_>")
def disconnect(id_: str) -> Response:
    """Disconnect one organisation from the app."""
    at = here()
    person = people.caller(at).person
    found = next(
        (connection for connection in people.connections(at, person) if connection.id == id_.lower()), None
    )
    if found is None:
        return not_found()
    people.remove(at, person, found.organisation.key)
    return make_response("", 204)


def _remove_organisation(at: Here, given: dict[str, Any]) -> None:
    for person in {company.person for company in companies.COMPANIES}:
        people.remove(at, person, companies.ORGANISATIONS[given["organisation"]].key)


SERVICE = ImitatedService(
    slug="xero",
    name="Xero",
    blueprint=bp,
    companies=companies.COMPANIES,
    seed=demo.seed,
    too_many=too_many,
    levers={"remove_organisation": _remove_organisation, "limit": set_limit},
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
