"""The service's API as a tool function sees it: one connection, one call, every rule kept.

Fresh token before use and one forced refresh after a 401; reads tried again when the service is
briefly away; a write that may have arrived is never repeated unless the service takes an
idempotency key; every answer read defensively and turned into an error that says what to do.
"""

import random
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from app import outbound
from app.connectors import discovered_hosts
from app.connectors.answers import Answers
from app.connectors.api_rules import ApiRules
from app.connectors.request import Request, path_parts
from app.connectors.spec import Business
from app.errors import (
    InvalidArguments,
    ObjectNotFound,
    OutcomeUnknown,
    PermissionDenied,
    ProviderError,
    ProviderRateLimited,
    ProviderTimeout,
    ProviderUnavailable,
    ReconnectNeeded,
    ToolError,
)
from app.outbound import Answer, AnswerTooLarge, OutboundError, OutboundTimeout

_READ_TRIES = 3
_LONGEST_WAIT_SECONDS = 5.0


class TokenSource(Protocol):
    """Where bearer tokens come from. The vault is the real one."""

    def bearer(self) -> str:
        """A token that is fresh for at least the next minute. Raises ReconnectNeeded or
        ProviderUnavailable.
        """

    def refreshed(self, rejected: str) -> str:
        """A newer token than the one the service just rejected; at most one refresh upstream."""


@dataclass(frozen=True)
class UpstreamCall:
    """One request to the service, for the usage row: path template, never a query or an id."""

    endpoint: str
    status: int | None
    milliseconds: float


