"""The service's API for a tool function: one connection, one call, every rule enforced.

A fresh token before use and one forced refresh after a 401. Reads are retried when the service is briefly
unavailable; a write that may have arrived is never repeated unless the service documents an idempotency key.
A short Retry-After is waited for, a longer one reported. Errors say what to do.
"""

import random
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from app import outbound
from app.connectors import discovered_hosts, upstream_log
from app.connectors.answers import Answers
from app.connectors.api_errors import errors_by_status, no_answer, outcome_unknown, retry_after
from app.connectors.api_rules import ApiRules
from app.connectors.request import ApiRequest, UpstreamCall, path_parts
from app.connectors.retries import READ_TRIES, wait_before_retry
from app.connectors.spec import Business
from app.errors import (
    NotRenewable,
    PermissionDenied,
    ProviderTimeout,
    ProviderUnavailable,
    ReconnectNeeded,
    TemporaryFailure,
    ToolError,
)
from app.outbound import OutboundError, OutboundTimeout, Response, ResponseTooLarge


class TokenSource(Protocol):
    """A source of bearer tokens. The vault is the real one."""

    def bearer(self) -> str:
        """A token valid for at least a minute. Raises ReconnectNeeded or ProviderUnavailable."""

    def refreshed(self, rejected: str) -> str:
        """A newer token than the rejected one; at most one refresh upstream."""


