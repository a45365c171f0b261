"""The workspace of one call of an operator's key: the argument `tenant`, which every tool has for such keys.

The active tenant belongs to the key, so two programs with one key would move it under each other's feet. A
call that names its tenant is not concerned, and leaves the key where it is.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mcp_types import CallToolRequestParams

from app.database import reading
from app.errors import InvalidArguments, PatchbayError
from app.mcp_server.tools.spec import ListedTool
from app.oauth_server.callers import AuthenticatedCaller
from app.workspaces import finding

ARGUMENT = "tenant"
_LONGEST = 200
_SCHEMA = {
    "type": "string",
    "description": "Workspace of this call alone, by id or exact name; default: the active tenant.",
}


def in_workspace(caller: AuthenticatedCaller, id_or_name: str) -> AuthenticatedCaller:
    """An operator's key as it acts in that workspace. Raises InvalidArguments, WorkspaceInactive."""
    with reading() as db:
        workspace = finding.find_active(db, id_or_name)
    return replace(
        caller,
        workspace_id=workspace.id,
        workspace_name=workspace.name,
        workspace_active=True,
        tier=workspace.tier,
        per_minute=workspace.per_minute,
        per_day=workspace.per_day,
    )


def of_call(
    params: CallToolRequestParams,
    caller: AuthenticatedCaller,
    find: Callable[[AuthenticatedCaller, str], ListedTool | None],
) -> tuple[CallToolRequestParams, AuthenticatedCaller, PatchbayError | None]:
    """The call without its `tenant`, the caller in that workspace, and what is wrong with it, if anything.

    `find` looks the tool up in the active workspace: one with an argument of that name means its own.
    """
    given = params.arguments
    if not caller.is_operator_key or not isinstance(given, dict) or ARGUMENT not in given:
        return params, caller, None
    if _has_own(find(caller, params.name)):
        return params, caller, None
    name = given[ARGUMENT]
    params = params.model_copy(
        update={"arguments": {key: value for key, value in given.items() if key != ARGUMENT}}
    )
    if name in (None, ""):
        return params, caller, None
    if not isinstance(name, str) or len(name) > _LONGEST:
        return params, caller, InvalidArguments("tenant: give the id or exact name of one workspace.")
    try:
        return params, in_workspace(caller, name), None
    except PatchbayError as error:
        return params, caller, error


def with_argument(entry: dict[str, Any]) -> dict[str, Any]:
    """A tool's entry in tools/list with `tenant`, unless it has an argument of that name."""
    parameters = entry["inputSchema"]
    if ARGUMENT in parameters.get("properties", {}):
        return entry
    properties = {**parameters.get("properties", {}), ARGUMENT: _SCHEMA}
    return {**entry, "inputSchema": {**parameters, "properties": properties}}


def _has_own(listed: ListedTool | None) -> bool:
    return listed is not None and (
        listed.for_operators or ARGUMENT in listed.tool.input_schema.get("properties", {})
    )
