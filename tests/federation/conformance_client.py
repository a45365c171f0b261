"""The product as the client of the official suite.

A person adds the suite's server on the real pages and signs in. An AI client calls its tools through /mcp,
and the person reconnects where the answer says so, at most twice.
"""

import itertools
import json
from dataclasses import dataclass, field
from typing import Any

from tests.federation.walking import Walk
from tests.support.mcp_client import Client

PUBLIC_URL = "https://conformance-test.local"
_RECONNECTS = 2
# none, or none that can be used here
_WITHOUT_TOOLS = {"initialize", "request-metadata", "json-schema-ref-no-deref"}


@dataclass
class ConformanceClient:
    """A person and their AI client. `printed` says what happened."""

    walk: Walk
    client: Client
    printed: list[str] = field(default_factory=list)

    def use(self, url: str, name: str | None, context: dict[str, Any]) -> bool:
        """Walk one scenario. Returns whether that worked."""
        connected = self._connect(url, context)
        self.printed.append("connected" if connected else f"not connected: {self.walk.sentences()}")
        if not connected:
            return False
        self.walk.allow_tools("suite")
        connection = self.walk.connection_of("suite")
        self.walk.post("/integrations/suite/permission", {"connection": connection, "level": "write"})
        tools = [name for name in self.client.tools() if name.startswith("suite_")]
        self.printed.append(f"tools: {' '.join(tools)}")
        given = {f"suite_{call['name']}": call["arguments"] for call in context.get("toolCalls", ())}
        results = [self._call(tool, given.get(tool), connection) for tool in tools]
        return all(results) and (bool(tools) or name in _WITHOUT_TOOLS)

    def _connect(self, url: str, context: dict[str, Any]) -> bool:
        pasted = {name: context[name] for name in ("client_id", "client_secret") if name in context}
        try:
            added = self.walk.add(url, name="Suite", **pasted)
            if added.status_code < 400 and "Please try again" in self.walk.person.page:
                self.walk.connect("suite")
            if 'name="way"' in self.walk.person.page:  # only programs are let in
                proof = {"private_key": context["private_key_pem"]} if "private_key_pem" in context else {}
                self.walk.paste("suite", **{**pasted, **proof})
        except AssertionError as refused:  # a page did not lead on
            self.printed.append(str(refused))
        return "Suite connected" in self.walk.person.page

    def _call(self, name: str, given: dict[str, Any] | None, connection: str) -> bool:
        """Call a tool as AI clients do, with the `given` arguments or small ones; reconnect where it says
        so.
        """
        arguments = given or _arguments(self.client.tools()[name]["inputSchema"])
        for attempt in itertools.count():
            envelope = self.client.call(name, arguments)
            self.printed.append(f"{name} {json.dumps(envelope)[:600]}")
            code = "" if envelope["success"] else envelope["error"]["code"]
            if code not in {"RECONNECT_NEEDED", "PERMISSION_DENIED"} or attempt == _RECONNECTS:
                return bool(envelope["success"])
            self.walk.connect("suite", connection=connection)
        raise AssertionError


def _arguments(schema: dict[str, Any]) -> dict[str, Any]:
    """Small values for what a schema requires."""
    values = {"string": "x", "integer": 1, "number": 2, "boolean": True, "array": [], "object": {}}
    required = schema.get("required", [])
    return {
        name: values[part.get("type", "string")]
        for name, part in schema.get("properties", {}).items()
        if name in required
    }
