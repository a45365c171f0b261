"""The emails: what happened, since when, one link, and why the reader gets this. Plain text.

Times are in the reader's zone. Names that a service or a person chose become one line of visible text.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from app import clock
from app.accounts import plain_names
from app.accounts.letters import Letter
from app.accounts.models import User
from app.approvals.argument_text import visible
from app.approvals.models import Approval
from app.config import Settings
from app.connectors.services import services_of
from app.notifications.models import ConnectionNotice
from app.vault.models import Connection
from app.web.times import exact, local_times, names_moment

_MOST_NAMED = 20


@dataclass(frozen=True)
class NoticeItem:
    """A notice with the connection it is about."""

    notice: ConnectionNotice
    connection: Connection
    workspace: str

    @property
    def service(self) -> str:
        """The service's name."""
        connector = services_of(self.connection.workspace_id).find(self.connection.slug)
        return connector.name if connector else self.connection.slug.title()

    @property
    def words(self) -> str:
        """Xero (Demo Company), with the workspace."""
        account = _name(self.connection.label) or _name(self.connection.account_name)
        named = f"{self.service} ({account})" if account and account != self.service else self.service
        return f"{named} in {_name(self.workspace) or 'your workspace'}"


@dataclass(frozen=True)
class LetterPart:
    """One section of a notification email. `why` tells the reader why they got it."""

    subject: str
    body: str
    why: str


def joined(parts: Sequence[LetterPart]) -> Letter:
    """Combine everything that is due now into one email. Takes at least one part."""
    return Letter(
        "; ".join(part.subject for part in parts),
        "\n\n".join(part.body.rstrip("\n") for part in parts) + f"\n\n{parts[0].why}",
    )


def broken(settings: Settings, reader: User, items: Sequence[NoticeItem]) -> LetterPart:
    """To whoever can reconnect what broke."""
    names = [item.service for item in items]
    subject = f"{_named(names)} {'needs' if len(items) == 1 else 'need'} to be reconnected"
    return LetterPart(
        subject,
        "AI clients can't use "
        + ("this connection" if len(items) == 1 else "these connections")
        + " until you reconnect:\n\n"
        + _listed(items, lambda item: _what_broke(item, reader))
        + f"\nReconnect: {_link(settings, items)}",
        _why(settings, reader, items),
    )


def recovered(settings: Settings, reader: User, items: Sequence[NoticeItem]) -> LetterPart:
    """To whoever was emailed that it broke."""
    names = [item.service for item in items]
    return LetterPart(
        f"{_named(names)} {'works' if len(items) == 1 else 'work'} again",
        "AI clients can use "
        + ("this connection" if len(items) == 1 else "these connections")
        + " again. There's nothing you need to do:\n\n"
        + _listed(items, lambda item: "")
        + f"\nYour integrations: {_link(settings, items)}",
        _why(settings, reader, items, because="because we emailed you when it broke"),
    )


def digest(
    settings: Settings, reader: User, items: Sequence[NoticeItem], expired: Sequence[Approval]
) -> LetterPart:
    """At most once a day: what ends soon, and what nobody decided in time."""
    parts, subjects = [], []
    if items:
        ends = min(item.notice.about_at for item in items)
        subjects.append(
            f"{items[0].service} access ends in {_days(ends)}"
            if len(items) == 1
            else f"Access to {len(items)} services ends soon"
        )
        parts.append(
            "Access ends on a fixed date, no matter how often it's used. "
            "Reconnect before then to keep using it:\n\n"
            + _listed(items, lambda item: f"Ends {exact(item.notice.about_at, reader.time_zone)}")
            + f"\nReconnect: {_link(settings, items)}\n"
        )
    if expired:
        many = "1 approval" if len(expired) == 1 else f"{len(expired)} approvals"
        subjects.append(f"{many} expired")
        parts.append(
            "These requests expired before anyone approved or rejected them. Nothing was changed:\n\n"
            + "".join(f"- {_request(each)}\n" for each in expired[:_MOST_NAMED])
            + (f"and {len(expired) - _MOST_NAMED} more\n" if len(expired) > _MOST_NAMED else "")
            + f"\nYour approvals: {settings.public_url}/approvals\n"
        )
    because = "because you connected it" if items and len(items) == 1 else ""
    return LetterPart("; ".join(subjects), "\n".join(parts), _why(settings, reader, items, because=because))


def _what_broke(item: NoticeItem, reader: User) -> str:
    """The reason, with its times in the reader's time zone, and when it broke if the reason doesn't say."""
    reason = item.connection.last_error or f"{item.service} ended our access. Reconnect {item.service}."
    words = _line(local_times(reason, reader.time_zone), 500)
    if names_moment(reason):
        return words
    return f"{words}\n  Since {exact(item.notice.about_at, reader.time_zone)}."


def _listed(items: Sequence[NoticeItem], more: Callable[[NoticeItem], str]) -> str:
    lines = []
    for item in items[:_MOST_NAMED]:
        detail = more(item)
        lines.append(f"- {item.words}\n" + (f"  {detail}\n" if detail else ""))
    rest = len(items) - len(lines)
    return "".join(lines) + (f"and {rest} more\n" if rest else "")


def _named(names: Sequence[str]) -> str:
    """Xero; Xero and Stripe; 5 connections."""
    distinct = sorted(set(names))
    if len(names) == 1:
        return names[0]
    return " and ".join(distinct) if len(names) == len(distinct) == 2 else f"{len(names)} connections"


def _link(settings: Settings, items: Sequence[NoticeItem]) -> str:
    """The integrations page, at the card if there is one only."""
    anchor = f"#card-{items[0].connection.id}" if len(items) == 1 else ""
    return f"{settings.public_url}/integrations{anchor}"


def _request(approval: Approval) -> str:
    asker = _name(approval.client_name) or "an AI client"
    where = ", ".join(filter(None, (_line(approval.service), _name(approval.account))))
    return f"{_line(approval.title)} ({where}), requested by {asker}"


def _why(settings: Settings, reader: User, items: Sequence[NoticeItem], because: str = "") -> str:
    if not because:
        owns = all(item.connection.owner_id == reader.id for item in items)
        because = (
            "because you connected " + ("it" if len(items) == 1 else "them")
            if items and owns
            else "because you own this workspace, and whoever connected it no longer has access"
            if items
            else "because these requests were waiting for your approval"
        )
    return (
        f"You're receiving this email from {settings.brand_name} {because}.\n"
        f"Choose which emails you get: {settings.public_url}/account#notifications\n"
    )


def _days(ends_at: datetime) -> str:
    left = ends_at - clock.now()
    hours = round(left.total_seconds() / 3600)
    if hours < 36:
        return "1 hour" if hours <= 1 else f"{hours} hours"
    return f"{round(hours / 24)} days"


def _name(text: str) -> str:
    """A name that someone else chose, or "" if it contains a link: people trust links in our emails."""
    return _line(plain_names.in_mail(text, ""))


def _line(text: str, longest: int = 200) -> str:
    return " ".join(visible(text).split())[:longest]
