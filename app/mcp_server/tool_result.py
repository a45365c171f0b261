"""The result of tools/call: the envelope, structured and as text."""

from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from app.mcp_server.envelope import ResultEnvelope
from app.mcp_server.protocol.direct import DirectResult

_JSON = b'{"content":[{"text":%b,"type":"text"}],"isError":%b%b,"structuredContent":%b%b}'


@dataclass(frozen=True)
class ToolResult(DirectResult):
    """The envelope as structured content, and as text for clients that read only that.

    `blocks` are further content of a service, such as images.
    """

    envelope: ResultEnvelope
    blocks: tuple[dict[str, Any], ...] = ()

    @property
    def error_code(self) -> str | None:
        """None for success."""
        return None if self.envelope["success"] else str(self.envelope["error"]["code"])

    def as_json(self, meta: bytes | None) -> bytes | None:
        """None with blocks: what a service sent is shaped by the SDK for the client's revision."""
        if self.blocks:
            return None
        made = self.envelope.json
        is_error = b"false" if self.envelope["success"] else b"true"
        kind, ending = (b"", b"") if meta is None else (b',"resultType":"complete"', b',"_meta":' + meta)
        return _JSON % (to_json(made.decode()), is_error, kind, made, ending)

    def as_dict(self) -> dict[str, Any]:
        """The result, whose text has the same bytes as its structure."""
        return {
            "resultType": "complete",
            "content": [{"type": "text", "text": self.envelope.json.decode()}, *self.blocks],
            "structuredContent": self.envelope,
            "isError": not self.envelope["success"],
        }
