"""The way of `outbound` to other hosts: an adapter of `requests` over the connections of `guarded_http`."""

from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import BaseHTTPResponse
from urllib3.poolmanager import PoolManager
from urllib3.util.ssl_ import create_urllib3_context

from app.outbound.guarded_http import POOLS

_MOST_HOSTS = 64  # whose connections are kept: few enough for the descriptors of a process


class DeadlineAdapter(HTTPAdapter):
    """Sends an `OutboundRequest` over the connections of this module, once. Certificates are always checked.

    What `requests` finds out for each request anew (pool, certificates, cookies) is settled here.
    """

    def __init__(self, *, kind: str, size: int) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)
        self._manager = _manager_of(kind, size)

    def get_connection_with_tls_context(self, request: Any, *_: Any, **__: Any) -> Any:
        """Return the pool of the request's host."""
        target = request.target
        return self._manager.connection_from_host(target.host, target.port, target.scheme)

    def cert_verify(self, *_: Any) -> None:
        """Do nothing: the pools' own context checks certificates."""

    def request_url(self, request: Any, proxies: Any) -> str:
        """Return what stands in the request's first line. There are no proxies."""
        path: str = request.target.path
        return path

    def build_response(self, req: requests.PreparedRequest, resp: BaseHTTPResponse) -> requests.Response:
        """Return the response around urllib3's, without cookies."""
        response = requests.Response()
        response.status_code, response.raw, response.request = resp.status, resp, req
        response.headers.update(resp.headers)
        return response


def _manager_of(kind: str, size: int) -> PoolManager:
    """Return the pools of connections of a kind, `size` kept per host."""
    context = create_urllib3_context()  # with the certificates read once, not per connection
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    manager = PoolManager(
        _MOST_HOSTS, maxsize=size, block=False, cert_reqs="CERT_REQUIRED", ssl_context=context, retries=False
    )
    manager.pool_classes_by_scheme = POOLS[kind]
    return manager
