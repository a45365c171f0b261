"""Whether VAULT_KEYS holds the keys that this database was sealed with, checked before anything is served.

Each key that seals here leaves a proof: a known value, encrypted with it. A key that does not open its proof
is another key under the same id. A proof whose key is missing counts only while something is still sealed
under it; `keys rotate` removes the proofs of keys that nothing needs any more. A database from before
the proofs is judged by what is sealed in it.
"""

from collections.abc import Iterable

from sqlalchemy import delete, func, inspect, select
from sqlmodel import Session, SQLModel, col

from app import clock, database
from app.crypto import KeyRing
from app.errors import Undecipherable
from app.vault import rewrap, seal
from app.vault.models import VaultKeyProof

_KNOWN = "the key of this database"
_FIELD = "vault_key_proofs.proof"
_SAMPLES = 5


def problem(db: Session, keys: KeyRing) -> str:
    """What is wrong with VAULT_KEYS for this database and what to do, as a sentence; "" if nothing is."""
    proofs = {row.key_id: row.proof for row in db.scalars(select(VaultKeyProof))}
    for key_id in keys.ids:
        if key_id in proofs and not _opens(keys, key_id, proofs[key_id]):
            return _wrong(key_id)
    for key_id in sorted(proofs.keys() - set(keys.ids)):
        if _is_needed(db, key_id):
            return (
                f"VAULT_KEYS lacks the key {key_id}, which secrets in this database are encrypted with. Put "
                "it back behind the others; if it is lost for good, run: "
                f"flask --app wsgi keys forget {key_id}."
            )
    return "" if keys.sealing_id in proofs else _problem_without_proof(db, keys)


def ensure(keys: KeyRing) -> str:
    """Store the proof of the key that seals, if it is new here. Returns `problem`, storing nothing then."""
    with database.reading() as db:
        found = problem(db, keys)
        present = db.get(VaultKeyProof, keys.sealing_id)
    if found or present is not None:
        return found
    key_id = keys.sealing_id
    proof = keys.seal(_KNOWN, workspace="", record=key_id, field=_FIELD)
    row = {"key_id": key_id, "proof": proof, "created_at": clock.now()}
    with database.transaction() as db:
        db.execute(database.upsert_into(VaultKeyProof).values(row).on_conflict_do_nothing())
    return ""


def forget(key_id: str) -> bool:
    """Remove the proof of a key that is lost for good. False if there is none."""
    with database.transaction() as db:
        gone = db.execute(delete(VaultKeyProof).where(col(VaultKeyProof.key_id) == key_id))
        return bool(gone.rowcount)  # type: ignore[attr-defined]


def forget_unneeded(keys: KeyRing) -> list[str]:
    """Remove the proofs of keys that nothing is sealed under and that do not seal. Returns their ids."""
    with database.transaction() as db:
        found = db.scalars(
            select(col(VaultKeyProof.key_id)).where(col(VaultKeyProof.key_id) != keys.sealing_id)
        )
        unneeded = [key_id for key_id in found if not _is_needed(db, key_id)]
        db.execute(delete(VaultKeyProof).where(col(VaultKeyProof.key_id).in_(unneeded)))
    return unneeded


def _opens(keys: KeyRing, key_id: str, proof: str) -> bool:
    try:
        return keys.open(proof, workspace="", record=key_id, field=_FIELD) == _KNOWN
    except Undecipherable:
        return False


def _wrong(key_id: str) -> str:
    return (
        f"VAULT_KEYS: the key {key_id} is not the one that this database was encrypted with. Put the right "
        "key back. A new key needs a new id, in front of the old one."
    )


def _is_needed(db: Session, key_id: str) -> bool:
    return any(
        db.execute(_sealed_under(model, column, [key_id]).limit(1)).first() is not None
        for model, column in rewrap.sealed_columns()
    )


def _problem_without_proof(db: Session, keys: KeyRing) -> str:
    """Judge by samples. Secrets of a key that was lost long ago must not stop the others."""
    seen = 0
    for model, column in rewrap.sealed_columns():
        for row in db.scalars(_sealed_under(model, column, keys.ids).limit(_SAMPLES)):
            seen += 1
            try:
                seal.unseal(keys, row, column)
            except Undecipherable:
                continue
            return ""
    if seen:
        return _wrong(keys.sealing_id if len(keys.ids) == 1 else ", ".join(keys.ids))
    unknown = sorted(_ids_in_use(db))
    if unknown:
        return (
            f"VAULT_KEYS holds none of the keys that encrypted this database ({', '.join(unknown)}). "
            "Put them back, with their ids."
        )
    return ""


def _sealed_under(model: type[SQLModel], column: str, key_ids: Iterable[str]):  # type: ignore[no-untyped-def]
    sealed = inspect(model).columns[column]  # type: ignore[union-attr]
    starts = [KeyRing.start_of(key_id) for key_id in key_ids]
    matches = [func.substr(sealed, 1, len(start)) == start for start in starts]
    condition = matches[0]
    for each in matches[1:]:
        condition = condition | each
    return select(model).where(sealed.is_not(None), condition)


def _ids_in_use(db: Session) -> set[str]:
    found = set()
    for model, column in rewrap.sealed_columns():
        sealed = inspect(model).columns[column]  # type: ignore[union-attr]
        some = select(sealed).where(sealed.is_not(None), sealed != "").limit(_SAMPLES)
        found |= {KeyRing.key_id_of(value) for value in db.scalars(some)}
    return found - {""}
