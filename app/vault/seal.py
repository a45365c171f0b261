"""Sealed values in rows: every column whose name ends in `_sealed` holds ciphertext, and only those do.

One rule binds a value to its place, so that the key commands can rewrap every table they find:

- workspace: the row's `workspace_id`, or "" where the table has none
- record:    the row's primary key
- field:     `<table>.<column>`

A row that must say otherwise has a method `sealed_place(column)` returning the three.

    seal(settings.vault_keys, handshake, "verifier_sealed", verifier)     # sets the attribute
    verifier = unseal(settings.vault_keys, handshake, "verifier_sealed")  # raises Undecipherable
"""

from typing import Any

from sqlalchemy import inspect
from sqlmodel import SQLModel

from app.crypto import KeyRing
from app.errors import Undecipherable

SUFFIX = "_sealed"


def seal(keys: KeyRing, row: SQLModel, column: str, secret: str) -> None:
    """Seal a secret into a row's column, bound to that row. The row's primary key must be set already."""
    setattr(row, column, keys.seal(secret, **place(row, column)))


def unseal(keys: KeyRing, row: SQLModel, column: str) -> str:
    """The secret in a row's sealed column. Raises Undecipherable if it is missing or does not open here."""
    sealed = getattr(row, column)
    if not sealed:
        raise Undecipherable()
    return keys.open(sealed, **place(row, column))


def place(row: SQLModel, column: str) -> dict[str, str]:
    """The associated data of this row's column, as keyword arguments for the key ring."""
    given = getattr(row, "sealed_place", None)
    if given is not None:
        workspace, record, field = given(column)
        return {"workspace": workspace, "record": record, "field": field}
    mapper: Any = inspect(type(row))
    record = "|".join(str(getattr(row, key.name)) for key in mapper.primary_key)
    return {
        "workspace": getattr(row, "workspace_id", None) or "",
        "record": record,
        "field": f"{mapper.local_table.name}.{column}",
    }
