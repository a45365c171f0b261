"""FlowPOS, imitated: the token exchange and the MCP endpoint of its documentation.

FlowPOS documents the names of some tools, hardly any argument and no answer; the rest is ours.

Start with `people.py` (memberships, demo tokens and keys), `identity.py` (Firebase: logins, certificates,
verified ID tokens) and `token_exchange.py` (`/mcp/token`). `endpoint.py` is the MCP server; its tools are in
`reading.py`, `reports.py`, `writing.py`, `intents.py` and `session_tools.py`. The levers `withdraw` and
`restore` (`{"person": "mara", "business": "b1a0-0002"}`) end and renew a membership; more in `levers.py`.
"""

from flask import Blueprint

from app.sandbox.rules import Rules, opaque_token
from app.sandbox.service import ImitatedService
from app.sandbox.services.flowpos import demo, identity, levers, people, token_exchange
from app.sandbox.services.flowpos.endpoint import ENDPOINT
from app.sandbox.services.flowpos.session_tools import forget_choices
from app.sandbox.services.flowpos.wire import too_many

bp = Blueprint("flowpos", __name__)
for part in (identity.bp, token_exchange.bp):
    bp.register_blueprint(part)


SERVICE = ImitatedService(
    slug="flowpos",
    name="FlowPOS",
    blueprint=bp,
    companies=people.CHOICES,
    seed=demo.seed,
    too_many=too_many,
    levers={
        "withdraw": people.withdraw,
        "restore": people.restore,
        "forget_choices": forget_choices,
        **levers.LEVERS,
    },
    oauth=Rules(
        authorize_path=None,
        token_path=None,
        revoke_path=None,
        scopes=frozenset(people.EVERYTHING),
        access_seconds=token_exchange.TOKEN_SECONDS,
        keys=people.KEYS,
        access_token=opaque_token("eyJhbGciOiJIUzI1NiJ9.", 64),
    ),
    mcp=(ENDPOINT,),
)
