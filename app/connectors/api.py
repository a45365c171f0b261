"""The service's API for a tool function: one connection, one call, every rule enforced (`api_sending.py`).

Errors say what to do.
"""

import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.connectors import discovered_hosts
from app.connectors.answers import Answers
from app.connectors.api_sending import ApiSender
from app.connectors.request import ApiRequest, path_parts
from app.connectors.spec import Business
from app.errors import PermissionDenied
from app.mcp_client import MemorySessions, ServerSessions
from app.mcp_client.questions import Person
from app.outbound import Response


def no_report(done: float, total: float | None, text: str) -> None:
    """Drops progress that nobody waits for."""


@dataclass
class Api(ApiSender):
    """A connection's API during one tool call."""

    business: Business | None = None
    reach: frozenset[str] | None = None  # ids of the connection's businesses; None while they are unknown
    facts: Mapping[str, Any] = field(default_factory=dict)
    allowed_hosts: Collection[str] = ()  # the operator's, beside the service's own domains
    report: Callable[[float, float | None, str], None] = no_report
    new_key: Callable[[], str] = lambda: uuid.uuid4().hex  # makes an idempotency key
    ask: Person | None = None  # whom an MCP server may ask during the call; None: nobody
    # takes method and params of an MCP server's notifications
    on_notification: Callable[[str, Mapping[str, Any]], None] = lambda method, params: None
    # the sessions with an MCP server, by purpose (`mcp_sessions.purpose`)
    sessions: Callable[[str], ServerSessions] = field(default_factory=MemorySessions.by_purpose)
    memo: dict[str, Any] = field(default_factory=dict)  # what the connector remembers during this call
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
        if not safe and self.service.idempotency_header:
            sent_headers[self.service.idempotency_header] = self.new_key()
        if not safe and self.service.idempotency_parameter:
            params = {**(params or {}), self.service.idempotency_parameter: self.new_key()}
        request = ApiRequest(
            method=method,
            path=path,
            url=url,
            params=params,
            json=json,
            form=form,
            headers=sent_headers,
            guarded=guarded,
            to_discovered_host=base_url not in {None, self.base_url},
            safe=safe,
            repeatable=safe or self.service.repeats_writes,
        )
        answer = self.perform(request)
        return answer if raw else self._body(answer, safe)

    def _base(self, host: str | None) -> str:
        """The sandbox, or the operator's replacement of the service, serves all of its hosts."""
        return self.service.hosts[host] if host and self.base_url == self.service.base_url else self.base_url

    def _body(self, answer: Response, safe: bool) -> Any:
        if not answer.content:
            return None
        body = answer.json()
        if body is None and answer.content.strip() != b"null":
            raise Answers(self.service.name).unreadable(wrote=not safe)
        return body
