"""The outcomes of a call, in words."""

# A write that waits for an approval did what it should.
FINE = ("ok", "APPROVAL_NEEDED")

_WORDS = {
    "ok": "Worked",
    "APPROVAL_NEEDED": "Waits for a yes",
    "NOT_CONNECTED": "Service not connected",
    "RECONNECT_NEEDED": "Service must be reconnected",
    "PERMISSION_DENIED": "Not allowed",
    "INVALID_ARGUMENTS": "Arguments did not fit",
    "NOT_FOUND": "Not found at the service",
    "RATE_LIMITED": "Over a limit",
    "PROVIDER_ERROR": "Refused by the service",
    "PROVIDER_UNAVAILABLE": "Service was away",
    "TIMEOUT": "No answer in time",
    "WORKSPACE_INACTIVE": "Workspace deactivated",
    "AMBIGUOUS_ACCOUNT": "Account not named",
    "UNAVAILABLE": "The hub was away",
    "INTERNAL": "A fault on our side",
}


def describe(outcome: str) -> str:
    """An outcome for a person; an unknown code is returned unchanged."""
    return _WORDS.get(outcome, outcome)


def is_fine(outcome: str) -> bool:
    """True unless the call failed."""
    return outcome in FINE
