"""What `Api` must know of a service to send it requests: its hosts and headers, and how its answers are
read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.connectors.spec import BusinessArgument
from app.errors import ToolError
from app.outbound import Answer


@dataclass(frozen=True, kw_only=True)
class ApiRules:
    """A service's API as data.

    `read_error` turns an answer of the service into the error it means, or None when it is no error; without
    it the status decides (`api.errors_by_status`). `token_is_stale` says whether a 401 means "expired" rather
    than "not allowed".
    """

    name: str
    base_url: str
    hosts: Mapping[str, str] = field(default_factory=dict)  # further hosts of its API, by a name of ours
    headers: Mapping[str, str] = field(default_factory=dict)
    read_error: Callable[[Answer], ToolError | None] | None = None
    token_is_stale: Callable[[Answer], bool] = lambda answer: answer.status == 401
    # rejects a token only if the token itself is dead, whatever discovered hosts say
    proof_path: str | None = None
    idempotency_header: str | None = None
    idempotency_parameter: str | None = None  # the same in the query string
    business: BusinessArgument | None = None
