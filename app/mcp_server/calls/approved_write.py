"""Carries out an approved write, once: at once in the chat, or from the stored request for the page."""

import itertools
import logging
from collections.abc import Callable, Mapping
from typing import Any

from mcp_types import CallToolRequestParams
from pydantic_core import to_jsonable_python

from app import crypto, tracing
from app.approvals.carrying_out import NotCarriedOut
from app.approvals.decisions import ExecutionResult
from app.approvals.models import Approval
from app.config import Settings
from app.connectors.connector import Connector
from app.connectors.tool import Tool
from app.errors import (
    ApprovalNeeded,
    InvalidArguments,
    NotConnected,
    OutcomeUnknown,
    PatchbayError,
    PermissionDenied,
    ReconnectNeeded,
    ToolError,
    WorkspaceInactive,
)
from app.mcp_server import account_choice, envelope, member_caller
from app.mcp_server.calls import accounting, second_look, tenant_choice
from app.mcp_server.calls.accounting import Invocation
from app.mcp_server.calls.pagination import Cursors
from app.mcp_server.calls.service_call import PreparedCall, prepare
from app.mcp_server.envelope import ResultEnvelope
from app.mcp_server.protocol.errors import Refusal
from app.mcp_server.toolbox import Toolbox
from app.mcp_server.tools import active_business
from app.mcp_server.tools.spec import ListedTool
from app.oauth_server.callers import AuthenticatedCaller
from app.vault.visible_connections import visible_to

_MAY_WORK_LATER = (ApprovalNeeded, NotConnected, ReconnectNeeded)

log = logging.getLogger(__name__)


class ApprovedWrites:
    """Carries out stored requests with the current rights of their AI client. One per process."""

    def __init__(self, settings: Settings, toolbox: Toolbox) -> None:
        self._settings = settings
        self._toolbox = toolbox
        self._cursors = Cursors([settings.secret_key, *settings.secret_key_fallbacks])
        self._hub_url = f"{settings.public_url}/integrations"

    def execute(self, approval: Approval, arguments: Mapping[str, Any]) -> ExecutionResult:
        """Carries it out and returns how it ended. Raises NotCarriedOut when nothing was done and a later
        approval may work.
        """
        listed = self._toolbox.find(approval.workspace_id, approval.tool)
        if listed is None or listed.connector is None:
            return failed(
                approval.tool, PermissionDenied("This tool is no longer available. Nothing was changed.")
            )
        if listed.tool.version != approval.tool_version:
            return failed(
                approval.tool,
                PermissionDenied(
                    f"{approval.service} changed this tool after it was requested, so the approval no longer "
                    "counts. Nothing was changed. Ask your AI client again."
                ),
            )
        caller = self._caller_of(approval)
        if caller is None or (caller.user_id, caller.workspace_id) != (
            approval.user_id,
            approval.workspace_id,
        ):
            return failed(
                approval.tool,
                PermissionDenied(
                    "The AI client that requested this no longer has access. Nothing was changed."
                ),
            )
        if not listed.is_covered(caller):
            return failed(
                approval.tool,
                PermissionDenied(
                    "The AI client that requested this may no longer make changes. Nothing was changed."
                ),
            )
        try:
            account_choice.check_tool_selected(caller, listed, self._settings.public_url)
        except PermissionDenied as refused:
            return failed(approval.tool, refused)
        try:
            with tracing.tool_call(listed.name) as traced:
                ended = self._execute(approval, arguments, listed, listed.connector, caller)
                if ended.code != "ok":
                    traced.failed(ended.code)
                return ended
        except Refusal as refusal:
            raise NotCarriedOut(refusal.error.message) from refusal
        except PatchbayError as error:
            raise NotCarriedOut(error.message) from error

    def _caller_of(self, approval: Approval) -> AuthenticatedCaller | None:
        """Whoever requested it, with the rights now; an operator's key in the workspace of the request."""
        caller = member_caller.find(self._settings, approval.grant_id, approval.workspace_id)
        if caller is None or not caller.is_operator_key or caller.workspace_id == approval.workspace_id:
            return caller
        try:
            return tenant_choice.in_workspace(caller, approval.workspace_id)
        except (InvalidArguments, WorkspaceInactive):
            return None

    def _execute(
        self,
        approval: Approval,
        arguments: Mapping[str, Any],
        listed: ListedTool,
        connector: Connector,
        caller: AuthenticatedCaller,
    ) -> ExecutionResult:
        """Raises PatchbayError and Refusal (the limit) when nothing was done."""
        if not caller.workspace_active:
            raise PermissionDenied("This workspace was deactivated by the operator. Nothing was changed.")
        params = CallToolRequestParams(name=approval.tool, arguments=dict(arguments))
        invocation = Invocation(params, caller, accounting.begin(caller, listed), writes=listed.tool)
        prepared = self._prepare(approval, arguments, listed.tool, connector, caller)
        invocation.row.connection_id = prepared.connection.id
        invocation.used.append(prepared.connection.id)
        invocation.admit()
        try:
            ended = carry_out(self._settings, invocation, prepared, approval)
        except PatchbayError as error:
            invocation.settle(error.code)
            raise
        invocation.row.bytes = ResultEnvelope(ended.envelope).characters
        invocation.settle(ended.code)
        return ended

    def _prepare(
        self,
        approval: Approval,
        arguments: Mapping[str, Any],
        tool: Tool,
        connector: Connector,
        caller: AuthenticatedCaller,
    ) -> PreparedCall:
        """The call as displayed, checked again: same connection and business, equivalent arguments."""
        visible = visible_to(caller.workspace_id, caller.sees_as)
        mine = [c for c in visible if c.id == approval.connection_id]
        if mine and not caller.selection.includes(approval.connection_id):
            what = f"Nothing was changed: this {connector.name} connection is not selected"
            raise account_choice.not_selected(caller, what, self._settings.public_url)
        if not mine:
            raise NotConnected(
                f"{connector.name} is no longer connected, or not for the person who requested this. Nothing "
                "was changed."
            )
        given = dict(arguments)
        if approval.business_id is not None and connector.business is not None:
            given[connector.business.name] = approval.business_id
        params = CallToolRequestParams(name=approval.tool, arguments=given)
        prepared = prepare(
            self._settings, self._cursors, self._hub_url, tool, connector, mine, caller, params
        )
        business_id = prepared.business.id if prepared.business else None
        if (
            business_id != approval.business_id
            or canonical_arguments(tool, prepared.arguments, arguments) != arguments
        ):
            raise InvalidArguments(
                "This request no longer matches its tool. Reject it and ask your AI client again."
            )
        return prepared


