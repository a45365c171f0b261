"""From "Approve" to the finished write: claimed first, then carried out in a thread of its own.

`mcp_server`, which is above this package, registers what carries a write out.
"""

import contextvars
import json
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, current_app

from app import persist
from app.approvals import decisions, rights
from app.approvals.decisions import Decider, ExecutionResult
from app.approvals.models import Approval
from app.config import Settings
from app.database import transaction
from app.errors import Unavailable
from app.vault.seal import unseal
from app.workspaces.guard import Member

Execute = Callable[[Approval, Mapping[str, Any]], ExecutionResult]
_NAME = "approvals.execute"
_PATIENCE_SECONDS = 2.5  # how long a page waits for the end before it says "Running…"

log = logging.getLogger(__name__)


class NotCarriedOut(Exception):
    """Nothing was sent to the service, and a later approval may work: the sentence says what prevents it."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        super().__init__(sentence)


def register(app: Flask, execute: Execute) -> None:
    """Set what carries out an approved write. It raises NotCarriedOut; anything else becomes the outcome."""
    app.extensions[_NAME] = execute


def approve(settings: Settings, member: Member, approval_id: str) -> Approval:
    """Approve on the page, and carry it out. Returns the request as it was. Does nothing if it is decided
    already.

    Waits for the end only a short while; the work continues then. Raises NotFound.
    """
    execute: Execute = current_app.extensions[_NAME]
    with transaction() as db:
        approval = rights.get(db, member, approval_id)
        token = decisions.claim(db, approval, _decider(member))
        if token is not None:
            db.refresh(approval)
    if token is not None:
        work = contextvars.copy_context().run
        # Not a daemon: a worker that has to stop finishes what was approved first.
        thread = threading.Thread(
            target=work, args=(_carry_out, settings, execute, approval, token), name="approved"
        )
        thread.start()
        thread.join(_PATIENCE_SECONDS)
    return approval


def reject(member: Member, approval_id: str) -> Approval:
    """Reject on the page. Does nothing if it is decided already. Raises NotFound."""
    with transaction() as db:
        approval = rights.get(db, member, approval_id)
        decisions.reject(db, approval, _decider(member))
    return approval


def _carry_out(settings: Settings, execute: Execute, approval: Approval, token: str) -> None:
    """Never raises; no caller is left to handle it. Retries to store while the process lives."""
    try:
        try:
            ended = execute(approval, json.loads(unseal(settings.vault_keys, approval, "arguments_sealed")))
        except NotCarriedOut as error:
            sentence = error.sentence
            persist.retry_until_stored(lambda: decisions.return_to_waiting(approval, token, sentence))
        else:
            persist.retry_until_stored(
                lambda: decisions.store_result(settings.vault_keys, approval, token, ended)
            )
    except Unavailable:
        log.error("how %s ended could not be stored yet; it is tried again", approval.id)
    except Exception:  # the edge of the thread: the row ends as unknown when its time is over
        log.exception("%s broke off while it was carried out", approval.id)


def _decider(member: Member) -> Decider:
    return Decider(member.user.id, member.user.name or member.user.email, "page")
