"""Who is refreshing which connection: written in the database, so that all threads, processes and hosts
agree.

Two refreshes at once spend a single-use refresh token and the customer must reconnect. So a refresh
is claimed first, under the row's lock, in a transaction that ends before the service is called.
A claim is over when its result is stored, when its deadline passes, or when its owner is dead:
on the same machine that is seen at once, from another one the deadline has to pass.
"""

import contextlib
import os
import secrets
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from sqlalchemy import bindparam, func, select

from app import clock, database
from app.connectors.connector import Connector
from app.crypto import KeyRing
from app.fast_queries import Prepared, detached
from app.vault import credentials, failures
from app.vault.models import Connection, Credential
from app.vault.token_endpoint import TokenSet

LEASE = timedelta(seconds=25)  # longer than the outbound deadline, so that a live owner is never overtaken

_credential, _connection = Credential.__table__.c, Connection.__table__.c  # type: ignore[attr-defined]
_CREDENTIAL, _CONNECTION = tuple(_credential.keys()), tuple(_connection.keys())
_BOTH = (
    select(*_credential, *_connection)
    .select_from(Credential)
    .join(Connection, _connection.id == _credential.connection_id)
    .where(
        _credential.connection_id == bindparam("connection_id"),
        _credential.workspace_id == bindparam("workspace_id"),
    )
)
_LOOK, _LOOK_WITH_CLOCK = Prepared(_BOTH), Prepared(_BOTH.add_columns(func.clock_timestamp()))


@dataclass(frozen=True)
class Look:
    """A connection's token state at one moment. `now` is the clock that leases go by."""

    connection: Connection
    credential: Credential
    now: datetime

    @property
    def cooling(self) -> bool:
        """True while the service is left alone after a failure."""
        return self.credential.cooldown_until is not None and self.credential.cooldown_until > self.now

    @property
    def claimed(self) -> bool:
        """True while somebody who may still be alive is refreshing."""
        c = self.credential
        if c.claim_owner is None or c.claim_until is None:
            return False
        works = _works_here(c.claim_owner)
        return c.claim_until > self.now if works is None else works

    def lives_for(self, seconds: float) -> bool:
        """True when the access token is good for at least that long."""
        expires_at = self.credential.expires_at
        return expires_at is None or expires_at > self.now + timedelta(seconds=seconds)


@dataclass(frozen=True)
class Claim:
    """The right to refresh one generation once. `interrupted_at`: an earlier try got no answer."""

    connection: Connection
    credential: Credential
    owner: str
    taken_at: datetime
    interrupted_at: datetime | None


def look(connection: Connection) -> Look | None:
    """Look without a lock: one query, on the path of every tool call. None when the connection is gone."""
    on_sqlite = database.current().is_sqlite
    found = (_LOOK if on_sqlite else _LOOK_WITH_CLOCK).first(
        connection_id=connection.id, workspace_id=connection.workspace_id
    )
    if found is None:
        return None
    credential = detached(Credential, dict(zip(_CREDENTIAL, found, strict=False)))
    row = detached(Connection, dict(zip(_CONNECTION, found[len(_CREDENTIAL) :], strict=False)))
    return Look(row, credential, clock.now() if on_sqlite else found[-1])


def take(connection: Connection, generation: int) -> Claim | None:
    """Claim the refresh of that generation, or None when there is nothing to claim: look again for why."""
    with database.transaction() as db:
        credential, row = credentials.locked(db, connection)
        if credential is None or row is None:
            return None
        seen = Look(row, credential, database.current().now(db))
        if credential.generation != generation or row.state != "connected" or seen.cooling or seen.claimed:
            return None
        # A claim nobody settled: whoever made it died, and the service may have rotated meanwhile.
        interrupted_at = credential.claim_started_at if credential.claim_generation == generation else None
        owner = _new_owner()
        credential.claim_owner, credential.claim_until, credential.claim_generation = (
            owner,
            seen.now + LEASE,
            generation,
        )
        credential.claim_started_at = interrupted_at or seen.now
    return Claim(row, credential, owner, seen.now, interrupted_at)


