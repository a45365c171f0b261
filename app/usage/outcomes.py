"""The outcomes of a call, in words."""

# A write that waits for an approval did what it should.
FINE = ("ok", "APPROVAL_NEEDED")

_WORDS = {
    "ok": "Succeeded",
    "APPROVAL_NEEDED": "Waiting for approval",
    "NOT_CONNECTED": "Not connected",
    "RECONNECT_NEEDED": "Reconnect needed",
    "PERMISSION_DENIED": "Permission denied",
    "INVALID_ARGUMENTS": "Invalid arguments",
    "NOT_FOUND": "Not found",
    "RATE_LIMITED": "Rate limited",
    "PROVIDER_ERROR": "Rejected by the service",
    "PROVIDER_UNAVAILABLE": "Service unavailable",
    "TIMEOUT": "Timed out",
    "WORKSPACE_INACTIVE": "Workspace deactivated",
    "AMBIGUOUS_ACCOUNT": "Account not specified",
    "UNAVAILABLE": "Temporarily unavailable",
    "INTERNAL": "Internal error",
}


def describe(outcome: str) -> str:
    """An outcome for a person; an unknown code is returned unchanged."""
    return _WORDS.get(outcome, outcome)


def is_fine(outcome: str) -> bool:
    """True unless the call failed."""
    return outcome in FINE
