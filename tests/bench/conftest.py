from tests.support.statements import sent  # noqa: F401
