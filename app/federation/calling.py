"""What happens around a call of an MCP server's tool.

A server that does not answer is left alone, a definition that changed is noticed before the call is sent, and
a call that lacks scopes answers with a link to grant them.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from app.connectors.api import Api
from app.connectors.tool import Tool
from app.federation.breaker import BREAKER
from app.federation.refreshing import REFRESHER
from app.federation.stepping_up import stepping_up

_LIST_CHANGED = "notifications/tools/list_changed"


@contextmanager
def around_call(server_id: str, api: Api, tool: Tool) -> Iterator[None]:
    """`Connector.around_call` of the server. Raises ProviderUnavailable while it is left alone."""
    has_changed = False

    def listen(method: str, params: Mapping[str, Any]) -> None:
        nonlocal has_changed
        has_changed = has_changed or method == _LIST_CHANGED

    with BREAKER.around(api.about["connection"], api), stepping_up(api):
        REFRESHER.look(server_id, api)
        api.on_notification = listen
        try:
            yield
        finally:
            if has_changed:
                REFRESHER.read_soon(server_id, api)


def look_again(server_id: str, api: Api) -> bool:
    """`Connector.look_again` of the server: reads its list if the time of that is over."""
    return not BREAKER.seconds_left(api.about["connection"]) and REFRESHER.look(server_id, api)
