"""Bodies and headers of requests to the endpoint."""

from typing import Any

from tests.support.mcp_client import MODERN


def modern(method: str, **params: Any) -> dict[str, Any]:
    """A request of the modern revision."""
    described = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params["_meta"] = described | params.get("_meta", {})
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def old(method: str, **params: Any) -> dict[str, Any]:
    """A request of the handshake revisions."""
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def named(method: str, name: str | None = None) -> dict[str, str]:
    """The headers that repeat what a modern request names."""
    return {"MCP-Protocol-Version": MODERN, "Mcp-Method": method, **({"Mcp-Name": name} if name else {})}