@dataclass
class Api:
    """A connection's API during one tool call. `deadline` is on the monotonic clock."""

    service: ApiRules
    base_url: str
    tokens: TokenSource
    business: Business | None = None
    reach: frozenset[str] | None = None  # ids of the connection's businesses; None while they are unknown
    facts: Mapping[str, Any] = field(default_factory=dict)
    allowed_hosts: Collection[str] = ()  # the operator's, beside the service's own domains
    deadline: float = field(default_factory=lambda: time.monotonic() + 60.0)
    cancelled: Callable[[], bool] = lambda: False
    report: Callable[[float, float | None, str], None] = lambda done, total, text: None
    new_key: Callable[[], str] = lambda: uuid.uuid4().hex  # makes an idempotency key
    # Called when the service rejects a token that is fresh, with the reason if the service's own error names
    # one. Returns what that means for the connection; None for no more than this call's own error.
    on_rejected: Callable[[str, str | None], ToolError | None] = lambda token, reason: None
    on_accepted: Callable[[], None] = lambda: None  # called when the service has taken the token
    about: Mapping[str, str] = field(default_factory=dict)  # its connection, as fields of log lines
    calls: list[UpstreamCall] = field(default_factory=list)
    note: str = ""

    def get(self, path: str, **options: Any) -> Any:
        """GETs JSON. `path` is a template: `parts={"id": …}` fills in its `{id}`, quoted."""
        return self.request("GET", path, safe=True, **options)

    def post(self, path: str, **options: Any) -> Any:
        """POSTs `json=` or `form=`. `safe=True` only when repeating it changes nothing."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> Any:
        """PUTs `json=`."""
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Any:
        """PATCHes `json=`."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Any:
        """DELETEs."""
        return self.request("DELETE", path, **options)

    def say(self, sentence: str) -> None:
        """Sets the envelope's `message`: what the call did, in our words, without text of the service."""
        self.note = sentence

    def may_send_to(self, listed_url: str) -> bool:
        """Whether the credential may be sent to an address that the service listed."""
        return discovered_hosts.may_receive_credential(
            listed_url, self.base_url, self.service.own_domains, self.allowed_hosts
        )

    def progress(self, done: float, total: float | None, text: str) -> None:
        """Reports progress to the waiting client. Raises ProviderTimeout if it has gone."""
        self.stop_if_cancelled()
        self.report(done, total, text)

    def stop_if_cancelled(self) -> None:
        """Raises ProviderTimeout once the client is gone or time is up. For long work, between steps."""
        if self.cancelled():
            raise ProviderTimeout("The call was cancelled by the AI client.")
        if time.monotonic() >= self.deadline:
            raise ProviderTimeout(f"{self.service.name} took too long. Ask for less at once, or try again.")

    def request(
        self,
        method: str,
        path: str,
        *,
        parts: Mapping[str, Any] | None = None,
        params: Any = None,
        json: Any = None,
        form: Any = None,
        headers: Mapping[str, str] | None = None,
        safe: bool = False,
        raw: bool = False,
        host: str | None = None,
        base_url: str | None = None,
    ) -> Any:
        """Sends one request by every rule of this module. Returns JSON, None for an empty answer, or the
        Answer when `raw`.

        `host` names one of the connector's further hosts. `base_url` is one the service itself listed,
        checked on every use (`discovered_hosts`). Raises a ToolError that says what happened.
        """
        guarded = base_url is not None and discovered_hosts.is_foreign(base_url, self.base_url)
        if guarded and not self.may_send_to(str(base_url)):
            raise PermissionDenied(
                f"{self.service.name} named an address we send no credential to. Reconnect it, or ask your "
                "administrator to allow its host."
            )
        url = (base_url or self._base(host)) + (
            path.format_map(path_parts(parts, self.service.name)) if parts else path
        )
        sent_headers = {"Accept": "application/json", **self.service.headers, **(headers or {})}
        repeatable = safe or self.service.repeats_writes
        if not safe and self.service.idempotency_header:
            sent_headers[self.service.idempotency_header] = self.new_key()
        if not safe and self.service.idempotency_parameter:
            params = {**(params or {}), self.service.idempotency_parameter: self.new_key()}
        request = ApiRequest(
            method,
            path,
            url,
            params,
            json,
            form,
            sent_headers,
            guarded,
            to_discovered_host=base_url not in {None, self.base_url},
        )
        token = self.tokens.bearer()
        renewed = unsure = False
        for attempt in range(1, READ_TRIES + 1):
            self._stop_in_time(unsure=unsure and not safe)
            last = attempt == READ_TRIES or not repeatable
            try:
                answer = self._send(request, token)
            except OutboundError as error:
                if not last and (not error.sent or not isinstance(error, OutboundTimeout | ResponseTooLarge)):
                    unsure = unsure or error.sent
                    self._pause(attempt)
                    continue
                raise no_answer(self.service.name, error, safe=safe) from None
            if self.service.token_is_stale(answer) and not renewed:
                self._prove_stale(request, token)
                token, renewed = self._renewed(token), True
                answer = self._try_again_with(token, request, safe)
            if self.service.token_is_stale(answer):
                self._prove_stale(request, token)
                upstream_log.refresh_failed(self.about, "the service rejects the new token too")
                if (rejection := self.on_rejected(token, None)) is not None:
                    raise rejection
            problem = self._problem(answer)
            if isinstance(problem, ReconnectNeeded):
                raise (self.on_rejected(token, problem.message) or problem)
            if problem is None:
                if renewed:
                    upstream_log.retry_succeeded(self.about)
                self.on_accepted()
                return answer if raw else self._body(answer, safe)
            wait = wait_before_retry(problem, attempt, self.deadline)
            if last or wait is None or not repeatable:
                raise self._unconfirmed(problem, safe)
            unsure = unsure or isinstance(problem, ProviderUnavailable)
            self._pause(attempt, wait)
        raise ProviderUnavailable(f"{self.service.name} is not answering. Please try again later.")

    def _base(self, host: str | None) -> str:
        """The sandbox, or the operator's replacement of the service, serves all of its hosts."""
        return self.service.hosts[host] if host and self.base_url == self.service.base_url else self.base_url

    def _prove_stale(self, request: ApiRequest, token: str) -> None:
        """Raises PermissionDenied when only a discovered host rejects it: renewing would end a good key."""
        proof = self.service.proof_path
        if proof is None or not request.to_discovered_host:
            return
        try:
            answer = self._send(
                ApiRequest(
                    "GET", proof, self.base_url + proof, None, None, None, self.service.headers, False
                ),
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

    def _try_again_with(self, token: str, request: ApiRequest, safe: bool) -> Response:
        try:
            return self._send(request, token)
        except OutboundError as error:
            raise no_answer(self.service.name, error, safe=safe) from None

    def _send(self, request: ApiRequest, token: str) -> Response:
        seconds = min(outbound.TOTAL_SECONDS, max(0.05, self.deadline - time.monotonic()))
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
            )
            status = answer.status
            return answer
        except OutboundError as error:
            failure = error
            raise
        finally:
            took = time.monotonic() - started
            self.calls.append(UpstreamCall(f"{request.method} {request.path}", status, took * 1000))
            upstream_log.count(self.service, status, failure, took)

    def _problem(self, answer: Response) -> ToolError | None:
        read = self.service.read_error
        problem = read(answer) if read else None
        if problem is None and answer.status >= 300:
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

    def _body(self, answer: Response, safe: bool) -> Any:
        if not answer.content:
            return None
        body = answer.json()
        if body is None and answer.content.strip() != b"null":
            raise Answers(self.service.name).unreadable(wrote=not safe)
        return body

    def _stop_in_time(self, *, unsure: bool) -> None:
        """Like `stop_if_cancelled`, between tries. `unsure`: an earlier try may have done the write."""
        try:
            self.stop_if_cancelled()
        except ProviderTimeout as stopped:
            raise (outcome_unknown(self.service.name) if unsure else stopped) from None

    def _pause(self, attempt: int, seconds: float = 0.0) -> None:
        """Waits with jitter, so that callers do not return all at once."""
        time.sleep(max(seconds, random.uniform(0.1, 0.3) * attempt))
