"""What the page of the trail shows: entries by day with a filter over them, and what the last verification
said.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby
from urllib.parse import urlencode

from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlmodel import Session

from app import clock
from app.activity import sealing, trail, verifying
from app.activity.models import AuditChain
from app.activity.sentences import facts, sentence
from app.activity.trail import Asked, Place
from app.config import Settings
from app.database import reading
from app.errors import InvalidInput, Unavailable
from app.workspaces.guard import Member

log = logging.getLogger(__name__)
_A_PAGE = 50
_STEP_SECONDS = 1.5  # what one press of the button may take; a long trail goes on by itself
_GO_ON_SECONDS = 900


@dataclass(frozen=True)
class Line:
    """One entry as the page tells it."""

    id: int
    at: datetime
    sentence: str
    facts: list[tuple[str, str]]


@dataclass(frozen=True)
class Proof:
    """How the chain of the workspace stands. `go_on` is the place of a verification under way, `done` how
    far it is.
    """

    count: int
    verified_at: datetime | None
    verified_count: int
    problem: str
    go_on: str = ""
    done: int = 0

    @property
    def newer(self) -> int:
        """How many entries came after the last verification."""
        return max(0, self.count - self.verified_count)


@dataclass(frozen=True)
class Shown:
    """The page. `further` is the address of the next one, or None; `query` the filter as part of an
    address.
    """

    days: list[tuple[date, list[Line]]]
    asked: Asked
    person: str
    people: list[tuple[str, str]]
    kinds: list[tuple[str, str]]
    further: str | None
    query: str
    filtered: bool
    proof: Proof | None


def load(member: Member, given: Mapping[str, str]) -> Shown:
    """The page for a filter, with `?behind=` to go on. Raises InvalidInput for a day that is none."""
    asked = asked_for(member, given)
    seal_quietly(member)
    with reading() as db:
        entries = trail.latest(db, asked, _A_PAGE + 1)
        names = trail.names_in(db, member.workspace.id, entries)
        people = trail.people_of(db, member.workspace.id) if member.manages else []
        proof = _proof(db, member.workspace.id) if member.manages else None
    more, entries = len(entries) > _A_PAGE, entries[:_A_PAGE]
    chosen = {name: given[name] for name in ("person", "kind", "since", "until") if given.get(name)}
    lines = [Line(entry.id or 0, entry.at, sentence(entry, names), facts(entry)) for entry in entries]
    return Shown(
        days=[(day, list(of_day)) for day, of_day in groupby(lines, key=lambda line: line.at.date())],
        asked=asked,
        person=given.get("person", ""),
        people=people,
        kinds=[(word, words) for word, words, _ in trail.KINDS],
        further="/activity?"
        + urlencode({**chosen, "behind": str(Place(entries[-1].at, entries[-1].id or 0))})
        if more
        else None,
        query=urlencode(chosen),
        filtered=bool(chosen),
        proof=proof,
    )


def asked_for(member: Member, given: Mapping[str, str]) -> Asked:
    """The question in an address, as far as this member may put it. Raises InvalidInput for a day that is
    none.
    """
    since, until = _day(given.get("since"), "From"), _day(given.get("until"), "To")
    if since and until and since > until:
        raise InvalidInput("“From” is later than “To”. Swap the two days.")
    person = given.get("person", "")
    person = person if re.fullmatch(r"[a-z0-9_]{0,64}", person) else "nobody"
    asked = trail.asked_by(member, person=person, kind=given.get("kind", ""), since=since, until=until)
    return replace(asked, behind=Place.read(given.get("behind")))


def seal_quietly(member: Member) -> None:
    """Link what was just written before it is shown. The page is shown all the same while the database
    takes no writes.
    """
    try:
        sealing.seal([member.workspace.id])
    except Unavailable:
        log.warning("the audit trail could not be linked before it was shown")


def proof_of(member: Member) -> Proof:
    """How the chain of the member's workspace stands."""
    with reading() as db:
        return _proof(db, member.workspace.id)


def verify(settings: Settings, member: Member, place: str) -> Proof:
    """Verify the workspace's chain for a moment; from the start, or from the place an earlier moment ended
    with.

    The verdict is kept when the end was reached. Raises Unavailable.
    """
    chain = member.workspace.id
    sealing.seal([chain, sealing.INSTALLATION])
    start = _place(settings, chain, place)
    finding = verifying.walk(chain, start, seconds=_STEP_SECONDS)
    if finding.is_over:
        verifying.note(finding)
        return proof_of(member)
    with reading() as db:
        before = _proof(db, chain)
    go_on = _serializer(settings).dumps([chain, finding.place.seq, finding.place.hash])
    return Proof(
        finding.of, before.verified_at, before.verified_count, before.problem, str(go_on), finding.place.seq
    )


def _place(settings: Settings, chain: str, text: str) -> verifying.Place | None:
    """The signed place of a verification under way; one of another chain, or none at all, begins at the
    start.
    """
    try:
        of, seq, link = _serializer(settings).loads(text, max_age=_GO_ON_SECONDS) if text else ("", 0, "")
    except (BadSignature, ValueError):
        return None
    return verifying.Place(seq, link) if of == chain else None


def _serializer(settings: Settings) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        [*reversed(settings.secret_key_fallbacks), settings.secret_key],
        salt="verification of the audit trail",
    )


def _proof(db: Session, chain: str) -> Proof:
    head = db.get(AuditChain, chain)
    if head is None:
        return Proof(0, None, 0, "")
    return Proof(head.count, head.verified_at, head.verified_count or 0, head.problem)


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
