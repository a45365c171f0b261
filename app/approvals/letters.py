"""The email to the person whose AI client asks: headline and account. All else needs a sign-in to read.

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
from app.approvals.stored_preview import preview_of
from app.config import Settings
from app.connectors.preview import reference
from app.database import transaction
from app.mail import Mailer
from app.web.times import exact

_RULE = Rule("approval mail", 3, 600)
_MOST_NAMED = 20
_LONGEST_LINE = 200


def send(settings: Settings, mailer: Mailer, approval: Approval) -> None:
    """Email the person this and their other unmailed requests; nothing after too many emails."""
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
        mailer.send(person.email, *_written(settings, waiting, person.time_zone or "UTC"))


def _written(settings: Settings, waiting: Sequence[Approval], zone: str) -> tuple[str, str]:
    """Subject and text."""
    headlines = [_cut(preview_of(settings, each).headline) for each in waiting[:_MOST_NAMED]]
    if len(waiting) == 1:
        subject = f"Approval requested: {headlines[0]}"
    else:
        subject = f"{len(waiting)} requests are waiting for your approval"
    named = [
        f"{headline}\n"
        f"{each.service}: {_line(_place(each))}\n"
        f"Requested by {_line(each.client_name) or 'an AI client'}, expires "
        f"{exact(each.until or each.created_at, zone)}\n"
        f"{settings.public_url}/approvals/{each.id}\n"
        for headline, each in zip(headlines, waiting, strict=False)
    ]
    rest = len(waiting) - len(named)
    more = f"and {rest} more\n\n" if rest else ""
    return subject, (
        "Nothing changes until you approve. Open a link to see the details, then approve or reject:\n\n"
        + "\n".join(named)
        + f"\n{more}All requests: {settings.public_url}/approvals\n\n"
        "You'll be asked to sign in. If you didn't ask an AI client for this, reject it.\n"
    )


def _place(approval: Approval) -> str:
    """The account, and the business in it unless they have one name."""
    names = (approval.account, approval.business if approval.business != approval.account else "")
    return "; ".join(filter(None, names))


def _line(text: str) -> str:
    return _cut(" ".join(visible(text).split()))


def _cut(line: str) -> str:
    """The line; the beginning of a long one, with a reference to the whole: no two read alike."""
    if len(line) <= _LONGEST_LINE:
        return line
    end = f"… (cut here, ref {reference(line)})"
    return line[: _LONGEST_LINE - len(end)].rstrip() + end
