"""The declaration of Harbour CRM and of its poisoned twin: companies, OAuth rules, levers, the guard."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import Blueprint
from werkzeug.wrappers import Request, Response

from app.sandbox import discovery
from app.sandbox.current import Here
from app.sandbox.mcp_desk import McpDesk
from app.sandbox.mcp_endpoint import McpEndpoint, json_response, read_call
from app.sandbox.registered_clients import forget_clients
from app.sandbox.rules import Access, Parameters, Rules
from app.sandbox.service import DemoCompany, ImitatedService
from app.sandbox.services.harbour_crm import demo, levers

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

READ, WRITE = "crm.read", "crm.write"
WRITES = frozenset(
    {
        "add_note",
        "complete_task",
        "create_contact",
        "create_task",
        "delete_contact",
        "merge_contacts",
        "move_deal",
        "update_contact",
    }
)
COMPANIES = (
    DemoCompany("northwind", "Northwind Studio", "nora@northwind.example", "A design studio with six deals."),
    DemoCompany("harbour", "Harbour Plumbing", "sam@harbour.example", "A small plumbing company in Halifax."),
)
Patches = Mapping[str, Mapping[str, Any]]


def crm_service(slug: str, name: str, patches: Patches | None = None) -> ImitatedService:
    """A CRM whose listed definitions are those of the tools, changed by `patches` (merge patches by name)."""

    def build(desk: McpDesk) -> "MCPServer[Any]":
        from app.sandbox.services.harbour_crm.crm import build_server

        return build_server(name, desk, patches or {})

    return ImitatedService(
        slug=slug,
        name=name,
        blueprint=Blueprint(slug, __name__),
        companies=COMPANIES,
        seed=demo.seed,
        oauth=Rules(
            authorize_path="/oauth/authorize",
            token_path="/oauth/token",
            revoke_path="/oauth/revoke",
            scopes=frozenset({READ, WRITE}),
            default_scopes=(READ,),
            access_seconds=3600,
            code_reuse_revokes=True,
            granular=True,
            registers_clients=True,
            refuses=_refuses,
        ),
        levers={
            "forget_clients": forget_clients,
            "change_tool": levers.change_tool,
            "spoil": levers.spoil,
        },
        mcp=(McpEndpoint(discovery.RESOURCE_PATH, _admit, build),),
    )


def _refuses(parameters: Parameters) -> str | None:
    """RFC 8707 2.1: a token is for one MCP server, which the client must name."""
    if parameters.get("resource") != discovery.resource():
        return "The resource must be the address of this MCP server."
    return None


def _admit(at: Here, request: Request) -> Access | Response:
    """RFC 6750 3: 401 leads to the metadata, 403 to the scope that a call needs."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    metadata = f"{request.host_url}.well-known/oauth-protected-resource{request.path}"
    if scheme.lower() != "bearer":
        return _challenge(401, f'Bearer resource_metadata="{metadata}"', "unauthorized")
    access = at.grants.find_access(token.strip())
    if access is None:
        error = f'Bearer error="invalid_token", resource_metadata="{metadata}"'
        return _challenge(401, error, "invalid_token")
    method, subject = read_call(request.get_data())
    needed = WRITE if method == "tools/call" and levers.original_of(at, subject) in WRITES else READ
    if needed not in access.scopes:
        scopes = " ".join(sorted({*access.scopes, needed}))
        error = f'Bearer error="insufficient_scope", scope="{scopes}", resource_metadata="{metadata}"'
        return _challenge(403, error, "insufficient_scope")
    return access


def _challenge(status: int, header: str, error: str) -> Response:
    return json_response(status, {"error": error}, WWW_Authenticate=header)
