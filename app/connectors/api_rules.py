"""What `Api` must know of a service to send requests: its hosts and headers, and how to read its answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.connectors.spec import BusinessArgument
from app.errors import ToolError
from app.outbound import Response


def bearer(token: str) -> dict[str, str]:
    """The token as RFC 6750 section 2.1 sends it."""
    return {"Authorization": f"Bearer {token}"}


@dataclass(frozen=True, kw_only=True, eq=False)
class ApiRules:
    """A service's API as data.

    `read_error` returns the error an answer means, or None for none; without it the status decides
    (`api_errors.errors_by_status`). `token_is_stale`: whether a 401 means "expired", not "not allowed".
    """

    name: str
    base_url: str
    slug: str = ""  # what it is called in addresses, tool names, logs and metrics
    # Domains under which all hosts are the service's own, where its customers may list others: those get the
    # credential only if the operator allows them (`<SLUG>_ALLOWED_HOSTS`). Empty: every public host may.
    own_domains: tuple[str, ...] = ()
    hosts: Mapping[str, str] = field(default_factory=dict)  # further hosts of its API, by a name of ours
    headers: Mapping[str, str] = field(default_factory=dict)
    read_error: Callable[[Response], ToolError | None] | None = None
    token_is_stale: Callable[[Response], bool] = lambda answer: answer.status == 401
    # rejects only a dead token, whatever discovered hosts answer
    proof_path: str | None = None
    idempotency_header: str | None = None
    idempotency_parameter: str | None = None  # the same in the query string
    # Where the service documents that key. Without it no write is repeated, since a key that the service does
    # not know makes nothing safe.
    idempotency_docs: str | None = None
    business: BusinessArgument | None = None
    authorization: Callable[[str], Mapping[str, str]] = bearer  # the headers that carry the token
    workspace_id: str | None = None  # the one workspace that has the service; None: every workspace
    # guarded, but its hosts may be private ones that the operator listed (`MCP_SERVERS_PRIVATE_HOSTS`)
    may_be_private: bool = False
    mcp_path: str = ""  # where its MCP endpoint is below its address

    @property
    def repeats_writes(self) -> bool:
        """Whether a write that may have arrived can be sent again: its key is one the service documents."""
        return bool(self.idempotency_docs and (self.idempotency_header or self.idempotency_parameter))

    @property
    def metrics_name(self) -> str:
        """Its label in metrics: the slug; one name for all services that workspaces brought."""
        return "custom" if self.workspace_id else self.slug

    @property
    def is_guarded(self) -> bool:
        """Whether people of a workspace chose its addresses: each must then be public (SSRF)."""
        return self.workspace_id is not None
