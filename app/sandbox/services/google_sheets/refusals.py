"""The errors of Sheets, with Google's messages."""

from typing import Any

from app.sandbox.google import GoogleRefusal


def invalid(sentence: str) -> GoogleRefusal:
    """400 for invalid arguments."""
    return GoogleRefusal(400, sentence, "badRequest", "INVALID_ARGUMENT")


def not_found() -> GoogleRefusal:
    """404 for an unknown id."""
    return GoogleRefusal(404, "Requested entity was not found.", "notFound", "NOT_FOUND")


def forbidden() -> GoogleRefusal:
    """403 for a file that is not shared with the account, or not for editing."""
    return GoogleRefusal(403, "The caller does not have permission", "forbidden", "PERMISSION_DENIED")


def not_a_spreadsheet() -> GoogleRefusal:
    """400 for an Excel file in Drive."""
    return GoogleRefusal(
        400, "This operation is not supported for this document", "failedPrecondition", "FAILED_PRECONDITION"
    )


def too_many(kind: str = "Read", quota: int = 60) -> GoogleRefusal:
    """429 for a person's requests per minute, without the time to wait."""
    consumer = "123456789012"
    detail: dict[str, Any] = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "RATE_LIMIT_EXCEEDED",
        "domain": "googleapis.com",
        "metadata": {
            "service": "sheets.googleapis.com",
            "quota_metric": f"sheets.googleapis.com/{kind.lower()}_requests",
            "quota_limit": f"{kind}RequestsPerMinutePerUser",
            "quota_limit_value": str(quota),
            "quota_location": "global",
            "consumer": f"projects/{consumer}",
        },
    }
    sentence = (
        f"Quota exceeded for quota metric '{kind} requests' and limit '{kind} requests per minute per "
        "user' of service "
        f"'sheets.googleapis.com' for consumer 'project_number:{consumer}'."
    )
    return GoogleRefusal(429, sentence, "rateLimitExceeded", "RESOURCE_EXHAUSTED", details=(detail,))
