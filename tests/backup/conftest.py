from tests.vault.conftest import add_server, connect, environ, provider  # noqa: F401
