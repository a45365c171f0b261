"""Walk a chain from its first entry to its signed end, and name the first entry that is not as it was
written.

A walk can be interrupted and resumed (`ChainPosition`), so that a page checks a long chain in short requests.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import RowMapping, func, select, update
from sqlmodel import col

from app import audit, clock, database
from app.activity import sealing
from app.activity.models import NOTHING, AuditChain
from app.activity.sealing import BEGAN, INSTALLATION, LINK_COLUMNS, belongs
from app.audit import AuditEntry

_BATCH = 1_000


@dataclass(frozen=True)
class ChainPosition:
    """How far a walk is: the last checked entry and its hash."""

    seq: int = 0
    hash: str = NOTHING


@dataclass(frozen=True)
class Finding:
    """The result of a walk. `problem` is "" while all is as written; `is_over` when all is checked."""

    chain: str
    position: ChainPosition
    of: int  # how many entries the chain holds
    problem: str = ""
    is_over: bool = False


def walk(
    chain: str,
    start: ChainPosition | None = None,
    *,
    seconds: float | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
    begun: Mapping[str, int] | None = None,
    trust_end: bool = False,
) -> Finding:
    """Check a chain's entries in order, for at most `seconds`. Raises Unavailable.

    `begun` is the result of `times_begun`, for callers that walk many chains. `trust_end`: do not check the
    signature of the end, because its key is lost for good.
    """
    until = None if seconds is None else time.monotonic() + seconds
    position = start or ChainPosition()
    while True:
        head = head_of(chain)
        of = head.count if head else 0
        while position.seq < of:
            if until is not None and time.monotonic() >= until:
                return Finding(chain, position, of)
            rows = _rows(chain, position.seq, of)
            position, problem = _follow(position, rows)
            if not problem and not rows:
                problem = f"Entry {position.seq + 1:,} is missing."
            if problem:
                return Finding(chain, position, of, problem, is_over=True)
            progress(position.seq, of)
        times = times_begun(chain) if begun is None else begun
        verdict = _at_the_end(chain, head, position, times.get(chain, 0), trust_end=trust_end)
        if verdict is not None:
            return Finding(chain, position, of, verdict, is_over=True)


def note(finding: Finding) -> None:
    """Store the verdict of a finished walk, for the page. Raises Unavailable."""
    verdict = {"verified_at": clock.now(), "verified_count": finding.position.seq, "problem": finding.problem}
    with database.transaction() as db:
        db.execute(update(AuditChain).where(col(AuditChain.chain) == finding.chain).values(verdict))


def renew_signature(chain: str, *, even_unknown: bool = False) -> bool:
    """Re-sign the end of a chain with the current key. False if not needed. Verify first."""
    with database.transaction() as db:
        head: AuditChain | None = db.execute(
            select(AuditChain).where(col(AuditChain.chain) == chain).with_for_update()
        ).scalar()
        if head is None or audit.signer().is_present(head.signature):
            return False
        if audit.signer().accepts(head.signature, sealing.head_content(head)) or even_unknown:
            sealing.sign(head)
            return True
    return False


def chains() -> list[str]:
    """Every chain there is or was: with an end, with entries, or named by the installation's, the first."""
    entries = select(col(AuditEntry.workspace_id)).distinct()
    with database.reading() as db:
        known = {
            *db.scalars(select(col(AuditChain.chain))),
            *(each or INSTALLATION for each in db.scalars(entries)),
        }
    return sorted(known | times_begun().keys())


def holds(chain: str, anchor: ChainPosition) -> bool:
    """Whether the chain still has that entry with that hash, as it was noted down."""
    query = select(col(AuditEntry.hash)).where(belongs(chain), col(AuditEntry.seq) == anchor.seq)
    with database.reading() as db:
        return db.scalar(query) == anchor.hash


def is_signed_by_us() -> bool:
    """Whether SECRET_KEY, or one of its fallbacks, signed the audit trail: its end and its newest entry."""
    newest = select(AuditEntry).where(col(AuditEntry.signature).is_not(None))
    with database.reading() as db:
        entry = db.scalars(newest.order_by(col(AuditEntry.id).desc()).limit(1)).first()
    head = head_of(INSTALLATION)
    signed = [
        *([(head.signature, sealing.head_content(head))] if head else []),
        *([(entry.signature, audit.content_of(entry.model_dump()))] if entry else []),
    ]
    return all(audit.signer().accepts(*each) is not None for each in signed)


