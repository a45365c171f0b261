"""Stock: a service that one workspace brought itself. Rows and data, no module of the product.

Its tools are schemas and an HTTP request each, as an MCP server's or an OpenAPI document's would be.
"""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import jsonschema

from app.config import Settings
from app.connectors.api import Api
from app.connectors.connector import Connector
from app.connectors.credential_forms import Field, pasted_key
from app.connectors.preview import Preview, plain_preview
from app.connectors.rows import plain
from app.connectors.spec import NO_CONSENT_PAGE, Account
from app.errors import InvalidArguments

SLUG, NAME, KEY = "stock", "Stock Room", "canary-stock-key-0123456789"


@dataclass(frozen=True)
class DataTool:
    """A `Tool` that is data alone."""

    verb: str
    title: str
    description: str
    method: str
    path: str
    input_schema: Mapping[str, Any]
    data_schema: Mapping[str, Any]
    reads_only: bool = False
    destructive: bool = False
    idempotent: bool = False
    open_world: bool = True
    pages_by: str | None = None
    needs_scopes: tuple[str, ...] = ()
    one_business: bool = False
    version: str = ""
    unavailable: str = ""

    def name_in(self, slug: str) -> str:
        return f"{slug}_{self.verb}"

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        try:
            jsonschema.validate(dict(arguments), dict(self.input_schema))
        except jsonschema.ValidationError as error:
            raise InvalidArguments(f"The arguments are invalid: {error.message}.") from None
        defaults = {name: part.get("default") for name, part in self.input_schema["properties"].items()}
        return {**defaults, **arguments}

    def call(self, context: Api, arguments: Mapping[str, Any]) -> Any:
        sent = {name: value for name, value in arguments.items() if value is not None}
        options = {"params": sent} if self.reads_only else {"json": sent}
        return plain(context.request(self.method, self.path, safe=self.reads_only, **options))

    def preview(self, context: Api, arguments: Mapping[str, Any]) -> Preview:
        return plain_preview(self.title)


_ITEM = {"type": "object", "properties": {"name": {"type": "string"}, "count": {"type": "integer"}}}
LIST = DataTool(
    verb="list_items",
    title="List stock items",
    description="List what is in the stock room.\n\nUse it to find the name of an item.",
    method="GET",
    path="/items",
    reads_only=True,
    idempotent=True,
    pages_by="page",
    input_schema={
        "type": "object",
        "properties": {"page": {"type": "integer", "minimum": 1, "default": 1, "description": "From 1."}},
        "additionalProperties": False,
    },
    data_schema={"type": "object", "properties": {"items": {"type": "array", "items": _ITEM}}},
)
ADD = DataTool(
    verb="add_item",
    title="Add a stock item",
    description="Put a new item into the stock room.",
    method="POST",
    path="/items",
    input_schema={
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 50, "description": "What it is called."},
            "count": {"type": "integer", "minimum": 0, "default": 1, "description": "How many."},
        },
        "required": ["name"],
        "additionalProperties": False,
    },
    data_schema=_ITEM,
)


def connector(base_url: str, workspace_id: str, **changed: Any) -> Connector:
    """The service as it is declared for a workspace."""
    return Connector(
        **{
            "slug": SLUG,
            "name": NAME,
            "summary": "What is in the stock room",
            "base_url": base_url,
            "workspace_id": workspace_id,
            "auth": NO_CONSENT_PAGE,
            "authorization": lambda token: {"X-Api-Key": token},
            "identify": lambda api, raw: Account(**api.get("/me")),
            "forms": (pasted_key(Field("api_key", "API key")),),
            "tools": (LIST, ADD),
            **changed,
        }
    )


@dataclass
class OwnServices:
    """A source with the rows in memory: the connectors of each workspace."""

    rows: dict[str, tuple[Connector, ...]] = field(default_factory=dict)
    failure: Exception | None = None

    def connectors_of(self, workspace_id: str) -> Sequence[Connector]:
        if self.failure is not None:
            raise self.failure
        return self.rows.get(workspace_id, ())

    def keep_for_revoking(self, db: object, workspace_id: str) -> None:
        """Its rows stay."""

    def on_connected(self, settings: Settings, workspace_id: str, slug: str, connection_id: str) -> None:
        """Nothing is read beforehand."""


class StockRoom(ThreadingHTTPServer):
    """The service itself, over real HTTP."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.items: list[dict[str, Any]] = [{"name": "chair", "count": 4}, {"name": "lamp", "count": 2}]
        self.requests: list[str] = []
        self.token_requests: list[dict[str, str]] = []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: StockRoom
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/me":
            return self._answer({"key": "room-1", "name": "Main room"})
        page = int(parse_qs(url.query).get("page", ["1"])[0])
        items = self.server.items[page - 1 : page]
        return self._answer({"items": items, "next": page + 1 if page < len(self.server.items) else None})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/token":
            self.server.token_requests.append(dict(parse_qsl(body.decode())))
            return self._send(
                200, {"access_token": KEY, "refresh_token": "canary-refresh", "expires_in": 3600}
            )
        item = json.loads(body)
        if self.headers.get("X-Api-Key") == KEY:
            self.server.items.append(item)
        return self._answer(item)

    def _answer(self, body: Any) -> None:
        self.server.requests.append(f"{self.command} {self.path}")
        knows = self.headers.get("X-Api-Key") == KEY
        self._send(200 if knows else 401, body if knows else {"error": "unknown key"})

    def _send(self, status: int, body: Any) -> None:
        self.send_response(status)
        data = json.dumps(body).encode()
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