@dataclass
class Api:
    """A connection's API during one tool call. `deadline` is on the monotonic clock."""

    service: ApiRules
    base_url: str
    tokens: TokenSource
    business: Business | None = None
    # ids of the connection's businesses; None while they are being found out
    reach: frozenset[str] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    deadline: float = field(default_factory=lambda: time.monotonic() + 60.0)
    cancelled: Callable[[], bool] = lambda: False
    report: Callable[[float, float | None, str], None] = lambda done, total, text: None
    new_key: Callable[[], str] = lambda: uuid.uuid4().hex  # makes an idempotency key
    calls: list[UpstreamCall] = field(default_factory=list)
    note: str = ""

    def get(self, path: str, **options: Any) -> Any:
        """GET and return the JSON. `path` is a template: `parts={"id": …}` fills and quotes its `{id}`."""
        return self.request("GET", path, safe=True, **options)

    def post(self, path: str, **options: Any) -> Any:
        """POST `json=` or `form=`. `safe=True` only when repeating it changes nothing."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> Any:
        """PUT `json=`."""
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Any:
        """PATCH `json=`."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Any:
        """DELETE."""
        return self.request("DELETE", path, **options)

    def say(self, sentence: str) -> None:
        """What the call did, for `message` in the envelope: our words and numbers, no text of the service."""
        self.note = sentence

    def progress(self, done: float, total: float | None, text: str) -> None:
        """Tell the waiting client how far we are, and stop here if it has gone."""
        self.stop_if_cancelled()
        self.report(done, total, text)

    def stop_if_cancelled(self) -> None:
        """Raises ProviderTimeout when the client has gone or the call's time is over. For long work,
        between steps.
        """
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
        """Send one request with every rule of this module. Returns JSON, None for an empty answer, or the
        Answer when `raw`.

        `host` names one of the connector's further hosts; `base_url` is one the service itself told us of,
        checked here each time it is used (`told_hosts`). Raises a ToolError that says what happened.
        """
        guarded = base_url is not None and discovered_hosts.is_foreign(base_url, self.base_url)
        if guarded and not discovered_hosts.is_acceptable(str(base_url)):
            raise PermissionDenied(
                f"{self.service.name} named an address we send no credential to. Reconnect it, or ask your "
                "administrator."
            )
        url = (base_url or self._base(host)) + (
            path.format_map(path_parts(parts, self.service.name)) if parts else path
        )
        sent_headers = {"Accept": "application/json", **self.service.headers, **(headers or {})}
        repeatable = safe
        if not safe and self.service.idempotency_header:
            sent_headers[self.service.idempotency_header] = self.new_key()
            repeatable = True
        if not safe and self.service.idempotency_parameter:
            params = {**(params or {}), self.service.idempotency_parameter: self.new_key()}
            repeatable = True
        request = Request(
            method,
            path,
            url,
            params,
            json,
            form,
            sent_headers,
            guarded,
            told=base_url not in {None, self.base_url},
        )
        token = self.tokens.bearer()
        renewed = unsure = False
        for attempt in range(1, _READ_TRIES + 1):
            self._stop_in_time(unsure=unsure and not safe)
            last = attempt == _READ_TRIES or not repeatable
            try:
                answer = self._send(request, token)
            except OutboundError as error:
                if not last and (not error.sent or not isinstance(error, OutboundTimeout | AnswerTooLarge)):
                    unsure = unsure or error.sent
                    self._pause(attempt)
                    continue
                raise self._no_answer(error, safe) from None
            if self.service.token_is_stale(answer) and not renewed:
                self._prove_stale(request, token)
                token, renewed = self.tokens.refreshed(token), True
                answer = self._try_again_with(token, request, safe)
            problem = self._problem(answer)
            if problem is None:
                return answer if raw else self._body(answer, safe)
            wait = self._wait_before_retry(problem, attempt)
            if last or wait is None or not repeatable:
                raise self._unconfirmed(problem, safe)
            unsure = unsure or isinstance(problem, ProviderUnavailable)
            self._pause(attempt, wait)
        raise ProviderUnavailable(f"{self.service.name} is not answering. Please try again later.")

    def _base(self, host: str | None) -> str:
        """The sandbox, or what an operator put in place of the service, answers for all of its hosts."""
        return self.service.hosts[host] if host and self.base_url == self.service.base_url else self.base_url

    def _prove_stale(self, request: Request, token: str) -> None:
        """Raises PermissionDenied when only a host the service told us of rejects the token: renewing
        would end a good key.
        """
        proof = self.service.proof_path
        if proof is None or not request.told:
            return
        try:
            answer = self._send(
                Request("GET", proof, self.base_url + proof, None, None, None, self.service.headers, False),
                token,
            )
        except OutboundError as error:
            raise self._no_answer(error, True) from None
        if answer.status >= 500:
            raise errors_by_status(answer, self.service.name)
        if not self.service.token_is_stale(answer):
            word = self.service.business.word if self.service.business else "host"
            raise PermissionDenied(
                f"{self.service.name} accepts the connection, but not at this {word}: use another, or "
                "reconnect with a token made in it."
            )

    def _try_again_with(self, token: str, request: Request, safe: bool) -> Answer:
        try:
            return self._send(request, token)
        except OutboundError as error:
            raise self._no_answer(error, safe) from None

    def _send(self, request: Request, token: str) -> Answer:
        seconds = min(outbound.TOTAL_SECONDS, max(0.05, self.deadline - time.monotonic()))
        started = time.monotonic()
        status: int | None = None
        try:
            answer = outbound.send(
                request.method,
                request.url,
                params=request.params,
                json=request.json,
                form=request.form,
                headers={**request.headers, "Authorization": f"Bearer {token}"},
                guarded=request.guarded,
                seconds=seconds,
            )
            status = answer.status
            return answer
        finally:
            self.calls.append(
                UpstreamCall(f"{request.method} {request.path}", status, (time.monotonic() - started) * 1000)
            )

    def _problem(self, answer: Answer) -> ToolError | None:
        read = self.service.read_error
        problem = read(answer) if read else None
        return (
            errors_by_status(answer, self.service.name)
            if problem is None and answer.status >= 300
            else problem
        )

    def _unconfirmed(self, problem: ToolError, safe: bool) -> ToolError:
        """The problem as it stands after the last try: a write that met a failing service may have been
        done.
        """
        if safe or not isinstance(problem, ProviderUnavailable):
            return problem
        return self._unknown("failed while handling this")

    def _body(self, answer: Answer, safe: bool) -> Any:
        if not answer.content:
            return None
        body = answer.json()
        if body is None and answer.content.strip() != b"null":
            raise Answers(self.service.name).unreadable(wrote=not safe)
        return body

    def _no_answer(self, error: OutboundError, safe: bool) -> ToolError:
        if error.sent and not safe:
            return self._unknown()
        if isinstance(error, AnswerTooLarge):
            return ProviderError(
                f"{self.service.name} sent more at once than can be taken. Ask for less: fewer records, a "
                "shorter period."
            )
        if isinstance(error, OutboundTimeout):
            return ProviderTimeout(f"{self.service.name} did not answer in time. Please try again.")
        return ProviderUnavailable(
            f"{self.service.name} cannot be reached right now. Please try again later."
        )

    def _unknown(self, happened: str = "did not confirm it") -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{self.service.name} {happened}. It may or may not have been done: check there before "
            "repeating it."
        )

    def _stop_in_time(self, *, unsure: bool) -> None:
        """Like `stop_if_cancelled`, between tries. `unsure`: a write may have been done by an earlier one."""
        try:
            self.stop_if_cancelled()
        except ProviderTimeout as stopped:
            raise (self._unknown() if unsure else stopped) from None

    def _wait_before_retry(self, problem: ToolError, attempt: int) -> float | None:
        """Seconds to wait before trying again, or None when that would not help or take too long."""
        if isinstance(problem, ProviderRateLimited):
            seconds = (
                float(problem.retry_after_seconds)
                if problem.retry_after_seconds is not None
                else 2.0**attempt / 2
            )
            return (
                seconds if seconds <= min(_LONGEST_WAIT_SECONDS, self.deadline - time.monotonic()) else None
            )
        return 0.0 if isinstance(problem, ProviderUnavailable) else None

    def _pause(self, attempt: int, seconds: float = 0.0) -> None:
        """Wait with jitter, so that many callers do not come back at once."""
        time.sleep(max(seconds, random.uniform(0.1, 0.3) * attempt))


def errors_by_status(answer: Answer, name: str) -> ToolError:
    """What a refused request means when the service's own words are of no more help."""
    status = answer.status
    if status == 429:
        return ProviderRateLimited(
            f"{name} asks to slow down. Please wait and try again.", retry_after_seconds=retry_after(answer)
        )
    if status >= 500:
        return ProviderUnavailable(
            f"{name} is having trouble right now. Please try again later.", details={"status": status}
        )
    if status == 404 or status == 410:
        return ObjectNotFound(
            f"{name} does not know that record. List the records again and use an id from there."
        )
    if status == 403:
        return PermissionDenied(
            f"{name} does not allow this for the connected account. Check its role there, or reconnect "
            "with more rights."
        )
    if status == 401:
        return ReconnectNeeded(
            f"{name} does not accept this sign-in any more, not even with a fresh token. Reconnect {name} "
            "in the hub."
        )
    if status in {400, 409, 412, 422}:
        return InvalidArguments(
            f"{name} refused the request. Check the arguments.", details={"status": status}
        )
    return ProviderError(
        f"{name} answered with status {status}, which was not expected.", details={"status": status}
    )


def retry_after(answer: Answer) -> int | None:
    """The Retry-After header in seconds (RFC 9110 section 10.2.3), or None; dates count as absent."""
    text = answer.headers.get("Retry-After", "")
    return min(int(text), 86_400) if text.isascii() and text.isdigit() else None
