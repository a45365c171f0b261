"""How `outbound` sends: an adapter of `requests` over our own connections."""

from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse

from app.outbound.connections import Pools
from app.outbound.guarded_http import GUARDS


class DeadlineAdapter(HTTPAdapter):
    """Sends an `OutboundRequest` over the connections of a kind, once. Certificates are always checked.

    What `requests` finds out for each request anew (pool, certificates, cookies) is settled here.
    """

    def __init__(self, *, kind: str) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)
        self._pools = Pools(GUARDS[kind])

    def get_connection_with_tls_context(self, request: Any, *_: Any, **__: Any) -> Any:
        """Return the pool of the request's host."""
        target = request.target
        return self._pools.of(target.scheme, target.host, target.port)

    def cert_verify(self, *_: Any) -> None:
        """Do nothing: the connections' own context checks certificates."""

    def request_url(self, request: Any, proxies: Any) -> str:
        """Return the target of the request line. There are no proxies."""
        path: str = request.target.path
        return path

    def build_response(self, req: requests.PreparedRequest, resp: BaseHTTPResponse) -> requests.Response:
        """Return the response around urllib3's, without cookies."""
        response = requests.Response()
        response.status_code, response.raw, response.request = resp.status, resp, req
        response.headers = resp.headers  # type: ignore[assignment]
        return response
