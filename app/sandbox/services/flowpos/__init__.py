"""FlowPOS, imitated: the sign-in of its documentation, and a REST surface of its own kind below `/v1`.

Start with `people.py` (who belongs to which business, and the demo tokens and keys), `identity.py` (Firebase:
logins, certificates, verified ID tokens), `signing_in.py` (`/mcp/token`) and `gate.py` (what stands before
every call), then `reading.py`, `reports.py` and `writing.py`. Levers: `withdraw` and `restore` (`{"person":
"mara", "business": "b1a0-0002"}`) end and renew a membership.
"""

from flask import Blueprint, Response

from app.sandbox.rules import Rules, opaque_token
from app.sandbox.service import Service
from app.sandbox.services.flowpos import demo, identity, people, reading, reports, signing_in, writing
from app.sandbox.services.flowpos.wire import Refused, too_many

bp = Blueprint("flowpos", __name__)
for part in (identity.bp, signing_in.bp, reading.bp, reports.bp, writing.bp):
    bp.register_blueprint(part)


@bp.errorhandler(Refused)
def refused(error: Refused) -> Response:
    """The answer of a refused request."""
    return error.answer


SERVICE = Service(
    slug="flowpos",
    name="FlowPOS",
    blueprint=bp,
    companies=people.CHOICES,
    seed=demo.seed,
    too_many=too_many,
    levers={"withdraw": people.withdraw, "restore": people.restore},
    oauth=Rules(
        authorize_path=None,
        token_path=None,
        revoke_path=None,
        scopes=frozenset(people.EVERYTHING),
        access_seconds=signing_in.TOKEN_SECONDS,
        keys=people.KEYS,
        access_token=opaque_token("eyJhbGciOiJIUzI1NiJ9.", 64),
    ),
)
