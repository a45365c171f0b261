"""Sends a request to a service by every rule: token, refresh, retries, and what the answer means.

A fresh token before use and one forced refresh after a 401. Reads are retried when the service is briefly
unavailable; a write that may have arrived is never repeated unless the service documents an idempotency key.
A short Retry-After is waited for, a longer one reported.
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from app import outbound
from app.connectors import upstream_log
from app.connectors.api_errors import errors_by_status, no_answer, outcome_unknown, retry_after
from app.connectors.api_rules import ApiRules
from app.connectors.request import ApiRequest, UpstreamCall
from app.connectors.retries import READ_TRIES, wait_before_retry
from app.errors import (
    NotRenewable,
    PermissionDenied,
    ProviderTimeout,
    ProviderUnavailable,
    ReconnectNeeded,
    TemporaryFailure,
    ToolError,
)
from app.outbound import (
    AddressRefused,
    CertificateRefused,
    OutboundError,
    OutboundStopped,
    OutboundTimeout,
    Response,
    ResponseEndless,
    ResponseTooLarge,
)


def _may_work_again(error: OutboundError) -> bool:
    """Whether sending the same once more, at once, may end otherwise."""
    if isinstance(error, ResponseTooLarge | ResponseEndless | CertificateRefused | AddressRefused):
        return False
    return not (error.sent and isinstance(error, OutboundTimeout))


class TokenSource(Protocol):
    """A source of bearer tokens. The vault is the real one."""

    def bearer(self) -> str:
        """A token valid for at least a minute. Raises ReconnectNeeded or ProviderUnavailable."""

    def refreshed(self, rejected: str) -> str:
        """A newer token than the rejected one; at most one refresh upstream."""


@dataclass
class ApiSender:
    """A connection's credential, and what one tool call may do with it.

    `deadline` is on the monotonic clock.
    """

    service: ApiRules
    base_url: str
    tokens: TokenSource
    deadline: float = field(default_factory=lambda: time.monotonic() + 60.0, kw_only=True)
    cancelled: Callable[[], bool] = field(default=lambda: False, kw_only=True)
    # Called when the service rejects a token that is fresh, with the reason if the service's own error names
    # one. Returns what that means for the connection; None for no more than this call's own error.
    on_rejected: Callable[[str, str | None], ToolError | None] = field(
        default=lambda token, reason: None, kw_only=True
    )
    on_accepted: Callable[[], None] = field(default=lambda: None, kw_only=True)  # the service took the token
    about: Mapping[str, str] = field(default_factory=dict, kw_only=True)  # its connection, for log lines
    calls: list[UpstreamCall] = field(default_factory=list, kw_only=True)

    def perform(self, request: ApiRequest) -> Response:
        """Sends one request by every rule of this module. Raises a ToolError that says what happened."""
        token = self.tokens.bearer()
        renewed = unsure = False
        for attempt in range(1, READ_TRIES + 1):
            self._stop_in_time(unsure=unsure and not request.safe)
            last = attempt == READ_TRIES or not request.repeatable
            try:
                answer = self._send(request, token)
            except OutboundError as error:
                if not last and _may_work_again(error):
                    unsure = unsure or error.sent
                    self._pause(attempt)
                    continue
                raise no_answer(self.service.name, error, safe=request.safe) from None
            if self.service.token_is_stale(answer) and not renewed:
                self._prove_stale(request, token)
                token, renewed = self._renewed(token), True
                answer = self._try_again_with(token, request)
            if self.service.token_is_stale(answer):
                self._prove_stale(request, token)
                upstream_log.refresh_failed(self.about, "the service rejects the new token too")
                if (rejection := self.on_rejected(token, None)) is not None:
                    raise rejection
            problem = self._problem(answer, request)
            if isinstance(problem, ReconnectNeeded):
                raise (self.on_rejected(token, problem.message) or problem)
            if problem is None:
                if renewed:
                    upstream_log.retry_succeeded(self.about)
                self.on_accepted()
                return answer
            wait = wait_before_retry(problem, attempt, self.deadline)
            if last or wait is None or not request.repeatable:
                raise self._unconfirmed(problem, request.safe)
            unsure = unsure or isinstance(problem, ProviderUnavailable)
            self._pause(attempt, wait)
        raise ProviderUnavailable(f"{self.service.name} is not answering. Please try again later.")

    def stop_if_cancelled(self) -> None:
        """Raises ProviderTimeout once the client is gone or time is up. For long work, between steps."""
        if self.cancelled():
            raise ProviderTimeout("The call was cancelled by the AI client.")
        if time.monotonic() >= self.deadline:
            raise ProviderTimeout(f"{self.service.name} took too long. Ask for less at once, or try again.")

    def _prove_stale(self, request: ApiRequest, token: str) -> None:
        """Raises PermissionDenied when only a discovered host rejects it: renewing would end a good key."""
        proof = self.service.proof_path
        if proof is None or not request.to_discovered_host:
            return
        try:
            answer = self._send(
                ApiRequest(method="GET", path=proof, url=self.base_url + proof, headers=self.service.headers),
                token,
            )
        except OutboundError as error:
            raise no_answer(self.service.name, error, safe=True) from None
        if answer.status >= 500:
            raise errors_by_status(answer, self.service.name)
        if not self.service.token_is_stale(answer):
            word = self.service.business.word if self.service.business else "host"
            raise PermissionDenied(
                f"{self.service.name} accepts the connection, but not at this {word}: use another, or "
                "reconnect with a token made in it."
            )

    def _renewed(self, token: str) -> str:
        try:
            fresh = self.tokens.refreshed(token)
        except NotRenewable as rejection:
            raise (self.on_rejected(token, None) or rejection) from None
        except ToolError as failure:
            upstream_log.refresh_failed(self.about, failure.code)
            raise
        upstream_log.refreshed(self.about)
        return fresh

    def _try_again_with(self, token: str, request: ApiRequest) -> Response:
        try:
            return self._send(request, token)
        except OutboundError as error:
            raise no_answer(self.service.name, error, safe=request.safe) from None

    def _send(self, request: ApiRequest, token: str) -> Response:
        seconds = min(request.seconds, max(0.05, self.deadline - time.monotonic()))
        started, status = time.monotonic(), None
        failure: OutboundError | None = None
        try:
            answer = outbound.send(
                request.method,
                request.url,
                params=request.params,
                json=request.json,
                form=request.form,
                headers={**request.headers, **self.service.authorization(token)},
                guarded=request.guarded or self.service.is_guarded,
                may_be_private=self.service.may_be_private,
                seconds=seconds,
                template=request.path,
                on_event=request.on_event,
                on_break=request.on_break,
                stop=self.cancelled if request.on_event else None,
                silence_seconds=request.silence_seconds,
            )
            status = answer.status
            return answer
        except OutboundError as error:
            failure = error
            raise
        finally:
            took = time.monotonic() - started
            endpoint = f"{request.method} {request.path}"
            was_abandoned = isinstance(failure, OutboundStopped) and not failure.begun
            sent = UpstreamCall(endpoint, status, took * 1000, request.may_change, was_abandoned)
            self.calls.append(sent)
            upstream_log.count(self.service, status, failure, took)

    def _problem(self, answer: Response, request: ApiRequest) -> ToolError | None:
        read = request.judge or self.service.read_error
        problem = read(answer) if read else None
        if problem is None and answer.status >= 300 and request.judge is None:
            problem = errors_by_status(answer, self.service.name)
        if isinstance(problem, TemporaryFailure) and (seconds := retry_after(answer)) is not None:
            problem.wait(seconds)  # the service's word, over a default of the connector's
        return problem

    def _unconfirmed(self, problem: ToolError, safe: bool) -> ToolError:
        """The problem after the last try: a write to a failing service may have been done."""
        if safe or not isinstance(problem, ProviderUnavailable):
            return problem
        unknown = outcome_unknown(self.service.name, "failed while handling this")
        if problem.retry_after_seconds is not None:
            unknown.details["retry_after_seconds"] = problem.retry_after_seconds
        return unknown

    def _stop_in_time(self, *, unsure: bool) -> None:
        """Like `stop_if_cancelled`, between tries. `unsure`: an earlier try may have done the write."""
        try:
            self.stop_if_cancelled()
        except ProviderTimeout as stopped:
            raise (outcome_unknown(self.service.name) if unsure else stopped) from None

    def _pause(self, attempt: int, seconds: float = 0.0) -> None:
        """Waits with jitter, so that callers do not return all at once."""
        time.sleep(max(seconds, random.uniform(0.1, 0.3) * attempt))
