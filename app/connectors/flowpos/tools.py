"""The tools of this connector, in the order AI clients see them."""

from app.connectors.flowpos.boards import list_psa_boards, list_psa_items
from app.connectors.flowpos.catalogue import adjust_inventory, get_inventory, get_products
from app.connectors.flowpos.clients import list_clients
from app.connectors.flowpos.health import get_client_health, get_inventory_health
from app.connectors.flowpos.orders import create_order, get_order, list_orders
from app.connectors.flowpos.reports import get_sales_by_location, get_sales_report, get_top_products

TOOLS = (
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
)