def settle(claim: Claim, tokens: TokenSet, connector: Connector, keys: KeyRing) -> bool:
    """Store a refresh's answer if its generation is still the stored one. False when the connection is gone.

    Being still the claim's owner is not asked for: a late answer may hold the only living token.
    """
    with database.transaction() as db:
        credential, row = credentials.locked(db, claim.connection)
        if (
            credential is not None
            and row is not None
            and credential.generation == claim.credential.generation
        ):
            credentials.put_tokens(credential, tokens, keys, issued_at=claim.taken_at)
            row.state, row.last_error = "connected", None
            row.scopes = tokens.scopes or row.scopes
            row.signin_ends_at = credentials.signin_end(
                connector, row.way, tokens, claim.taken_at, row.signin_ends_at
            )
    _mine.discard(claim.owner)
    return row is not None


def end_signin(claim: Claim, reason: str) -> bool:
    """The service says the refresh token is dead: note it once, unless newer tokens came meanwhile."""
    with _giving_up(claim), database.transaction() as db:
        credential, row = credentials.locked(db, claim.connection)
        if (
            credential is None
            or row is None
            or credential.generation != claim.credential.generation
            or row.state != "connected"
        ):
            return False
        _drop(claim, credential)
        failures.count(db, row.slug, failures.REFUSED)
        credentials.end(db, row, reason)
    return True


def cool_down(claim: Claim, seconds: float, *, lost: bool) -> None:
    """The refresh failed but the sign-in may be alive: leave the service alone for a while.

    `lost`: new tokens may have been issued and not reached us; remembered for the true reason later.
    """
    with _giving_up(claim), database.transaction() as db:
        credential, _ = credentials.locked(db, claim.connection)
        if credential is None or credential.generation != claim.credential.generation:
            return
        credential.failures += 1
        failures.count(db, claim.connection.slug, failures.UNREACHABLE)
        credential.cooldown_until = database.current().now(db) + timedelta(seconds=seconds)
        _drop(claim, credential, lost=lost)


def release(claim: Claim) -> None:
    """The service was not called: let anybody else try."""
    with _giving_up(claim), database.transaction() as db:
        credential, _ = credentials.locked(db, claim.connection)
        if credential is not None:
            _drop(claim, credential)


@contextlib.contextmanager
def _giving_up(claim: Claim) -> Iterator[None]:
    """Even when the database cannot be told: whoever finds the claim may take it over."""
    try:
        yield
    finally:
        _mine.discard(claim.owner)


def _drop(claim: Claim, credential: Credential, *, lost: bool = False) -> None:
    if credential.claim_owner == claim.owner:
        credential.claim_owner = credential.claim_until = None
        if not lost and claim.interrupted_at is None:
            credential.claim_started_at = credential.claim_generation = None


# --- who we are, and whether an owner lives ----------------------------------------------------

_PROC = Path("/proc")
_mine: set[str] = set()  # claims this process is working on


def _new_owner() -> str:
    """`machine/process/its start/taken at/nonce`: enough to tell from the same machine whether it still
    works.
    """
    pid = os.getpid()
    owner = f"{_machine()}/{pid}/{_start_of(pid) or '-'}/{time.monotonic():.3f}/{secrets.token_hex(6)}"
    _mine.add(owner)
    return owner


def _works_here(owner: str) -> bool | None:
    """Whether an owner on this machine still works; None for one on another machine, which only its deadline
    tells.

    The deadline is measured on the machine's monotonic clock here, which nobody can set.
    """
    machine, pid, start, taken_at, _ = owner.split("/")
    if machine != _machine():
        return None
    if int(pid) == os.getpid():
        return owner in _mine
    alive = start == "-" or _start_of(int(pid)) == start
    return alive and 0 <= time.monotonic() - float(taken_at) < LEASE.total_seconds()


def _machine() -> str:
    """This boot of this machine and its process numbering: containers do not share process ids."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts = [
            (_PROC / "sys/kernel/random/boot_id").read_text().strip(),
            os.readlink(_PROC / "self/ns/pid"),
        ]
    return sha256("/".join(parts).encode()).hexdigest()[:16]


def _start_of(pid: int) -> str | None:
    """When the process started, in the kernel's ticks; None when it is gone or only waits to be buried."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]
