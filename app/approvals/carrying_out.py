"""From a press of "Approve" to the write being done: claimed first, then carried out in a thread of its own.

What carries a write out is registered by `mcp_server`, which stands above this package.
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
from app.approvals.decisions import Decider, Ended
from app.approvals.models import Approval
from app.config import Settings
from app.database import transaction
from app.errors import Unavailable
from app.vault.seal import unseal
from app.workspaces.guard import Member

Execute = Callable[[Approval, Mapping[str, Any]], Ended]
_NAME = "approvals.execute"
_PATIENCE_SECONDS = 2.5  # how long a page waits for the end before it says "Running…"

log = logging.getLogger(__name__)


class NotCarriedOut(Exception):
    """Nothing was sent to the service, and a later yes may work: the sentence says what is in the way."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        super().__init__(sentence)


def register(app: Flask, execute: Execute) -> None:
    """Say what carries out an approved write. It raises NotCarriedOut, and turns everything else into how
    it ended.
    """
    app.extensions[_NAME] = execute


def approve(settings: Settings, member: Member, approval_id: str) -> Approval:
    """Say yes on the page, and carry it out. Gives the request as it was; when it was decided already,
    nothing happens.

    Returns when it has ended or after a short while; it goes on then. Raises NotFound.
    """
    execute: Execute = current_app.extensions[_NAME]
    with transaction() as db:
        approval = rights.get(db, member, approval_id)
        token = decisions.claim(db, approval, _decider(member))
        if token is not None:
            db.refresh(approval)
    if token is not None:
        work = contextvars.copy_context().run
        # Not a daemon: a worker that is told to stop ends what was approved first.
        thread = threading.Thread(
            target=work, args=(_carry_out, settings, execute, approval, token), name="approved"
        )
        thread.start()
        thread.join(_PATIENCE_SECONDS)
    return approval


def reject(member: Member, approval_id: str) -> Approval:
    """Say no on the page. When it was decided already, nothing happens. Raises NotFound."""
    with transaction() as db:
        approval = rights.get(db, member, approval_id)
        decisions.reject(db, approval, _decider(member))
    return approval


def _carry_out(settings: Settings, execute: Execute, approval: Approval, token: str) -> None:
    """Never raises: there is nobody to hear it. What cannot be stored now is tried again while the process
    lives.
    """
    try:
        try:
            ended = execute(approval, json.loads(unseal(settings.vault_keys, approval, "arguments_sealed")))
        except NotCarriedOut as error:
            sentence = error.sentence
            persist.until_done(lambda: decisions.give_back(approval, token, sentence))
        else:
            persist.until_done(lambda: decisions.settle(settings.vault_keys, approval, token, ended))
    except Unavailable:
        log.error("how %s ended could not be stored yet; it is tried again", approval.id)
    except Exception:  # the edge of the thread: the row ends as unknown when its time is over
        log.exception("%s broke off while it was carried out", approval.id)


def _decider(member: Member) -> Decider:
    return Decider(member.user.id, member.user.name or member.user.email, "page")
