"""A call of a service as its person lets it be done, who may be asked: by us before a write, by the service
while it works.
"""

from typing import Any

from app.errors import ApprovalNeeded
from app.mcp_server.calls import approval_gate, parked_calls
from app.mcp_server.calls.accounting import ClientInvocation
from app.mcp_server.calls.approval_gate import ApprovalGate
from app.mcp_server.calls.connect_prompt import UserInputRequired
from app.mcp_server.calls.parked_calls import Ended, ParkedCall, ParkedCalls
from app.mcp_server.calls.server_questions import PersonNextRound, person_at, shows_questions
from app.mcp_server.calls.service_call import PreparedCall


def once_approved(
    invocation: ClientInvocation, prepared: PreparedCall, gate: ApprovalGate, parked: ParkedCalls
) -> dict[str, Any]:
    """The envelope of the call; on a connection that asks before writing, once the person has approved it.

    Raises UserInputRequired with a question of ours or of the service, and ToolError.
    """
    invocation.person = person_at(invocation.exchange, prepared.connector.name)
    try:
        if approval_gate.is_needed(invocation.params, prepared):
            return gate.answer(invocation.exchange, invocation, prepared)
        return _run(invocation, prepared, parked)
    except UserInputRequired:
        invocation.settle(ApprovalNeeded.code)
        raise


def _run(invocation: ClientInvocation, prepared: PreparedCall, parked: ParkedCalls) -> dict[str, Any]:
    exchange, params, connection = invocation.exchange, invocation.params, prepared.connection
    name = prepared.connector.name
    if parked_calls.is_answer(params):
        return _counted(invocation, parked.go_on(exchange, params, name, connection))
    if not exchange.is_modern or not shows_questions(exchange):
        return invocation.run(prepared)
    if not prepared.connector.asks_while_running:
        return invocation.run(prepared, person=PersonNextRound(name, exchange, params, connection.id))

    def work(call: ParkedCall) -> Ended:
        person = PersonNextRound(name, exchange, params, connection.id, call.park)
        answer = invocation.run(prepared, person=person, cancelled=lambda: _has_left(invocation, call))
        row = invocation.row
        request = (row.upstream_endpoint, row.upstream_status, row.upstream_ms)
        return Ended(answer, request, invocation.wrote, invocation.blocks)

    return parked.run(name, connection, exchange.principal.key, work).envelope


def _has_left(invocation: ClientInvocation, call: ParkedCall) -> bool:
    """Whether the client left before the call had a question for it: then nobody waits for the outcome."""
    return call.number == 0 and invocation.exchange.is_cancelled()


def _counted(invocation: ClientInvocation, ended: Ended) -> dict[str, Any]:
    """The envelope of a call that another request began; the usage row says what was sent."""
    row = invocation.row
    row.upstream_endpoint, row.upstream_status, row.upstream_ms = ended.request
    invocation.wrote, invocation.blocks = ended.wrote, ended.blocks
    return ended.envelope
