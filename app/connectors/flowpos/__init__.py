"""FlowPOS: products, stock, orders, clients and sales reports of the businesses a token reaches.

Facts come from docs.flowandgrow.tech/dev/mcp, which documents access, scopes and some of the tools. The only
door it documents is an MCP endpoint (`/mcp`); the REST addresses were chosen here, so the real FlowPOS cannot
be reached: only the sandbox, or a server named by `FLOWPOS_BASE_URL` that has these addresses. Start here,
then `auth_methods.py` (three of them), `records.py` (how requests are sent), then a subject.

Decided:
- Each request names its business in the path, not in a session at FlowPOS: calls do not disturb each other.
- An access token is opaque to us, as its signature is for FlowPOS alone. Exchanging it for a fresh one tells
  its scopes; a key's scopes are told nowhere, so FlowPOS' own refusal (403) decides.
- Writes are sent once: FlowPOS documents no idempotency key.
- `get_inventory_health` and `get_client_health` have no prefix, as FlowPOS' own users know these names.
- FlowPOS sends whole numbers of a currency's smallest unit (`values.in_main_units`).
"""

from app.connectors.connector import Connector
from app.connectors.flowpos.auth_methods import FORMS, POS_INTENTS
from app.connectors.flowpos.boards import list_psa_boards, list_psa_items
from app.connectors.flowpos.catalogue import adjust_inventory, get_inventory, get_products
from app.connectors.flowpos.clients import get_client_health, list_clients
from app.connectors.flowpos.errors import read_error
from app.connectors.flowpos.identity import identify
from app.connectors.flowpos.inventory_health import get_inventory_health
from app.connectors.flowpos.orders import create_order, get_order, list_orders
from app.connectors.flowpos.reports import get_sales_by_location, get_sales_report, get_top_products
from app.connectors.flowpos.summary import summarize
from app.connectors.spec import NO_CONSENT_PAGE, BusinessArgument

CONNECTOR = Connector(
    slug="flowpos",
    name="FlowPOS",
    summary="Sales, inventory and clients of a point of sale",
    category="Operations",
    base_url="https://api.flowpos.app",
    auth=NO_CONSENT_PAGE,
    forms=FORMS,
    identify=identify,
    read_error=read_error,
    business=BusinessArgument("business_id", "business"),
    unreachable="The real FlowPOS offers an MCP endpoint, to which this version does not connect.",
    help_url="https://docs.flowandgrow.tech/dev/mcp",
    summarize=summarize,
    summary_scopes=POS_INTENTS,
    tools=(
        get_products,
        get_inventory,
        list_orders,
        get_order,
        list_clients,
        get_sales_report,
        get_top_products,
        get_sales_by_location,
        list_psa_boards,
        list_psa_items,
        adjust_inventory,
        create_order,
        get_inventory_health,
        get_client_health,
    ),
)
