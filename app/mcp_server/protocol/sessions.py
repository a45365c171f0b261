"""The `Mcp-Session-Id` of handshake revisions: signed, self-contained, readable by any worker."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer
from mcp.server.connection import Connection

from app.clock import ClockSigner
from app.crypto import digest

_LIFETIME_SECONDS = 30 * 86_400
_LONGEST_TEXT = 100


@dataclass(frozen=True)
class Session:
    """What the handshake negotiated."""

    version: str
    client_info: dict[str, Any]
    capabilities: dict[str, Any]


class Sessions:
    """Issues and reads session ids under the installation's keys, the newest first."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._signer = URLSafeTimedSerializer(list(reversed(keys)), salt="mcp-session", signer=ClockSigner)

    def mint(self, connection: Connection, principal_key: str) -> str:
        """A session id for what `initialize` negotiated: only what affects our responses."""
        params = connection.client_params
        capabilities: dict[str, Any] = {}
        if connection.client_capabilities is not None:
            relevant = {"elicitation", "sampling", "roots"}
            capabilities = connection.client_capabilities.model_dump(
                by_alias=True, exclude_none=True, include=relevant
            )
        info = params.client_info if params else None
        return self._signer.dumps(
            [
                connection.protocol_version,
                [info.name[:_LONGEST_TEXT], info.version[:_LONGEST_TEXT]] if info else ["", ""],
                capabilities,
                digest(principal_key),
                secrets.token_urlsafe(9),
            ]
        )

    def find(self, session_id: str, principal_key: str) -> Session | None:
        """The session of an id. None if foreign, altered, expired, or another principal's."""
        try:
            version, (name, client_version), capabilities, owner, _ = self._signer.loads(
                session_id, max_age=_LIFETIME_SECONDS
            )
        except (BadSignature, ValueError, TypeError):
            return None
        if not secrets.compare_digest(owner, digest(principal_key)):
            return None
        return Session(version, {"name": name, "version": client_version}, capabilities)
