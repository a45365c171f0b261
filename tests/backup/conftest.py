from tests.mcp_client.closing import closed_later  # noqa: F401
from tests.vault.conftest import add_server, connect, environ, provider  # noqa: F401
