"""The endpoint `/mcp`, and the grave of the old `/sse`."""

from flask import Blueprint, Flask, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from app.approvals import carrying_out
from app.config import THREADS_IN_ALL, Settings
from app.mcp_server.authentication import Door
from app.mcp_server.calls.approval_gate import Approving
from app.mcp_server.calls.approved_write import Approved
from app.mcp_server.calls.concurrency import FairSemaphore
from app.mcp_server.protocol.adapter import Adapter
from app.mcp_server.protocol.client_replies import Rendezvous
from app.mcp_server.protocol.request_checks import RequestChecks
from app.mcp_server.protocol.sessions import Sessions
from app.mcp_server.server import make_server
from app.mcp_server.toolbox import Toolbox
from app.oauth_server.rfc8707_resource import wants_compact
from app.web import csrf

# Where the web versions of known AI clients run; pages on the person's own machine are always fine.
_CLIENT_ORIGINS = (
    "https://claude.ai",
    "https://claude.com",
    "https://chatgpt.com",
    "https://vscode.dev",
    "https://insiders.vscode.dev",
)

bp = Blueprint("mcp", __name__)


def install(app: Flask, settings: Settings) -> None:
    """Make the adapter of this process and register its endpoint."""
    door, toolbox = Door(settings), Toolbox(debug_tools=settings.debug_tools)
    approving = Approving(settings, app.extensions["mailer"])
    turns = FairSemaphore(settings.web_threads, settings.workspace_concurrency)
    hosts = settings.allowed_hosts | ({"localhost"} if settings.environment == "test" else set())
    app.extensions["mcp"] = {
        compact: Adapter(
            make_server(settings, door, toolbox, approving, turns, in_compact_mode=compact),
            gate=RequestChecks(hosts, frozenset({settings.public_url, *_CLIENT_ORIGINS})),
            authenticate=door.authenticate,
            sessions=Sessions([settings.secret_key, *settings.secret_key_fallbacks]),
            rendezvous=Rendezvous(settings.redis_url),
            threads=(THREADS_IN_ALL + 1) * settings.web_threads,
        )
        for compact in (False, True)
    }
    carrying_out.register(app, Approved(settings, toolbox).execute)
    app.extensions["toolbox"] = toolbox
    app.register_blueprint(csrf.exempt(bp))


@bp.route("/mcp", methods=["GET", "POST", "DELETE", "OPTIONS"], strict_slashes=False)
def mcp() -> Response:
    """Streamable HTTP, both protocol generations. With `?tools=compact` the list of tools is short."""
    adapters: dict[bool, Adapter] = current_app.extensions["mcp"]
    return adapters[wants_compact(request)].answer(request)


@bp.route("/sse", methods=["GET", "POST"])
def sse() -> ResponseReturnValue:
    """The transport of 2024, gone: names the one address there is."""
    url = current_app.extensions["patchbay"].mcp_url
    return jsonify(
        error={
            "code": "GONE",
            "message": f"The SSE transport is not offered any more. Use {url} instead.",
            "details": {"url": url},
        }
    ), 410
