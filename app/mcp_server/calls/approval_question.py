"""The approval request as a question in the AI client's chat: a form without fields, and its answer."""

import json
from collections.abc import Mapping
from typing import Any

from mcp_types import (
    CallToolRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
)
from mcp_types.version import is_version_at_least

from app.approvals import argument_text
from app.approvals.models import Approval
from app.approvals.stored_preview import StoredPreview
from app.connectors.tool import Tool
from app.mcp_server.protocol.exchange import Exchange
from app.oauth_server.callers import AuthenticatedCaller
from app.vault.models import Connection
from app.web.times import exact

_QUESTION = "approve"
_FIRST_WITH_FORMS = "2025-06-18"
_LONGEST_ARGUMENTS = 3_000  # characters per question


def make(
    approval: Approval, arguments: Mapping[str, Any], tool: Tool, preview: StoredPreview, url: str
) -> InputRequiredResult:
    """The write as the page shows it: headline, facts looked up, arguments as sent, and the page's URL."""
    client = _line(approval.client_name) or "Your AI client"
    facts = "\n".join(f"{fact.label}: {argument_text.indented(fact.value)}" for fact in preview.facts)
    sent = argument_text.as_plain_text(
        argument_text.display(arguments, tool.input_schema), _LONGEST_ARGUMENTS
    )
    where = f"{approval.service} account: {approval.account}"
    if approval.business and approval.business != approval.account:
        where += f"; {approval.business}"
    lines = [
        f"{client} wants to do this in {approval.service}: {preview.headline}",
        _line(where),
        f"Looked up in {approval.service} on {exact(preview.looked_up_at)}\n{facts}"
        if facts and preview.looked_up_at
        else "",
        f"Sent by {client}\n{sent}" if sent else "",
        preview.warning,
        "This can't be undone." if approval.is_destructive else "",
        f"Accept runs it once, all of it. What is cut above can be read here first: {url}"
        if sent.endswith(argument_text.CUT)
        else f"Accept runs it once, exactly as above. To decide on a page instead: {url}",
    ]
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    question = ElicitRequest(
        params=ElicitRequestFormParams(message="\n\n".join(filter(None, lines)), requested_schema=schema)
    )
    return InputRequiredResult(
        input_requests={_QUESTION: question}, request_state=json.dumps({"approval": approval.id})
    )


def _line(text: str) -> str:
    return " ".join(argument_text.visible(text).split())


def answer_in(params: CallToolRequestParams) -> str | None:
    """The person's answer in the chat: accept, decline, cancel; None if there is none."""
    answer = (params.input_responses or {}).get(_QUESTION)
    return answer.action if isinstance(answer, ElicitResult) else None


def approval_id_in(params: CallToolRequestParams) -> str | None:
    """The approval an earlier round requested. Its state is sealed, so it comes back unaltered."""
    if params.request_state is None:
        return None
    found = json.loads(params.request_state).get("approval")
    return found if isinstance(found, str) else None


def may_decide(caller: AuthenticatedCaller, connection: Connection) -> bool:
    """Whether an answer in the chat may decide.

    Only a client that a person allowed on the consent page is trusted to pass on a person's answer. Whoever
    holds a personal token, API key or service token may be a script, which would answer for itself.
    """
    return caller.kind == "oauth" and not connection.approve_on_page


def can_ask(exchange: Exchange) -> bool:
    """Whether the client displays forms. In older revisions an empty declaration means forms."""
    capabilities = exchange.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    if elicitation is None or (elicitation.form is None and elicitation.url is not None):
        return False
    if exchange.is_modern:
        return True
    return is_version_at_least(exchange.version, _FIRST_WITH_FORMS) and exchange.can_send_request
