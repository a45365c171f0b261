"""What can go wrong, named for what happened.

Every error here carries a `code` for programs, a `message` a person can act on and an HTTP
`status`. They are turned into an answer at four edges only: page, fragment, OAuth JSON and MCP
result. Messages never hold a secret, nor text that came from a service or another workspace.
"""

from typing import Any


class PatchbayError(Exception):
    """The root of the tree. `retryable` says whether the same request may work later."""

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
    """A setting is missing or wrong; the start stops with this one sentence."""

    code = "CONFIG"


class NotFound(PatchbayError):
    """The thing is not there, or belongs to another workspace: the two look the same."""

    code = "NOT_FOUND"
    status = 404
    message = "We could not find that. It may have been removed; go back and reload the list."


class Forbidden(PatchbayError):
    """The person may not do this."""

    code = "PERMISSION_DENIED"
    status = 403
    message = "Your role does not allow this. Ask an owner or admin of your workspace."


class InvalidInput(PatchbayError):
    """What was sent cannot be used; nothing was changed."""

    code = "INVALID_ARGUMENTS"
    status = 400
    message = "Something in that request could not be used. Check it and send it again."


class TooManyRequests(PatchbayError):
    """A limit was reached. `retry_after_seconds` says when to come back."""

    code = "RATE_LIMITED"
    status = 429
    retryable = True

    def __init__(
        self,
        message: str | None = None,
        *,
        retry_after_seconds: int = 60,
        details: dict[str, Any] | None = None,
    ) -> None:
        self.retry_after_seconds = max(1, int(retry_after_seconds))
        super().__init__(
            message or f"Too many requests. Please wait {self.retry_after_seconds} seconds and try again.",
            details=details,
        )


class Unavailable(PatchbayError):
    """We cannot work right now (database away, disk full); nothing was half done."""

    code = "UNAVAILABLE"
    status = 503
    message = "We are briefly unavailable and nothing was changed. Please try again in a moment."
    retryable = True


class Undecipherable(PatchbayError):
    """A sealed value did not open: tampered with, swapped, or sealed under a key we lack."""

    message = "A stored secret could not be opened. The operator should run `flask --app wsgi keys check`."


# --- what a tool call can end in (contract: the envelope's codes) ---------------------------


class ToolError(PatchbayError):
    """A tool call that did not succeed, as the AI client will read it."""

    code = "PROVIDER_ERROR"
    status = 502


class NotConnected(ToolError):
    """The service has no connection this caller may use."""

    code = "NOT_CONNECTED"
    status = 409


class ReconnectNeeded(ToolError):
    """The service ended the sign-in; only the person can mend it."""

    code = "RECONNECT_NEEDED"
    status = 409


class NothingReached(ReconnectNeeded):
    """The sign-in lives, but the service opens nothing to it any more: its person took everything away
    there.
    """


class PermissionDenied(ToolError):
    """The connection's permission level or the token's scope does not allow this tool."""

    code = "PERMISSION_DENIED"
    status = 403


class ApprovalNeeded(ToolError):
    """The connection asks before writing: nothing was done, and the same call works after the person's
    yes.
    """

    code = "APPROVAL_NEEDED"
    status = 409


class InvalidArguments(ToolError):
    """The arguments do not fit the tool's schema, or the service refused them."""

    code = "INVALID_ARGUMENTS"
    status = 400


class ObjectNotFound(ToolError):
    """The service knows no object of that id in this account."""

    code = "NOT_FOUND"
    status = 404


class ProviderRateLimited(ToolError):
    """The service asked us to slow down. `retry_after_seconds` is its word, or None."""

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
    """The service refused or answered in a way that trying again will not change."""


class ProviderUnavailable(ToolError):
    """The service is down, unreachable or answered nonsense; trying again later can help."""

    code = "PROVIDER_UNAVAILABLE"
    retryable = True


class ProviderTimeout(ToolError):
    """The service did not answer in time."""

    code = "TIMEOUT"
    status = 504
    retryable = True


class OutcomeUnknown(ToolError):
    """A write may or may not have reached the service: check before repeating. Never retried by us."""

    code = "TIMEOUT"
    status = 504


class WorkspaceInactive(ToolError):
    """The workspace was deactivated by the operator."""

    code = "WORKSPACE_INACTIVE"
    status = 403


class AmbiguousAccount(ToolError):
    """Several accounts of the service are connected and a write did not say which."""

    code = "AMBIGUOUS_ACCOUNT"
    status = 409
