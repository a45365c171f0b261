"""The page of the trail: entries by day, a filter over them, and the result of the last verification."""

import logging
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from itertools import groupby
from typing import Protocol
from urllib.parse import urlencode

from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlmodel import Session

from app import clock
from app.activity import acts, sealing, trail, verifying
from app.activity.acts import Act
from app.activity.models import AuditChain
from app.activity.trail import TrailCursor, TrailFilter
from app.audit import AuditEntry
from app.config import Settings
from app.database import reading
from app.errors import InvalidInput, Unavailable
from app.web import times
from app.workspaces.guard import Member

log = logging.getLogger(__name__)
_PAGE_SIZE = 50
_LOOK_AHEAD = 20  # entries after the page, where the steps of its last acts may be
_STEP_SECONDS = 1.5  # how long one request may take; a long trail continues by itself
_RESUME_SECONDS = 900


class HeadlineSource(Protocol):
    """What the writes of approvals do, by approval id: of those that the member may decide."""

    def __call__(
        self, db: Session, settings: Settings, member: Member, ids: Collection[str]
    ) -> Mapping[str, str]:
        """Raises nothing; an approval that is gone is left out."""


@dataclass(frozen=True)
class Verification:
    """The state of the workspace's chain. Of a running verification: `done`, and the token to resume it."""

    count: int
    verified_at: datetime | None
    verified_count: int
    problem: str
    resume_token: str = ""
    done: int = 0

    @property
    def newer(self) -> int:
        """How many entries came after the last verification."""
        return max(0, self.count - self.verified_count)


@dataclass(frozen=True)
class ActivityPage:
    """The page. `further` is the URL of the next one, or None; `query` the filter as part of a URL."""

    days: list[tuple[date, list[Act]]]
    zone: tzinfo
    filter: TrailFilter
    person: str
    people: list[tuple[str, str]]
    kinds: list[tuple[str, str]]
    further: str | None
    query: str
    filtered: bool
    verification: Verification | None


def load(
    member: Member, settings: Settings, given: Mapping[str, str], headlines_of: HeadlineSource | None = None
) -> ActivityPage:
    """The page for a filter, with `?behind=` as the cursor. Raises InvalidInput for an invalid day."""
    trail_filter = filter_for(member, given)
    workspace_id = member.workspace.id
    seal_quietly(member)
    with reading() as db:
        found = trail.latest(db, trail_filter, _PAGE_SIZE + _LOOK_AHEAD)
        entries, older = found[:_PAGE_SIZE], found[_PAGE_SIZE:]
        around = trail.approvals_around(db, workspace_id, entries, acts.APPROVAL_SPAN)
        approvals = _listed(around, trail_filter)
        groups = acts.group(entries, older, approvals, _on_earlier_pages(approvals, trail_filter))
        names = trail.names_in(db, workspace_id, [*found, *approvals])
        ids = acts.approval_ids(groups)
        headlines = headlines_of(db, settings, member, ids) if ids and headlines_of else {}
        people = trail.people_of(db, workspace_id) if member.manages else []
        verification = _verification(db, workspace_id) if member.manages else None
    chosen = {name: given[name] for name in ("person", "kind", "since", "until") if given.get(name)}
    lines = [acts.describe(each, names, headlines) for each in groups]
    zone = trail_filter.zone
    return ActivityPage(
        days=[
            (day, list(of_day))
            for day, of_day in groupby(lines, key=lambda act: act.at.astimezone(zone).date())
        ],
        zone=zone,
        filter=trail_filter,
        person=given.get("person", ""),
        people=people,
        kinds=[(word, words) for word, words, _ in trail.KINDS],
        further="/activity?"
        + urlencode({**chosen, "behind": str(TrailCursor(entries[-1].at, entries[-1].id or 0))})
        if older
        else None,
        query=urlencode(chosen),
        filtered=bool(chosen),
        verification=verification,
    )


def _listed(approvals: Sequence[AuditEntry], trail_filter: TrailFilter) -> list[AuditEntry]:
    """All entries of the approvals of which at least one matches: those that have a line on some page."""
    listed = {entry.subject for entry in approvals if trail_filter.matches(entry)}
    return [entry for entry in approvals if entry.subject in listed]


def _on_earlier_pages(approvals: Sequence[AuditEntry], trail_filter: TrailFilter) -> set[int]:
    """The ids of those that match and are before the cursor: their act is on an earlier page."""
    behind = trail_filter.behind
    if behind is None:
        return set()
    return {
        entry.id or 0
        for entry in approvals
        if (entry.at, entry.id or 0) >= (behind.at, behind.id) and trail_filter.matches(entry)
    }


def filter_for(member: Member, given: Mapping[str, str]) -> TrailFilter:
    """The filter in a query string, within what the member may see. Raises InvalidInput for a wrong day."""
    since, until = _day(given.get("since"), "From"), _day(given.get("until"), "To")
    if since and until and since > until:
        raise InvalidInput("“From” must not be later than “To”.")
    person = given.get("person", "")
    person = person if re.fullmatch(r"[a-z0-9_]{0,64}", person) else "nobody"
    trail_filter = trail.allowed_filter(
        member, person=person, kind=given.get("kind", ""), since=since, until=until
    )
    zone = times.zone_of(member.user.time_zone)
    return replace(trail_filter, behind=TrailCursor.read(given.get("behind")), zone=zone)


def seal_quietly(member: Member) -> None:
    """Link new entries before they are shown. They are shown anyway if the database takes no writes."""
    try:
        sealing.seal([member.workspace.id])
    except Unavailable:
        log.warning("the audit trail could not be linked before it was shown")


def verification_of(member: Member) -> Verification:
    """The state of the chain of the member's workspace."""
    with reading() as db:
        return _verification(db, member.workspace.id)


def verify(settings: Settings, member: Member, place: str) -> Verification:
    """Verify the workspace's chain for a moment, from the start or from where an earlier step ended.

    At the end of the chain the verdict is stored. Raises Unavailable.
    """
    chain = member.workspace.id
    sealing.seal([chain, sealing.INSTALLATION])
    start = _resume_position(settings, chain, place)
    finding = verifying.walk(chain, start, seconds=_STEP_SECONDS)
    if finding.is_over:
        verifying.note(finding)
        return verification_of(member)
    with reading() as db:
        before = _verification(db, chain)
    resume_token = _serializer(settings).dumps([chain, finding.position.seq, finding.position.hash])
    return Verification(
        finding.of,
        before.verified_at,
        before.verified_count,
        before.problem,
        str(resume_token),
        finding.position.seq,
    )


def _resume_position(settings: Settings, chain: str, text: str) -> verifying.ChainPosition | None:
    """The signed position of a running verification. A foreign or missing one starts from the beginning."""
    try:
        of, seq, link = _serializer(settings).loads(text, max_age=_RESUME_SECONDS) if text else ("", 0, "")
    except (BadSignature, ValueError):
        return None
    return verifying.ChainPosition(seq, link) if of == chain else None


def _serializer(settings: Settings) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        [*reversed(settings.secret_key_fallbacks), settings.secret_key],
        salt="verification of the audit trail",
        signer=clock.ClockSigner,
    )


def _verification(db: Session, chain: str) -> Verification:
    head = db.get(AuditChain, chain)
    if head is None:
        return Verification(0, None, 0, "")
    return Verification(head.count, head.verified_at, head.verified_count or 0, head.problem)


def _day(text: str | None, label: str) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year <= clock.now().year + 1:
        raise InvalidInput(f"“{label}” must be a day such as 2026-11-18.")
    return day
