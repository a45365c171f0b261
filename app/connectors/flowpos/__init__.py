"""FlowPOS: products, stock, orders, clients and sales reports of the businesses a token reaches.

Facts come from docs.flowandgrow.tech/dev/mcp. The door it documents is an MCP endpoint (`/mcp`), with
access, scopes and the names of some tools; arguments and answers it hardly documents. Start here, then
`auth_methods.py` (three of them), `listed_tools.py` (what FlowPOS lists for a token), `tool_calls.py` (how
its tools are called), `records.py` (how their answers are read), then a subject.

Decided:
- A tool here stands for the tool of that name at FlowPOS. What FlowPOS does not list for a token is not
  offered; names that FlowPOS does not document were inferred, so the real one may offer fewer of them.
- What FlowPOS lists beyond these is offered as FlowPOS describes it, once an owner or admin allowed it
  (`more.py`): the names here stay the ones that AI clients know, and nothing new is called unseen.
- Each business has an MCP session of its own, as FlowPOS keeps the active business there (`tool_calls.py`).
- An access token is opaque to us, as its signature is for FlowPOS alone. Exchanging it for a fresh one tells
  its scopes; a key's scopes are told nowhere, so the tools it lists and FlowPOS' own refusals decide.
- Writes are sent once: FlowPOS documents no idempotency key.
- `get_inventory_health` and `get_client_health` have no prefix, as FlowPOS' own users know these names, and
  are FlowPOS' own. Summaries across services are made of its sales reports, which name the days we compare;
  its own summaries stand in where a token has no reports (`summary.py`).
- FlowPOS sends whole numbers of a currency's smallest unit (`values.in_main_units`).
"""

from app.connectors.connector import Connector
from app.connectors.flowpos.auth_methods import FORMS, POS_INTENTS
from app.connectors.flowpos.identity import identify
from app.connectors.flowpos.more import MORE_TOOLS
from app.connectors.flowpos.summary import summarize
from app.connectors.flowpos.tools import TOOLS
from app.connectors.spec import NO_CONSENT_PAGE, BusinessArgument

CONNECTOR = Connector(
    slug="flowpos",
    name="FlowPOS",
    summary="Sales, inventory and clients of a point of sale",
    category="Operations",
    base_url="https://api.flowpos.app",
    mcp_path="/mcp",
    auth=NO_CONSENT_PAGE,
    forms=FORMS,
    identify=identify,
    business=BusinessArgument("business_id", "business"),
    help_url="https://docs.flowandgrow.tech/dev/mcp",
    summarize=summarize,
    summary_scopes=POS_INTENTS,
    tools=TOOLS,
    more_tools=MORE_TOOLS,
)
