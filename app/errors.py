"""What can go wrong, one class per event.

Every error has a `code` for programs, a `message` a person can act on and an HTTP `status`. Errors become
responses at four edges only: page, fragment, OAuth JSON and MCP result. A message never contains a secret,
nor text from a service or another workspace.
"""

from typing import Any


class PatchbayError(Exception):
    """The root of the tree. `retryable`: the same request may work later."""

    code = "INTERNAL"
    status = 500
    message = (
        "Something went wrong on our side. Please try again; if it stays, tell your administrator "
        "the correlation id."
    )
    retryable = False

    def __init__(self, message: str | None = None, *, details: dict[str, Any] | None = None) -> None:
        self.message = message or type(self).message
        self.details = details or {}
        super().__init__(self.message)


class ConfigError(PatchbayError):
    """A setting is missing or invalid. The startup stops with this sentence."""

    code = "CONFIG"


class NotFound(PatchbayError):
    """The record does not exist or belongs to another workspace: the response is the same for both."""

    code = "NOT_FOUND"
    status = 404
    message = "We could not find that. It may have been removed; go back and reload the list."


class Forbidden(PatchbayError):
    """The person may not do this."""

    code = "PERMISSION_DENIED"
    status = 403
    message = "Your role does not allow this. Ask an owner or admin of your workspace."


class InvalidInput(PatchbayError):
    """The request cannot be used; nothing was changed."""

    code = "INVALID_ARGUMENTS"
    status = 400
    message = "Something in that request could not be used. Check it and send it again."


class TooManyRequests(PatchbayError):
    """A limit was reached. `retry_after_seconds` says when to try again."""

    code = "RATE_LIMITED"
    status = 429
    retryable = True

    def __init__(self, message: str | None = None, *, retry_after_seconds: int = 60) -> None:
        self.retry_after_seconds = max(1, int(retry_after_seconds))
        super().__init__(
            message or f"Too many requests. Please wait {self.retry_after_seconds} seconds and try again."
        )


class Unavailable(PatchbayError):
    """We cannot work right now (database down, disk full); nothing was changed."""

    code = "UNAVAILABLE"
    status = 503
    message = "We are briefly unavailable and nothing was changed. Please try again in a moment."
    retryable = True


class Undecipherable(PatchbayError):
    """A sealed value did not open: it was changed, moved, or sealed under a key that is not configured."""

    message = "A stored secret could not be opened. The operator should run `flask --app wsgi keys check`."


# --- how a tool call can fail (the codes of the envelope) -----------------------------------


class ToolError(PatchbayError):
    """A failed tool call, as the AI client reads it."""

    code = "PROVIDER_ERROR"
    status = 502


class NotConnected(ToolError):
    """The service has no connection this caller may use."""

    code = "NOT_CONNECTED"
    status = 409


class ReconnectNeeded(ToolError):
    """The service ended its access; only the person can restore it."""

    code = "RECONNECT_NEEDED"
    status = 409


class NothingReached(ReconnectNeeded):
    """The access is valid, but covers nothing at the service any more: the person removed everything."""


class PermissionDenied(ToolError):
    """The connection's permission level or the token's scope does not allow this tool."""

    code = "PERMISSION_DENIED"
    status = 403


class ApprovalNeeded(ToolError):
    """The connection asks before writing. Nothing was done; the same call works after the person approves."""

    code = "APPROVAL_NEEDED"
    status = 409


class InvalidArguments(ToolError):
    """The arguments do not match the tool's schema, or the service refused them."""

    code = "INVALID_ARGUMENTS"
    status = 400


class ObjectNotFound(ToolError):
    """The service has no object with that id in this account."""

    code = "NOT_FOUND"
    status = 404


class ProviderRateLimited(ToolError):
    """The service's rate limit was reached. `retry_after_seconds` is from the service, or None."""

    code = "RATE_LIMITED"
    status = 429
    retryable = True

    def __init__(
        self,
        message: str | None = None,
        *,
        retry_after_seconds: int | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        self.retry_after_seconds = retry_after_seconds
        details = dict(details or {})
        if retry_after_seconds is not None:
            details["retry_after_seconds"] = retry_after_seconds
        super().__init__(message, details=details)


class ProviderError(ToolError):
    """The service refused, or answered in a way that a retry will not change."""


class ProviderUnavailable(ToolError):
    """The service is down, unreachable or answered nonsense; a later retry can help."""

    code = "PROVIDER_UNAVAILABLE"
    retryable = True


class ProviderTimeout(ToolError):
    """The service did not answer in time."""

    code = "TIMEOUT"
    status = 504
    retryable = True


class OutcomeUnknown(ToolError):
    """A write may or may not have reached the service: check before repeating it. We never retry it."""

    code = "TIMEOUT"
    status = 504


class WorkspaceInactive(ToolError):
    """The operator deactivated the workspace."""

    code = "WORKSPACE_INACTIVE"
    status = 403


class AmbiguousAccount(ToolError):
    """Several accounts of the service are connected, and a write did not name one."""

    code = "AMBIGUOUS_ACCOUNT"
    status = 409
