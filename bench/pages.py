"""What pages and the token endpoint cost, which have no goal of their own: the hub, /usage, /oauth/token."""

from collections.abc import Sequence
from urllib.parse import urlencode

from bench import messages, product, rounds
from bench.calls import SERVICES
from bench.messages import Chain
from bench.product import Running
from bench.report import Report
from bench.seed import CLIENT

_CONNECTIONS = (1, 16)


def run(report: Report, kinds: Sequence[str], seconds: float, count: int) -> None:
    """The pages of somebody with all services connected, and refreshing an access token."""
    for kind in kinds:
        print(f"\nPages and the token endpoint, {kind}", flush=True)
        with product.run(kind, *SERVICES, refresh_tokens=4) as running:
            tokens = [_refresh(running, each) for each in running.seeded["refresh_tokens"]]
            pages = {path: _page(running, path) for path in ("/integrations", "/usage")}
            subjects = [running.subject(f"GET {path}", request) for path, request in pages.items()]
            rounds.measure(subjects, _CONNECTIONS, seconds, count).print_table()
            # one connection: each answer has the only token that works next
            refreshing = running.subject("POST /oauth/token, refreshing", tokens[0])
            rounds.measure([refreshing], (1,), seconds, count).print_table()
            for path, page in pages.items():
                report.sends(f"{kind}, GET {path}", product.statements(running.environ, *[page] * 3))
            sent = product.statements(running.environ, *(each.request for each in tokens[1:]))
            report.sends(f"{kind}, POST /oauth/token", sent)


def _page(running: Running, path: str) -> bytes:
    headers = {
        "Host": f"127.0.0.1:{running.port}",
        "Cookie": running.seeded["cookies"],
        "Accept": "text/html",
    }
    return messages.get(path, headers)


def _refresh(running: Running, token: str) -> Chain:
    form = {"grant_type": "refresh_token", "client_id": CLIENT, "refresh_token": token}
    headers = {"Host": f"127.0.0.1:{running.port}", "Content-Type": "application/x-www-form-urlencoded"}
    request = messages.post("/oauth/token", urlencode(form).encode(), headers)
    return Chain(request, token, "refresh_token")
