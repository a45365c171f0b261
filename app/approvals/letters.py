"""The mail to the person whose AI client asks. It names tools and accounts; arguments need a sign-in to read.

A request is mailed once. Several unmailed requests share one mail, and after three mails in ten minutes the
rest stay on the page only, so that a client in a loop fills no mailbox.
"""

from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import col

from app import clock
from app.accounts import budgets
from app.accounts.budgets import BudgetSpent, Rule
from app.accounts.models import User
from app.approvals import models
from app.approvals.argument_text import visible
from app.approvals.models import Approval
from app.config import Settings
from app.database import transaction
from app.mail import Mailer
from app.web.look import exact

_RULE = Rule("approval mail", 3, 600)
_MOST_NAMED = 20


def send(settings: Settings, mailer: Mailer, approval: Approval) -> None:
    """Mail the person this and their other unmailed requests; nothing after too many mails."""
    with transaction() as db:
        try:
            budgets.take(db, settings, _RULE, approval.workspace_id, approval.user_id)
        except BudgetSpent:
            return
        unmailed = (
            select(Approval)
            .where(
                col(Approval.workspace_id) == approval.workspace_id,
                col(Approval.user_id) == approval.user_id,
                col(Approval.state) == models.WAITING,
                col(Approval.until) > clock.now(),
                col(Approval.mailed_at).is_(None),
            )
            .order_by(col(Approval.created_at))
            .with_for_update(skip_locked=True)
        )
        waiting = list(db.execute(unmailed).scalars())
        for each in waiting:
            each.mailed_at = clock.now()
        person = db.get(User, approval.user_id)
    if waiting and person is not None:
        mailer.send(person.email, *_written(settings, waiting))


def _written(settings: Settings, waiting: Sequence[Approval]) -> tuple[str, str]:
    """Subject and text."""
    first = waiting[0]
    client = _line(first.client_name) or "Your AI client"
    if len(waiting) == 1:
        subject = f"{client} asks for your yes: {_line(first.title)}"
    else:
        subject = f"{len(waiting)} requests of your AI clients wait for your yes"
    named = [
        f"{_line(each.title)} ({each.service}, {_line(each.account)})\n"
        f"asked by {_line(each.client_name) or 'an AI client'}, waits until "
        f"{exact(each.until or each.created_at)}\n"
        f"{settings.public_url}/approvals/{each.id}\n"
        for each in waiting[:_MOST_NAMED]
    ]
    rest = len(waiting) - len(named)
    more = f"and {rest} more\n\n" if rest else ""
    return subject, (
        "Nothing was done yet. Open a link to see what would be done, and approve or reject it there:\n\n"
        + "\n".join(named)
        + f"\n{more}All that waits: {settings.public_url}/approvals\n\n"
        "The links need you to sign in. You did not ask an AI client for this? Reject it there.\n"
    )


def _line(text: str) -> str:
    return " ".join(visible(text).split())[:200]
