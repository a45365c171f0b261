"""The approval gate of a connection that asks before writing: the person decides in the chat if the client
can ask, else by a link.

The answer in the chat, the page, and the page from the mail decide on one row (`app.approvals`), so that the
first decision counts and the others display its result. Before the person is asked, the service is: the
tool's preview says what would happen, or why it cannot.
"""

import json
import logging
import time
from typing import Any

from mcp_types import CallToolRequestParams

from app import persist
from app.approvals import decisions, letters, models, requests
from app.approvals.decisions import Decider, ExecutionResult
from app.approvals.models import Approval
from app.approvals.requests import ProposedWrite
from app.approvals.stored_preview import preview_of
from app.config import Settings
from app.connectors.preview import defaults_of
from app.database import reading, transaction
from app.errors import ApprovalNeeded, OutcomeUnknown, PatchbayError, PermissionDenied, Unavailable
from app.mail import Mailer
from app.mcp_server.calls import approval_question, approved_write
from app.mcp_server.calls.accounting import Invocation
from app.mcp_server.calls.connect_prompt import UserInputRequired
from app.mcp_server.calls.service_call import PreparedCall
from app.mcp_server.protocol.exchange import Exchange
from app.oauth_server.callers import AuthenticatedCaller
from app.vault.seal import unseal
from app.web.times import exact

_PATIENCE_SECONDS, _POLL_SECONDS = 10.0, 0.25

log = logging.getLogger(__name__)


def is_needed(params: CallToolRequestParams, prepared: PreparedCall) -> bool:
    """Whether this call needs approval: by the connection's level, or requested before that changed."""
    return not prepared.tool.reads_only and (
        prepared.connection.permission == "ask" or approval_question.approval_id_in(params) is not None
    )


class ApprovalGate:
    """Asks the person to approve writes. One per process; stores nothing of a call."""

    def __init__(self, settings: Settings, mailer: Mailer) -> None:
        self._settings = settings
        self._mailer = mailer

    def answer(self, exchange: Exchange, invocation: Invocation, prepared: PreparedCall) -> dict[str, Any]:
        """The envelope of a write that was approved and carried out.

        Raises UserInputRequired (the question for the chat), ApprovalNeeded with the link, PermissionDenied
        after a rejection.
        """
        caller, params = invocation.caller, invocation.params
        in_chat = approval_question.may_decide(caller, prepared.connection)
        approval = _earlier_approval(caller, params, prepared)
        if approval is None:
            approval = self.request(invocation, prepared)
            if approval.state == models.WAITING and in_chat and approval_question.can_ask(exchange):
                raise UserInputRequired(
                    approval_question.make(
                        approval,
                        _act(params, prepared).arguments,
                        prepared.tool,
                        preview_of(self._settings, approval),
                        self._url(approval),
                    )
                )
        elif (
            approval.state == models.WAITING
            and in_chat
            and (answer := approval_question.answer_in(params)) is not None
        ):
            decided = self._decide(answer, approval, invocation, prepared)
            if isinstance(decided, dict):
                return decided
            approval = decided
        if approval.state == models.RUNNING:
            approval = _wait(caller, approval, invocation.exchange)
        return self._result_of(approval, caller)

    def request(self, invocation: Invocation, prepared: PreparedCall) -> Approval:
        """The open request for this write, or a new one once its preview was looked up at the service.

        Looked up once per request, outside any transaction: a repeated call finds the request first. What
        the look-up raises is the answer, so that nobody approves what cannot work.
        """
        act = _act(invocation.params, prepared)
        found = requests.find_open(self._settings, invocation.caller, act)
        if found is not None:
            return found
        return requests.create(self._settings, invocation.caller, act, invocation.preview(prepared))

    def _decide(
        self, answer: str, approval: Approval, invocation: Invocation, prepared: PreparedCall
    ) -> dict[str, Any] | Approval:
        """Applies the chat's answer. Returns the result, or the approval when somebody else decided first."""
        caller = invocation.caller
        decider = Decider(caller.user_id, caller.email, "chat")
        with transaction() as db:
            token = decisions.claim(db, approval, decider) if answer == "accept" else None
            if answer != "accept":
                decisions.reject(db, approval, decider)
        if token is None:
            return requests.find(caller, approval.id) or approval
        try:
            ended = approved_write.carry_out(self._settings, invocation, prepared, approval)
        except PatchbayError as error:  # nothing was sent: it waits for a decision again
            sentence = error.message
            persist.retry_until_stored(lambda: decisions.return_to_waiting(approval, token, sentence))
            if isinstance(error, ApprovalNeeded):  # what was approved has changed
                raise ApprovalNeeded(
                    f"{sentence} Make the same call again: it asks with the new details.",
                    details={"state": models.WAITING, "approval_url": self._url(approval)},
                ) from None
            raise
        _store_outcome(self._settings, approval, token, ended)
        return dict(ended.envelope)

    def _result_of(self, approval: Approval, caller: AuthenticatedCaller) -> dict[str, Any]:
        """The result for the AI client, by the approval's current state."""
        who = (
            (f"{approval.decided_by_name or 'the person'} at {exact(approval.decided_at)}")
            if approval.decided_at
            else "the person"
        )
        if approval.state == models.WAITING:
            raise self._link(approval, caller)
        if approval.state == models.RUNNING:
            raise ApprovalNeeded(
                f"Approved by {who} and running now. Make the same call again in a few seconds to get the "
                "result.",
                details={"state": approval.state, "approval_url": self._url(approval)},
            )
        if approval.state == models.REJECTED:
            raise PermissionDenied(
                f"Rejected by {who}. Nothing was changed. Don't call it again unless the person asks for it.",
                details={"state": approval.state},
            )
        if approval.state == models.EXPIRED:
            raise ApprovalNeeded(
                "The approval request expired after 24 hours. Nothing was changed. Make the same call again "
                "to request approval again."
            )
        if not approval.outcome_sealed:
            raise OutcomeUnknown(
                f"Approved by {who}, but {approval.service} may or may not have done it: check there "
                "before trying again."
            )
        stored: dict[str, Any] = json.loads(unseal(self._settings.vault_keys, approval, "outcome_sealed"))
        if stored["success"]:
            return {**stored, "message": f"Approved by {who} and done. {stored['message']}"}
        how = "the outcome is unknown" if approval.state == models.UNKNOWN else "it failed"
        return {
            **stored,
            "error": {
                **stored["error"],
                "message": f"Approved by {who}, but {how}. {stored['error']['message']}",
            },
        }

    def _link(self, approval: Approval, caller: AuthenticatedCaller) -> ApprovalNeeded:
        """The error with the link in its message; the person also gets it by mail, once."""
        if approval.mailed_at is None and not caller.is_operator_key:
            letters.send(self._settings, self._mailer, approval)
        whom = (
            "an owner or admin of the workspace"
            if caller.is_operator_key
            else f"the person, signed in as {caller.email},"
        )
        until, iso = (
            (exact(approval.until), approval.until.isoformat(timespec="seconds"))
            if approval.until
            else ("", "")
        )
        return ApprovalNeeded(
            f"Nothing was changed yet: this {approval.service} connection asks before writing. Ask {whom} to "
            f"open {self._url(approval)} and approve it there; it runs at once. Then make the same call "
            f"again to get the result. The request expires on {until}.",
            details={
                "state": approval.state,
                # here and not in the message, which holds no text that others wrote
                "headline": preview_of(self._settings, approval).headline,
                "approval_url": self._url(approval),
                "expires_at": iso,
                "service": approval.slug,
            },
        )

    def _url(self, approval: Approval) -> str:
        return f"{self._settings.public_url}/approvals/{approval.id}"


