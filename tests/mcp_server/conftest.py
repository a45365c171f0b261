"""An AI client at the endpoint, and Acme."""

from tests.support.both_ways import both_ways  # noqa: F401
from tests.support.mcp_client import (  # noqa: F401
    acme_service,
    alice,
    asking,
    client_of,
    connect,
    letters,
    oauth_client_of,
    token_for,
    url_capable,
    written,
)
from tests.support.statements import sent  # noqa: F401
