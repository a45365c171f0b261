"""The requests that are measured, in the workspaces of `bench.seed`."""

from urllib.parse import urlencode

from bench import messages
from bench.messages import Chain
from bench.product import Running
from bench.seed import CLIENT

PAGES = ("/integrations", "/usage")
SERVICES = (
    *("flowpos", "freshbooks", "gmail", "google_sheets", "quickbooks"),
    *("servicefusion", "stripe", "xano", "xero"),
)


def hub_call(running: Running) -> bytes:
    """A tool that asks no service, in a workspace without connections."""
    return messages.call("hub_list_connections", {}, running.port, running.seeded["empty"])


def listing(running: Running) -> bytes:
    """tools/list with all services connected."""
    return messages.listing(running.port, running.token)


def service_call(running: Running) -> bytes:
    """A list of FreshBooks invoices."""
    return messages.call("freshbooks_list_invoices", {"per_page": 10}, running.port, running.token)


def page(running: Running, path: str) -> bytes:
    """A page of somebody with all services connected."""
    host = f"127.0.0.1:{running.port}"
    return messages.get(path, {"Host": host, "Cookie": running.seeded["cookies"], "Accept": "text/html"})


def refreshing(running: Running, number: int) -> Chain:
    """An access token requested with that refresh token, counted from 0, of those that were seeded."""
    token = running.seeded["refresh_tokens"][number]
    form = {"grant_type": "refresh_token", "client_id": CLIENT, "refresh_token": token}
    headers = {"Host": f"127.0.0.1:{running.port}", "Content-Type": "application/x-www-form-urlencoded"}
    request = messages.post("/oauth/token", urlencode(form).encode(), headers)
    return Chain(request, token, "refresh_token")
