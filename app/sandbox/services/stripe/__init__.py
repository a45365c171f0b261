"""Stripe, imitated in test mode: two accounts, restricted keys, an OAuth app, the API in its own shapes.

Start with `companies.py` (accounts and keys) and `request_checks.py` (the checks before every call), then
`reading.py`, `invoices.py` and `writing.py`. The levers `roll_keys` and `unroll_keys` replace the pasted
keys; `allow_addresses` restricts every key to other IP addresses until the next reset.
"""

from typing import Any

from flask import Blueprint

from app.sandbox import rules
from app.sandbox.current import Here
from app.sandbox.rules import ServiceGrant
from app.sandbox.service import ImitatedService
from app.sandbox.services.stripe import invoices, reading, writing
from app.sandbox.services.stripe.companies import ACCOUNTS, ALL, COMPANIES, KEYS
from app.sandbox.services.stripe.demo import seed
from app.sandbox.services.stripe.request_checks import ALLOWLIST
from app.sandbox.services.stripe.wire import oauth_error, too_many, with_request_id

bp = Blueprint("stripe", __name__)
bp.register_blueprint(reading.bp)
bp.register_blueprint(invoices.bp)
bp.register_blueprint(writing.bp)
bp.after_request(with_request_id)


def _token_fields(grant: ServiceGrant, refreshing: bool) -> dict[str, Any]:
    account = ACCOUNTS[grant.company].id
    return {
        "token_type": "bearer",
        "scope": "stripe_apps",
        "livemode": False,
        **(
            {"account_id": account}
            if refreshing
            else {"stripe_user_id": account, "stripe_publishable_key": "pk_test_sandbox"}
        ),
    }


def _allow_addresses(at: Here, _given: dict[str, Any]) -> None:
    at.grants.book.put(ALLOWLIST, ALLOWLIST, {})


SERVICE = ImitatedService(
    slug="stripe",
    name="Stripe",
    blueprint=bp,
    companies=COMPANIES,
    seed=seed,
    too_many=too_many,
    levers={"allow_addresses": _allow_addresses},
    oauth=rules.Rules(
        authorize_path="/oauth/v2/authorize",
        token_path="/v1/oauth/token",
        revoke_path=None,
        scopes=frozenset(),
        always_granted=ALL,
        access_seconds=3600,
        expires_in=None,
        code_seconds=300,
        refresh_seconds=365 * 86_400,
        refresh_ends_access=True,
        secret_is_user=True,
        error=oauth_error,
        access_token=rules.opaque_token("sk_acct_1_"),
        refresh_token=rules.opaque_token("rt_"),
        token_fields=_token_fields,
        keys=KEYS,
    ),
)
