"""Xano, imitated: an account with its list of instances, and the Metadata API of each instance under a host
of its own.

Start with `gate.py` (what stands before every call), then `tables.py`, `fields.py` and `content.py`;
`signing_in.py` is the operator's backend with its stock login. A host cannot be made from an instance's name,
and one is a domain of the customer's. Beyond the common levers: `answers` (`{"lists": "array" | "pages",
"bulk": "ids" | "counts" | "empty", "deletes": "null" | "empty"}`, each until the next reset), `end_logins`
(the backend's sign-ins are over) and `unlist` (`{"instance": "x8ab-12cd-sim1"}`: the account reaches it no
more).
"""

from typing import Any

from flask import Blueprint, Response

from app.sandbox.current import Here
from app.sandbox.rules import Rules, opaque_token
from app.sandbox.service import Service
from app.sandbox.services.xano import content, demo, fields, instances, signing_in, tables
from app.sandbox.services.xano.wire import ANSWERS, Refused, too_many

bp = Blueprint("xano", __name__)
for part in (instances.bp, signing_in.bp, tables.bp, fields.bp, content.bp):
    bp.register_blueprint(part)


@bp.errorhandler(Refused)
def refused(error: Refused) -> Response:
    """The answer of a refused request."""
    return error.answer


def _answers(at: Here, given: dict[str, Any]) -> None:
    for what, how in given.items():
        if how not in ANSWERS[what]:
            raise ValueError(f"{what} is one of {', '.join(ANSWERS[what])}")
        at.grants.book.put("answers", what, {"how": how})


def _unlist(at: Here, given: dict[str, Any]) -> None:
    at.grants.book.put("unlisted", instances.BY_NAME[given["instance"]].name, {})


SERVICE = Service(
    slug="xano",
    name="Xano",
    blueprint=bp,
    companies=instances.CHOICES,
    seed=demo.seed,
    too_many=too_many,
    levers={"answers": _answers, "end_logins": signing_in.end_logins, "unlist": _unlist},
    oauth=Rules(
        authorize_path="/oauth2/authorize",
        token_path="/api:master/oauth/token",
        revoke_path=None,
        scopes=frozenset({"offline_access", "workspace:read", "workspace:write"}),
        access_seconds=3600,
        keys=signing_in.KEYS,
        access_token=opaque_token("eyJhbGciOiJSUzI1NiJ9.", 96),
        refresh_token=opaque_token("eyJyIjoxfQ.", 48),
        gives_refresh_token=lambda grant: "offline_access" in grant.scopes,
    ),
)
