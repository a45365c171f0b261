"""Logging: a correlation id on every line, secrets masked, control characters escaped."""

import contextvars
import json
import logging
import re
import sys
from datetime import UTC, datetime

correlation_id: contextvars.ContextVar[str] = contextvars.ContextVar("correlation_id", default="-")

_NAMES = (
    r"access_token|refresh_token|id_token|client_secret|code|code_verifier|password|api_key|token|state"
    r"|csrf_token"
)
_NAMED = re.compile(
    rf"""(?i)(\b(?:bearer|basic)\s+|["']?\b(?:{_NAMES})\b["']?\s*[=:]\s*["']?)[^\s"'&,;{{}}<>]{{6,}}"""
)
# Tokens of ours, of Google and Stripe, and JSON Web Tokens.
_BARE = re.compile(
    r"\b(?:pb[a-z]{1,3}_[\w-]{20,}|ya29\.[\w.-]+|1//[\w-]{8,}|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|[sr]k_(?:live|test)_\w+)"
)


def redact(text: str) -> str:
    """Return the text with everything that looks like a secret masked."""
    return _BARE.sub("[masked]", _NAMED.sub(lambda m: m.group(1) + "[masked]", text))


class _RedactingFormatter(logging.Formatter):
    """One line per record. A traceback follows on its own lines in text, and is a field in JSON."""

    def __init__(self, as_json: bool) -> None:
        super().__init__()
        self.as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one redacted line."""
        message = _escape(redact(record.getMessage()))
        trace = redact(self.formatException(record.exc_info)) if record.exc_info else ""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        if self.as_json:
            entry = {
                "at": at,
                "level": record.levelname,
                "logger": record.name,
                "correlation_id": correlation_id.get(),
                "message": message,
            }
            return json.dumps({**entry, "trace": trace} if trace else entry)
        line = f"{at} {record.levelname} {record.name} [{correlation_id.get()}] {message}"
        return f"{line}\n{trace}" if trace else line


def _escape(text: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def configure(log_format: str, level: str) -> None:
    """Send every log record of the process through one redacting handler on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_RedactingFormatter(log_format == "json"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # These libraries print tokens or whole requests at DEBUG.
    for name in ("authlib", "urllib3", "requests", "sqlalchemy", "httpx", "mcp", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
