"""The imitated FreshBooks: two API families behind one login.

`people.py` has the logins, `seed.py` their demo books, `answers.py` the envelopes of the two families; every
other module is one subject of the API. Lever of its own: `hold_mail` (`{}`): every request to mail an invoice
is taken, but nothing is mailed and a draft stays one (no source says when FreshBooks does that).
"""

import secrets
from typing import Any

from flask import Blueprint, Response, jsonify

from app.sandbox.current import Here, here
from app.sandbox.rules import Rules, ServiceGrant, fake_jwt
from app.sandbox.service import DemoCompany, ImitatedService
from app.sandbox.services.freshbooks import accounting, clients, reports, time_tracking
from app.sandbox.services.freshbooks.answers import not_here, person_email, too_many
from app.sandbox.services.freshbooks.people import PEOPLE, profile
from app.sandbox.services.freshbooks.seed import seed

bp = Blueprint("freshbooks", __name__)


for part in (accounting, clients, reports, time_tracking):
    part.install(bp)


@bp.get("/auth/api/v1/users/me")
def users_me() -> Response:
    """The caller: `response` without a `result` layer."""
    return jsonify(response=profile(PEOPLE[person_email("user:profile:read")]))


@bp.route("/<path:rest>", methods=["GET", "POST", "PUT", "DELETE"])
def unknown(rest: str) -> Response:
    """Any other address, such as an invoice's /send."""
    return not_here()


def _hold_mail(at: Here, _given: dict[str, Any]) -> None:
    at.grants.book.put("lever", "hold_mail", {"on": True})


_BUYING = ("bill_payments", "bill_vendors", "billable_items", "bills", "expenses")
_SELLING = ("clients", "credit_notes", "estimates", "invoices", "online_payments", "payments", "retainers")
_WRITABLE = (*_BUYING, *_SELLING, "business", "other_income", "projects", "taxes", "teams", "time_entries")
# Not enabled for this app in the developer portal: journal_entries, uploads. They fail the whole consent.
_TICKED = frozenset(
    [
        "user:profile:read",
        "user:reports:read",
        "user:notifications:read",
        *(f"user:{o}:{v}" for o in _WRITABLE for v in ("read", "write")),
    ]
)


def _access_token(grant: ServiceGrant) -> str:
    return fake_jwt(
        {
            "aud": "sandbox",
            "sub": str(PEOPLE[grant.person].id),
            "scopes": list(grant.scopes),
            "iat": int(grant.at),
        }
    )


SERVICE = ImitatedService(
    slug="freshbooks",
    name="FreshBooks",
    blueprint=bp,
    companies=(
        DemoCompany(
            "northwind",
            "Northwind Studio",
            "nora@northwind.example",
            "A design studio, invoicing in three currencies.",
        ),
        DemoCompany(
            "harbour", "Harbour Plumbing", "sam@harbour.example", "A small plumbing company in Halifax."
        ),
        DemoCompany(
            "byrd",
            "Byrd Consulting",
            "ada@byrd.example",
            "Ada Byrd: two businesses, and a customer of a third.",
        ),
    ),
    seed=seed,
    too_many=too_many,
    levers={"hold_mail": _hold_mail},
    oauth=Rules(
        authorize_path="/oauth/authorize/",
        token_path="/auth/oauth/token",
        revoke_path="/auth/oauth/revoke",
        scopes=_TICKED,
        default_scopes=tuple(sorted(_TICKED)),
        always_granted=("user:profile:read",),
        access_seconds=43_200,
        code_seconds=300,
        one_refresh_token_per_person=True,
        refresh_needs=("client_secret", "redirect_uri"),
        access_token=_access_token,
        refresh_token=lambda grant: secrets.token_hex(32),
        token_fields=lambda grant, refreshing: {
            "created_at": int(here().now().timestamp()),
            "direct_buy_tokens": {},
        },
    ),
)
