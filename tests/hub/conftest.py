"""A sandbox to connect to."""

from tests.support.consent import connect, environ, sandbox, sandbox_process  # noqa: F401
