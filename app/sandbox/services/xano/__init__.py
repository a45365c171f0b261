"""Xano, imitated: an account with its instances, and the Metadata API of each instance under its own host.

Start with `request_checks.py` (the checks before every call), then `tables.py`, `fields.py` and
`content.py`; `backend.py` is the operator's backend with its stock login. A host cannot be derived from an
instance's name, and one is the customer's own domain. Levers of its own: `answers` (the shapes of
`wire.ANSWERS`, such as `{"bulk": "counts"}`, each until the next reset), `end_logins` (ends the logins of
the backend) and `unlist` (`{"instance": "x8ab-12cd-sim1"}`: the account loses the instance).
"""

from typing import Any

from flask import Blueprint

from app.sandbox.current import Here
from app.sandbox.rules import Rules, opaque_token
from app.sandbox.service import ImitatedService
from app.sandbox.services.xano import backend, content, demo, fields, instances, tables
from app.sandbox.services.xano.wire import ANSWERS, too_many

bp = Blueprint("xano", __name__)
for part in (instances.bp, backend.bp, tables.bp, fields.bp, content.bp):
    bp.register_blueprint(part)


def _answers(at: Here, given: dict[str, Any]) -> None:
    for what, how in given.items():
        if how not in ANSWERS[what]:
            raise ValueError(f"{what} is one of {', '.join(ANSWERS[what])}")
        at.grants.book.put("answers", what, {"how": how})


def _unlist(at: Here, given: dict[str, Any]) -> None:
    at.grants.book.put("unlisted", instances.BY_NAME[given["instance"]].name, {})


SERVICE = ImitatedService(
    slug="xano",
    name="Xano",
    blueprint=bp,
    companies=instances.CHOICES,
    seed=demo.seed,
    too_many=too_many,
    levers={"answers": _answers, "end_logins": backend.end_logins, "unlist": _unlist},
    oauth=Rules(
        authorize_path="/oauth2/authorize",
        token_path="/api:master/oauth/token",
        revoke_path=None,
        scopes=frozenset({"offline_access", "workspace:read", "workspace:write"}),
        access_seconds=3600,
        keys=backend.KEYS,
        access_token=opaque_token("eyJhbGciOiJSUzI1NiJ9.", 96),
        refresh_token=opaque_token("eyJyIjoxfQ.", 48),
        gives_refresh_token=lambda grant: "offline_access" in grant.scopes,
    ),
)
