"""Compares each result that a handler made as JSON with what the SDK's server makes of the same handler."""

from collections.abc import Iterator

import pytest

from app.mcp_server.protocol.exchange import Exchange
from app.mcp_server.protocol.revisions import InboundRequest
from app.mcp_server.protocol.running import Runner


@pytest.fixture(autouse=True)
def both_ways(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every result of the test, made by the SDK as well; the test fails if a byte differs. A list of tools
    that was kept is thereby compared with one that is made now.

    The methods that were compared.
    """
    directly, compared, different = Runner._run_directly, list[str](), list[tuple[bytes, bytes]]()

    def run(self: Runner, inbound: InboundRequest, exchange: Exchange) -> bytes | None:
        made = directly(self, inbound, exchange)
        if made is not None:
            by_sdk = self._run_server(inbound, exchange, {})
            compared.append(inbound.method)
            if made != by_sdk:
                different.append((made, by_sdk))
        return made

    monkeypatch.setattr(Runner, "_run_directly", run)
    yield compared
    assert not different
