"""What Xano's refusals mean, in our words.

Its own text never becomes part of a sentence, as it may quote a stranger. It goes into `details`, cleaned
and bounded. https://docs.xano.com/xano-features/metadata-api
"""

import re
from collections.abc import Mapping
from typing import Any

from app.connectors.api_errors import errors_by_status, retry_after
from app.connectors.rows import plain
from app.errors import (
    InvalidArguments,
    MissingRight,
    ObjectNotFound,
    ProviderError,
    ProviderRateLimited,
    ReconnectNeeded,
    ToolError,
)
from app.outbound import Response

_LONGEST_REASON = 300
_DEFAULT_WAIT_SECONDS = 20  # the free plan allows 10 requests in 20 seconds and names no wait


def read_error(answer: Response) -> ToolError | None:
    """The error an answer means, or None for none. Xano also sends errors with status 200."""
    body = answer.json()
    error: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
    if answer.status < 300 and not _is_error(error):
        return None
    code = str(error.get("code", ""))
    if answer.status == 429 or code == "ERROR_CODE_TOO_MANY_REQUESTS":
        return _slow_down(answer)
    if answer.status == 401 or (answer.status < 300 and code == "ERROR_CODE_UNAUTHORIZED"):
        return ReconnectNeeded("Xano no longer accepts this connection. Reconnect Xano.")
    if answer.status == 403 or code == "ERROR_CODE_ACCESS_DENIED" or _is_denied(answer, error):
        return MissingRight(
            "Xano does not allow this with the connection's token. Tables and fields (Database) and "
            "records (Content) each have their own "
            "permissions to read, create, change and delete: give the missing one in Xano, or connect with "
            "another token."
        )
    if answer.status == 404 or code == "ERROR_CODE_NOT_FOUND":
        return ObjectNotFound(
            "Xano has no such workspace, table, field or record in this instance. List them again "
            "and use an id from there."
        )
    if answer.status == 400 or (answer.status < 300 and code == "ERROR_CODE_INPUT_ERROR"):
        return _refused(error)
    if answer.status < 300:
        details = {"reason": reason} if (reason := reason_of(error)) else {}
        return ProviderError("Xano answered with an error. Its reason is in the details.", details=details)
    return errors_by_status(answer, "Xano")


def _is_error(body: Mapping[str, Any]) -> bool:
    """Whether an object is Xano's error and not a record, which always has an id or fields of its own."""
    code = body.get("code")
    return (
        isinstance(code, str)
        and code.startswith("ERROR_")
        and "message" in body
        and not (body.keys() - {"code", "message", "param", "payload", "trace", "request_id"})
    )


def reason_of(value: Any) -> str:
    """Xano's own message in an object or text, cleaned and bounded; "" without one."""
    found = value
    if isinstance(value, Mapping):
        found = next(
            (
                value[name]
                for name in ("message", "error", "reason", "msg")
                if isinstance(value.get(name), str)
            ),
            "",
        )
    return str(plain(found))[:_LONGEST_REASON] if isinstance(found, str) else ""


def _is_denied(answer: Response, error: Mapping[str, Any]) -> bool:
    # On some plans Xano answers a forbidden call with a server error.
    return answer.status == 500 and str(error.get("message", "")).strip().lower() in {
        "access denied.",
        "access denied",
    }


def _slow_down(answer: Response) -> ProviderRateLimited:
    seconds = retry_after(answer)
    return ProviderRateLimited(
        "Xano is rate limiting us: the free plan allows 10 requests in 20 seconds. Please wait and try "
        "again.",
        retry_after_seconds=_DEFAULT_WAIT_SECONDS if seconds is None else seconds,
    )


def _refused(error: Mapping[str, Any]) -> InvalidArguments:
    details: dict[str, Any] = {"status": 400}
    if reason := reason_of(error):
        details["reason"] = reason
    parameter = error.get("param")
    if isinstance(parameter, str) and re.fullmatch(r"[A-Za-z0-9_.\[\]-]{1,100}", parameter):
        details["field"] = parameter
    explanation = "Its reason is in the details."
    if "field" in details:
        explanation = "Its reason, and the field it is about, are in the details."
    elif "reason" not in details:
        explanation = "It gives no reason: compare the values with xano_get_table_schema."
    return InvalidArguments(f"Xano refused the request. {explanation}", details=details)
