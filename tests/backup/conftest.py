from tests.vault.conftest import connect, environ, provider  # noqa: F401
