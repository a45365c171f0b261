"""FlowPOS, imitated: the token exchange of its documentation, and a REST API below `/v1` that is our own.

FlowPOS documents an MCP endpoint instead; this API stands in for it in demos.

Start with `people.py` (memberships, demo tokens and keys), `identity.py` (Firebase: logins, certificates,
verified ID tokens), `token_exchange.py` (`/mcp/token`) and `request_checks.py` (the checks before every
call), then `reading.py`, `reports.py` and `writing.py`. The levers `withdraw` and `restore` (`{"person":
"mara", "business": "b1a0-0002"}`) end and renew a membership.
"""

from flask import Blueprint

from app.sandbox.rules import Rules, opaque_token
from app.sandbox.service import ImitatedService
from app.sandbox.services.flowpos import demo, identity, people, reading, reports, token_exchange, writing
from app.sandbox.services.flowpos.wire import too_many

bp = Blueprint("flowpos", __name__)
for part in (identity.bp, token_exchange.bp, reading.bp, reports.bp, writing.bp):
    bp.register_blueprint(part)


SERVICE = ImitatedService(
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
        access_seconds=token_exchange.TOKEN_SECONDS,
        keys=people.KEYS,
        access_token=opaque_token("eyJhbGciOiJIUzI1NiJ9.", 64),
    ),
)