def carry_out(
    settings: Settings, invocation: Invocation, prepared: PreparedCall, approval: Approval
) -> ExecutionResult:
    """Carries out an approved write and returns how it ended.

    Raises a PatchbayError when nothing was sent that could change anything and a later approval may work.
    """
    name = approval.tool
    given = canonical_arguments(prepared.tool, prepared.arguments, invocation.params.arguments or {})
    try:
        second_look.check(settings, invocation, prepared, approval, given)
        answer = invocation.run(prepared, new_key=_keys_of(approval), cancelled=lambda: False)
        return ExecutionResult(answer, "ok")
    except OutcomeUnknown as error:
        return failed(name, error, is_certain=False)
    except PatchbayError as error:
        if not invocation.wrote and (error.retryable or isinstance(error, _MAY_WORK_LATER)):
            raise
        explained: PatchbayError = error
        if isinstance(error, PermissionDenied) and prepared.business is not None:
            explained = active_business.explain(
                settings, invocation.caller, prepared.connection, prepared.business, error
            )
        return failed(name, explained)
    except Exception:  # the edge: it was approved, and somebody waits for the outcome
        invocation.log_defect()
        return failed(name, PatchbayError(), is_certain=not invocation.wrote)


def failed(name: str, error: PatchbayError, *, is_certain: bool = True) -> ExecutionResult:
    """The result of a write that was not done, or may or may not have been."""
    answer = envelope.failure(name, error)
    return ExecutionResult(answer, answer["error"]["code"], is_certain)


def canonical_arguments(tool: Tool, checked: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Checked arguments as JSON that means the same when checked again, defaults included; else as given."""
    jsonable: dict[str, Any] = to_jsonable_python(dict(checked))
    try:
        if to_jsonable_python(tool.parse(jsonable)) == jsonable:
            return jsonable
    except ToolError:
        log.warning("%s does not take its own checked arguments: they are kept as they were given", tool.verb)
    return {name: given[name] for name in checked if name in given}


def _keys_of(approval: Approval) -> Callable[[], str]:
    """Idempotency keys for one request after the other, the same however often it is carried out."""
    numbers = itertools.count(1)
    return lambda: crypto.digest(f"{approval.idempotency_key}:{next(numbers)}")[:32]
