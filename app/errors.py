"""What can go wrong, one class per event.

Every error has a `code` for programs, a `message` a person can act on and an HTTP `status`. Errors become
responses at four edges only: page, fragment, OAuth JSON and MCP result. A message never contains a secret,
nor text from a service or another workspace.
"""

import re
from typing import Any

# A closing that names no time, such as "Please try again later." It is replaced once the wait is known.
_LATER = re.compile(r" ?Please (wait and )?try again( later| in a moment| in \d+ [a-z]+)?\.$")


class PatchbayError(Exception):
    """The root of the tree. `retryable`: the same request may work later."""

    code = "INTERNAL"
    status = 500
    message = (
        "Something went wrong on our side. Please try again. If it keeps happening, give your "
        "administrator the correlation id."
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
    message = "We couldn't find that. It may have been removed. Go back and reload the list."


class Forbidden(PatchbayError):
    """The person may not do this."""

    code = "PERMISSION_DENIED"
    status = 403
    message = "Your role does not allow this. Ask an owner or admin of your workspace."


class InvalidInput(PatchbayError):
    """The request cannot be used; nothing was changed."""

    code = "INVALID_ARGUMENTS"
    status = 400
    message = "That request isn't valid. Check it and send it again."


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
    message = "We're briefly unavailable. Nothing was changed. Please try again in a moment."
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


class NotRenewable(ReconnectNeeded):
    """The service rejects a token that cannot be renewed: a pasted key, or access without a refresh token."""


class NothingReached(ReconnectNeeded):
    """The access is valid, but covers nothing at the service any more: the person removed everything."""


class PermissionDenied(ToolError):
    """The connection's permission level or the token's scope does not allow this tool."""

    code = "PERMISSION_DENIED"
    status = 403


class MissingRight(PermissionDenied):
    """The service says that the account or key lacks a right. That explains the refusal, so the connection's
    businesses are not looked up.
    """


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


class TemporaryFailure(ToolError):
    """A failure that may pass. `retry_after_seconds`: the wait in whole seconds, None if unknown."""

    retryable = True

    def __init__(
        self,
        message: str | None = None,
        *,
        retry_after_seconds: int | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message, details=dict(details or {}))
        self.retry_after_seconds: int | None = None
        if retry_after_seconds is not None:
            self.wait(retry_after_seconds)

    def wait(self, seconds: int) -> None:
        """Add when to try again: to `details` for programs, to the end of the sentence for people.

        A sentence that refers people to their administrator stays as it is: waiting does not help.
        """
        self.retry_after_seconds = self.details["retry_after_seconds"] = seconds
        when = f"Please try again in {_describe(seconds)}."
        if "Ask your " not in self.message and not self.message.endswith(when):
            self.message = f"{_LATER.sub('', self.message)} {when}"
            self.args = (self.message,)


def _describe(seconds: int) -> str:
    """A wait in words: "40 seconds", "12 minutes", "3 hours"; rounded up."""
    amount, unit = (seconds, "second") if seconds < 90 else (-(-seconds // 60), "minute")
    if unit == "minute" and amount > 90:
        amount, unit = -(-seconds // 3600), "hour"
    return f"{amount} {unit}" + ("" if amount == 1 else "s")


class ProviderRateLimited(TemporaryFailure):
    """The service limits the rate of requests, and the limit is reached."""

    code = "RATE_LIMITED"
    status = 429


class ProviderError(ToolError):
    """The service refused, or answered in a way that a retry will not change."""


class ProviderUnavailable(TemporaryFailure):
    """The service is down, unreachable, or returned an unusable response."""

    code = "PROVIDER_UNAVAILABLE"


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
