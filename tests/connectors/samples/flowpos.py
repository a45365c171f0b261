"""Arguments with which each FlowPOS tool works on Corner Café."""

from datetime import timedelta

from app.sandbox.clock import today

TODAY = today()
MONTH = {"from": (TODAY - timedelta(days=30)).isoformat(), "to": TODAY.isoformat()}
STOCK = {"product_id": "p-12", "location_id": "l-11"}

# Ids, and what was asked for. Without the cursor a list would look complete.
REQUIRED = frozenset({
    "id", "data", "data[].id", "data[].productId", "data[].locationId", "totals", "nextCursor",
})  # fmt: skip

SAMPLES = {
    "get_products": lambda here: {"search": "bean", "limit": 1},
    "get_products#2": lambda here: {"category": "Beans"},
    "get_inventory": lambda here: {"location_id": "l-11", "below_reorder": True},
    "list_orders": lambda here: {**MONTH, "status": "paid", "limit": 3},
    "list_orders#2": lambda here: {"location_id": "l-11", "limit": 2},
    "get_order": lambda here: {"order_id": here.call("list_orders", {"limit": 1})["items"][0]["order_id"]},
    "list_clients": lambda here: {"search": "byron"},
    "get_sales_report": lambda here: {**MONTH, "group_by": "week"},
    "get_top_products": lambda here: {**MONTH, "limit": 3},
    "get_sales_by_location": lambda here: MONTH,
    "list_psa_boards": lambda here: {},
    "list_psa_items": lambda here: {
        "board_id": here.call("list_psa_boards")["items"][0]["board_id"],
        "status": "open",
    },
    "adjust_inventory": lambda here: {**STOCK, "delta": 5, "reason": "Delivery"},
    "create_order": lambda here: {
        "location_id": "l-11",
        "items": [{"product_id": "p-12", "quantity": 2}],
        "client_id": "c-11",
    },
    "get_inventory_health": lambda here: {},
    "get_inventory_health#2": lambda here: {"location_id": "l-12"},
    "get_client_health": lambda here: {"inactive_days": 60},
}
