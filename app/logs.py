"""Logging: a correlation id on every line, secrets masked, control characters escaped.

An event has fields besides its sentence (`event`): `key=value` at the end of a line of text, members of an
entry in JSON. What is expected while something we need is down is one line, not a traceback (`unavailable`).
"""

import contextvars
import json
import logging
import re
import secrets
import sys
from datetime import UTC, datetime
from typing import Any

from app import clock

_TRACES_EVERY_SECONDS = 60.0
_traces = clock.Throttle(_TRACES_EVERY_SECONDS)

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


def begin_request(request_id: str) -> str:
    """Sets the correlation id of this request, and returns it: the client's `X-Request-Id` if it is a short
    alphanumeric word, else a random one.
    """
    plausible = request_id.isalnum() and len(request_id) <= 64
    chosen = request_id if plausible else secrets.token_hex(8)
    correlation_id.set(chosen)
    return chosen


def redact(text: str) -> str:
    """Return the text with everything that looks like a secret masked."""
    return _BARE.sub("[masked]", _NAMED.sub(lambda m: m.group(1) + "[masked]", text))


class _RedactingFormatter(logging.Formatter):
    """One line per record. A traceback follows on lines of its own in text, indented so that no exception's
    text reads as a record, and is a field in JSON.
    """

    def __init__(self, as_json: bool) -> None:
        super().__init__()
        self.as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one redacted line."""
        message = _escape(redact(record.getMessage()))
        trace = redact(self.formatException(record.exc_info)) if record.exc_info else ""
        fields: dict[str, Any] = getattr(record, "fields", {})
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        if self.as_json:
            entry = {
                "at": at,
                "level": record.levelname,
                "logger": record.name,
                "correlation_id": correlation_id.get(),
                "message": message,
            }
            details = {name: _plain(value) for name, value in fields.items()}
            return json.dumps({**details, **entry, **({"trace": trace} if trace else {})})
        pairs = "".join(f" {name}={_quoted(_plain(value))}" for name, value in fields.items())
        line = f"{at} {record.levelname} {record.name} [{correlation_id.get()}] {message}{pairs}"
        return "\n    ".join([line, *map(_escape, trace.splitlines())])


def event(logger: logging.Logger, level: int, sentence: str, /, **fields: Any) -> None:
    """Log something that happened as one line with fields. Fields that are None or empty are left out."""
    logger.log(level, "%s", sentence, extra={"fields": _present(fields)}, stacklevel=2)


def defect(logger: logging.Logger, sentence: str, /, **fields: Any) -> None:
    """Log the exception that is being handled, with its traceback."""
    logger.exception("%s", sentence, extra={"fields": _present(fields)}, stacklevel=2)


def unavailable(logger: logging.Logger, sentence: str, error: BaseException, /, **fields: Any) -> None:
    """Log an expected failure as one line that names its cause.

    An outage fails every request alike, so a traceback follows once a minute, and always at DEBUG.
    """
    has_trace = logger.isEnabledFor(logging.DEBUG) or _traces.is_due()
    reason = type(error.__cause__ or error).__name__
    logger.error(
        "%s", sentence, exc_info=error if has_trace else None, extra={"fields": {"reason": reason, **fields}}
    )


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None and value != ""}


def _plain(value: Any) -> Any:
    """The value of a field: numbers as they are, anything else as redacted text."""
    if isinstance(value, bool | int):
        return value
    return round(value, 3) if isinstance(value, float) else _escape(redact(str(value)))


def _quoted(value: Any) -> str:
    """The value in a line of text, in quotes where it would not read as one word."""
    if isinstance(value, str) and not re.fullmatch(r"[^\s\"=]+", value):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


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
    for name in ("authlib", "urllib3", "requests", "sqlalchemy", "httpx", "mcp", "alembic", "opentelemetry"):
        logging.getLogger(name).setLevel(logging.WARNING)
