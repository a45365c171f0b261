"""The endpoint `/mcp`, and the answer of the retired `/sse`."""

from flask import Blueprint, Flask, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import Headers

from app import metrics
from app.approvals import carrying_out
from app.config import THREADS_IN_ALL, Settings
from app.mcp_server.authentication import BearerAuthenticator
from app.mcp_server.calls.approval_gate import ApprovalGate
from app.mcp_server.calls.approved_write import ApprovedWrites
from app.mcp_server.calls.browser_call import BrowserCalls
from app.mcp_server.calls.concurrency import FairSemaphore
from app.mcp_server.calls.parked_calls import ParkedCalls
from app.mcp_server.entry import Entry
from app.mcp_server.protocol.adapter import ProtocolAdapter
from app.mcp_server.protocol.client_replies import ClientReplies
from app.mcp_server.protocol.http_messages import HttpRequest
from app.mcp_server.protocol.request_checks import RequestChecks
from app.mcp_server.protocol.sessions import Sessions
from app.mcp_server.server import make_server
from app.mcp_server.server_contents import ServerContents
from app.mcp_server.toolbox import Toolbox
from app.oauth_server.rfc8707_resource import wants_compact
from app.usage import breakdowns
from app.web import csrf, current

# The origins of known AI clients' web apps; pages on the person's own machine are always allowed, and those
# in MCP_ALLOWED_ORIGINS.
_CLIENT_ORIGINS = (
    "https://claude.ai",
    "https://claude.com",
    "https://chatgpt.com",
    "https://vscode.dev",
    "https://insiders.vscode.dev",
)

bp = Blueprint("mcp", __name__)


def install(app: Flask, settings: Settings) -> None:
    """Creates this process' adapters and registers the endpoint."""
    toolbox = Toolbox(debug_tools=settings.debug_tools, public_url=settings.public_url)
    authenticator = BearerAuthenticator(settings, toolbox.is_built_in)
    gate = ApprovalGate(settings, app.extensions["mailer"])
    permits = FairSemaphore(settings.web_threads, settings.workspace_concurrency)
    replies = ClientReplies(settings.redis_url)
    parked = ParkedCalls(settings, replies)
    contents = ServerContents(settings, permits)
    metrics.add_sampler("calls", permits.sample)
    hosts = settings.allowed_hosts | ({"localhost"} if settings.environment == "test" else frozenset())
    adapters = {
        compact: ProtocolAdapter(
            make_server(
                settings, authenticator, toolbox, gate, permits, parked, contents, in_compact_mode=compact
            ),
            checks=RequestChecks(
                hosts, frozenset({settings.public_url, *_CLIENT_ORIGINS}) | settings.mcp_allowed_origins
            ),
            authenticate=authenticator.authenticate,
            sessions=Sessions([settings.secret_key, *settings.secret_key_fallbacks]),
            replies=replies,
            threads=(THREADS_IN_ALL + 1) * settings.web_threads,
        )
        for compact in (False, True)
    }
    app.extensions["mcp"] = adapters
    carrying_out.register(app, ApprovedWrites(settings, toolbox).execute)
    app.extensions["toolbox"] = toolbox
    breakdowns.name_built_in({each.name: each.tool.title for each in toolbox.own_tools()})
    app.extensions["browser_calls"] = BrowserCalls(settings, toolbox, gate, permits)
    app.register_blueprint(csrf.exempt(bp))
    app.wsgi_app = Entry(app, settings, adapters, hosts)  # type: ignore[method-assign]


@bp.route("/mcp", methods=["GET", "POST", "DELETE", "OPTIONS"], strict_slashes=False)
def mcp() -> Response:
    """Streamable HTTP, all protocol revisions: what `entry.py` passes on. With `?tools=compact` in
    compact mode.
    """
    adapters: dict[bool, ProtocolAdapter] = current_app.extensions["mcp"]
    http_request = HttpRequest(request.environ)
    answer = adapters[wants_compact(http_request.query)].answer(http_request)
    response = Response(answer.body, answer.status)
    response.headers = Headers(answer.headers)  # instead of Flask's own: an empty answer is no page
    return response


@bp.route("/sse", methods=["GET", "POST"])
def sse() -> ResponseReturnValue:
    """The transport of 2024, retired: names the one endpoint there is."""
    url = current.settings().mcp_url
    return jsonify(
        error={
            "code": "GONE",
            "message": f"The SSE transport is no longer offered. Use {url} instead.",
            "details": {"url": url},
        }
    ), 410
