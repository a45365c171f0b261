"""What FlowPOS lists beside the tools that this connector stands for."""

from app.connectors.flowpos import identity, tool_calls
from app.connectors.flowpos.listed_tools import SET_ACTIVE_BUSINESS
from app.connectors.flowpos.tools import TOOLS
from app.connectors.more_tools import MoreTools

# What Patchbay does itself: the active business belongs to the AI client, summaries span every service.
_OURS = (SET_ACTIVE_BUSINESS, "summarize_day", "summarize_period")
# Operators' tools, which reach every tenant; FlowPOS' own key for them connects no business.
_OPERATORS = (identity.OPERATORS_TOOL, "set_active_tenant")

MORE_TOOLS = MoreTools(
    known=frozenset((*(tool.verb for tool in TOOLS), *_OURS, *_OPERATORS, identity.LIST_BUSINESSES)),
    client_of=tool_calls.client_of,
    business_arguments=frozenset({tool_calls.BUSINESS_ARGUMENT, "business_id"}),
    business_id=tool_calls.named_business,
)