def _follow(position: ChainPosition, rows: list[RowMapping]) -> tuple[ChainPosition, str]:
    """The position after these entries, or the problem with the first that is not as it was written."""
    signer = audit.signer()
    for row in rows:
        seq = position.seq + 1
        if row["seq"] != seq:
            return position, f"Entry {seq:,} is missing."
        if row["previous"] != position.hash:
            return (
                position,
                f"{_named(row)} does not follow the one before it: one of the two was changed or put there "
                "afterwards.",
            )
        changed = row["hash"] != sealing.hash_of(seq, position.hash, row)
        if changed or (row["signature"] and signer.accepts(row["signature"], audit.content_of(row)) is False):  # type: ignore[arg-type]
            return position, f"{_named(row)} was changed after it was written."
        position = ChainPosition(seq, row["hash"])
    return position, ""


def times_begun(*chains: str) -> dict[str, int]:
    """How often the installation's trail records the beginning of these chains, or of all."""
    begun = select(col(AuditEntry.subject), func.count()).where(
        belongs(INSTALLATION), col(AuditEntry.action) == BEGAN
    )
    if chains:
        begun = begun.where(col(AuditEntry.subject).in_(chains))
    with database.reading() as db:
        return dict(db.execute(begun.group_by(col(AuditEntry.subject))).all())  # type: ignore[arg-type]


def _at_the_end(
    chain: str, head: AuditChain | None, position: ChainPosition, times: int, *, trust_end: bool
) -> str | None:
    """The problem with the end of a chain: "" for none, None if the chain has grown meanwhile."""
    with database.reading() as db:
        count, last = db.execute(
            select(
                select(col(AuditChain.count)).where(col(AuditChain.chain) == chain).scalar_subquery(),
                select(func.max(col(AuditEntry.seq))).where(belongs(chain)).scalar_subquery(),
            )
        ).one()
    last = last or 0
    if head is None or count is None:
        gone = last or times
        return "The end of the trail is missing, and with it the proof that it is complete." if gone else ""
    if count > head.count:
        return None
    if last > count:
        return f"Entry {count + 1:,} was put there afterwards."
    if position.hash != head.hash:
        return (
            f"Entry {position.seq:,} is not the one the trail ended with: it was changed, or later entries "
            "were removed."
        )
    if not trust_end:
        accepted = audit.signer().accepts(head.signature, sealing.head_content(head))
        if accepted is None:
            return (
                "The end of the trail was signed with a SECRET_KEY that is not in use. Put the old key "
                "into SECRET_KEY_FALLBACKS."
            )
        if not accepted:
            return (
                f"The end of the trail at entry {head.count:,} does not bear our signature: entries "
                "were changed or removed."
            )
    if times > 1:
        return "The trail was begun a second time: its earlier entries were removed."
    return _strangers(chain)


def _strangers(chain: str) -> str:
    """The problem with entries that wait to be linked and never will be, since we did not write them."""
    query = (
        select(*LINK_COLUMNS)
        .where(belongs(chain), col(AuditEntry.seq).is_(None))
        .order_by(col(AuditEntry.id))
    )
    with database.reading() as db:
        for row in db.execute(query).mappings():
            if not sealing.is_waiting(row):
                return f"{_named(row)} was not written by this installation."
    return ""


def head_of(chain: str) -> AuditChain | None:
    """The signed end of a chain."""
    with database.reading() as db:
        found: AuditChain | None = db.get(AuditChain, chain)
    return found


def _rows(chain: str, after: int, up_to: int) -> list[RowMapping]:
    query = select(*LINK_COLUMNS).where(
        belongs(chain), col(AuditEntry.seq) > after, col(AuditEntry.seq) <= up_to
    )
    with database.reading() as db:
        return list(db.execute(query.order_by(col(AuditEntry.seq)).limit(_BATCH)).mappings())


def _named(row: RowMapping) -> str:
    position = f"Entry {row['seq']:,}" if row["seq"] else f"An entry without a place (id {row['id']})"
    return f"{position} ({row['action']}, {row['at']:%Y-%m-%d %H:%M} UTC)"
