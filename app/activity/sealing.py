"""Link entries into the chain of their workspace, a moment after they were written."""

import hashlib
import json
import logging
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import ColumnElement, RowMapping, bindparam, func, select, update
from sqlmodel import Session, col

from app import audit, clock, database
from app.activity.models import NOTHING, AuditChain
from app.audit import AuditEntry

log = logging.getLogger(__name__)

INSTALLATION = ""  # the chain of entries without a workspace
BEGAN = "audit.chain_began"
_BATCH = 500
# Entries without a signature come from the release before signing. They are accepted for a day after the
# first start.
_UNSIGNED_TAKEN_FOR = timedelta(days=1)
_TABLE = AuditEntry.__table__  # type: ignore[attr-defined]
LINK_COLUMNS = tuple(_TABLE.c)


def belongs(chain: str) -> ColumnElement[bool]:
    """The condition on entries of a chain."""
    return col(AuditEntry.workspace_id) == chain if chain else col(AuditEntry.workspace_id).is_(None)


def seal(chains: Iterable[str] | None = None) -> int:
    """Link what is not linked yet, in these chains or in all. Returns how many entries. Raises Unavailable.

    One short transaction per batch holds the lock of one chain's end, and no other.
    """
    linked = 0
    for chain in _unsealed(chains):
        after: int | None = 0
        while after is not None:
            with database.transaction() as db:
                count, after = _seal_batch(db, chain, after)
            linked += count
    return linked


def _unsealed(chains: Iterable[str] | None) -> list[str]:
    """The chains with entries to link. Reads one partial index, which is nearly always empty."""
    found = select(col(AuditEntry.workspace_id)).where(col(AuditEntry.seq).is_(None)).distinct()
    with database.reading() as db:
        waiting = {workspace_id or INSTALLATION for workspace_id in db.scalars(found)}
    return sorted(waiting if chains is None else waiting & set(chains))


def _seal_batch(db: Session, chain: str, after: int) -> tuple[int, int | None]:
    """Link up to a batch after entry `after`. Returns how many, and where to go on (None: at the end)."""
    head = _locked_head(db, chain)
    if head is None:
        return 0, None
    query = select(*LINK_COLUMNS).where(
        belongs(chain), col(AuditEntry.seq).is_(None), col(AuditEntry.id) > after
    )
    rows = db.execute(query.order_by(col(AuditEntry.id)).limit(_BATCH)).mappings().all()
    links = []
    may_be_unsigned = _takes_unsigned(db)
    for row in rows:
        if not _is_ours(row, may_be_unsigned=may_be_unsigned):
            log.error(
                "entry %s of the audit trail was not written by this installation: it is not linked",
                row["id"],
            )
            continue
        head.count += 1
        link = hash_of(head.count, head.hash, row)
        links.append({"entry_id": row["id"], "seq": head.count, "previous": head.hash, "hash": link})
        head.hash = link
    if links:
        statement = update(_TABLE).where(_TABLE.c.id == bindparam("entry_id"), _TABLE.c.seq.is_(None))
        db.connection().execute(
            statement.values({name: bindparam(name) for name in ("seq", "previous", "hash")}), links
        )
        sign(head)
    return len(links), rows[-1]["id"] if len(rows) == _BATCH else None


def _locked_head(db: Session, chain: str) -> AuditChain | None:
    """The locked end of a chain, begun if need be. None after tampering: then nothing more is linked."""
    values = {
        "chain": chain,
        "count": 0,
        "hash": NOTHING,
        "began_at": clock.now(),
        "signature": "",
        "problem": "",
    }
    is_new = (
        db.execute(
            database.upsert_into(AuditChain)
            .values(values)
            .on_conflict_do_nothing()
            .returning(col(AuditChain.chain))
        ).first()
        is not None
    )
    head: AuditChain = db.execute(
        select(AuditChain).where(col(AuditChain.chain) == chain).with_for_update()
    ).scalar_one()
    if is_new:
        if db.scalar(select(func.count()).where(belongs(chain), col(AuditEntry.seq).is_not(None))):
            log.error("the end of the audit trail of %s is gone", chain or "the installation")
            db.delete(head)
            return None
        if chain != INSTALLATION:
            # So that a whole chain cannot vanish without a trace.
            audit.record(db, BEGAN, subject=chain)
        sign(head)
    elif not audit.signer().accepts(head.signature, head_content(head)):
        log.error(
            "the end of the audit trail of %s is not the one that was signed: run `audit verify`",
            chain or "the installation",
        )
        return None
    return head


def _takes_unsigned(db: Session) -> bool:
    began_at = db.scalar(select(col(AuditChain.began_at)).where(col(AuditChain.chain) == INSTALLATION))
    return began_at is None or clock.now() < began_at + _UNSIGNED_TAKEN_FOR


def _is_ours(row: RowMapping, *, may_be_unsigned: bool) -> bool:
    if row["signature"] is None:
        return may_be_unsigned
    return audit.signer().accepts(row["signature"], audit.content_of(row)) is True  # type: ignore[arg-type]


def is_waiting(row: RowMapping) -> bool:
    """Whether an entry that is not linked yet is at least ours."""
    return _is_ours(row, may_be_unsigned=False)


def hash_of(seq: int, previous: str, row: RowMapping) -> str:
    """The link of an entry: SHA-256 over its number, the previous link, its signature and its content."""
    head = f"{seq}\n{previous}\n{row['signature'] or ''}\n".encode()
    return hashlib.sha256(head + audit.content_of(row)).hexdigest()  # type: ignore[arg-type]


def head_content(head: AuditChain) -> bytes:
    """The signed content of a chain's end."""
    return json.dumps(
        [head.chain, head.count, head.hash, audit.in_full(head.began_at)], separators=(",", ":")
    ).encode()


def sign(head: AuditChain) -> None:
    """Sign the end of a chain as it is now, with the current key."""
    head.signature = audit.signer().sign(head_content(head))