def _store_outcome(settings: Settings, approval: Approval, token: str, ended: ExecutionResult) -> None:
    """Stores the outcome, even while the database is unavailable: the client gets the answer anyway."""
    try:
        persist.retry_until_stored(
            lambda: decisions.store_result(settings.vault_keys, approval, token, ended, delivered=True)
        )
    except Unavailable:
        log.error("how %s ended could not be stored yet; it is tried again", approval.id)


def _earlier_approval(
    caller: AuthenticatedCaller, params: CallToolRequestParams, prepared: PreparedCall
) -> Approval | None:
    """The approval an earlier round requested. None if expired, or if the call now means another account or
    its tool has changed.
    """
    before = approval_question.approval_id_in(params)
    known = requests.find(caller, before) if before else None
    if known is None or known.state == models.EXPIRED:
        return None
    business_id = prepared.business.id if prepared.business else None
    requested = (known.connection_id, known.business_id, known.tool_version)
    return known if requested == (prepared.connection.id, business_id, prepared.tool.version) else None


def _act(params: CallToolRequestParams, prepared: PreparedCall) -> ProposedWrite:
    connector, business = prepared.connector, prepared.business
    return ProposedWrite(
        tool=prepared.tool.name_in(connector.slug),
        version=prepared.tool.version,
        title=prepared.tool.title,
        slug=connector.slug,
        service=connector.name,
        connection_id=prepared.connection.id,
        account=prepared.account,
        business_id=business.id if business else None,
        business=business.name if business else "",
        is_destructive=prepared.tool.destructive,
        arguments=approved_write.canonical_arguments(
            prepared.tool, prepared.arguments, params.arguments or {}
        ),
        defaults=defaults_of(prepared.tool.input_schema),
    )


def _wait(caller: AuthenticatedCaller, approval: Approval, exchange: Exchange | None) -> Approval:
    """The approval once ended, or as it is after a while. Holds no database connection between polls."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end and not (exchange and exchange.is_cancelled()):
        with reading() as db:
            now = db.get(Approval, approval.id)
        if now is None or now.state != models.RUNNING:
            break
        time.sleep(_POLL_SECONDS)
    return requests.find(caller, approval.id) or approval
