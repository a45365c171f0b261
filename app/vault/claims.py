"""The lease on a refresh: who is refreshing which connection, agreed on by all threads, processes and hosts.

Two refreshes at once spend a single-use refresh token, and the customer must reconnect. So a refresh is
claimed in the database first, under the row's lock, in a transaction that ends before the service is called.
A claim ends when its result is stored, when its deadline passes, or when its owner dies. On the same machine
a dead owner is recognised at once; one on another machine is waited for until the deadline.
"""

import contextlib
import os
import secrets
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, select

from app import clock, database, database_clock
from app.connectors.connector import Connector
from app.connectors.services import services_of
from app.crypto import KeyRing
from app.errors import ReconnectNeeded
from app.fast_queries import PreparedStatement, detached
from app.vault import access_end, connection_state, credentials, failures
from app.vault.models import Connection, Credential
from app.vault.token_endpoint import TokenSet

LONGEST_COOLDOWN = timedelta(hours=1)
LEASE = timedelta(seconds=25)  # longer than the outbound deadline, so that a live owner is never overtaken

_credential, _connection = Credential.__table__.c, Connection.__table__.c  # type: ignore[attr-defined]
_CREDENTIAL, _CONNECTION = tuple(_credential.keys()), tuple(_connection.keys())
COLUMNS = (*_credential, *_connection, database_clock.NOW)  # of a snapshot
_FRESH_SECONDS = 1.0  # how long a call may go on with what it read before it reads that again
_SNAPSHOT = PreparedStatement(
    select(*COLUMNS)
    .select_from(Credential)
    .join(Connection, _connection.id == _credential.connection_id)
    .where(
        _credential.connection_id == bindparam("connection_id"),
        _credential.workspace_id == bindparam("workspace_id"),
    )
)


@dataclass(frozen=True)
class Snapshot:
    """A connection's tokens and claim at one moment. `now` is the clock that deadlines are compared with."""

    connection: Connection
    credential: Credential
    now: datetime
    read_at: float = field(default_factory=time.monotonic)

    @property
    def is_cooling_down(self) -> bool:
        """True while the service is not called, after a failure."""
        return clock.is_ahead(self.credential.cooldown_until, LONGEST_COOLDOWN, at=self.now)

    @property
    def is_claimed(self) -> bool:
        """True while an owner that may still be alive is refreshing."""
        c = self.credential
        if c.claim_owner is None or c.claim_until is None:
            return False
        is_alive = _is_owner_alive(c.claim_owner)
        return clock.is_ahead(c.claim_until, LEASE, at=self.now) if is_alive is None else is_alive

    def is_valid_for(self, seconds: float) -> bool:
        """True if the access token is valid for at least that long."""
        expires_at = self.credential.expires_at
        return expires_at is None or expires_at > self.now + timedelta(seconds=seconds)


@dataclass(frozen=True)
class Claim:
    """The right to refresh one generation once. `interrupted_at`: when an earlier attempt got no answer."""

    connection: Connection
    credential: Credential
    owner: str
    taken_at: datetime
    interrupted_at: datetime | None


@dataclass(frozen=True)
class CoolDown:
    """A failed refresh. `sentence` is the reason for everybody who asks while it lasts.

    `lost`: new tokens may have been issued without reaching us; stored, as the true reason of a later
    refusal. `refused`: the service answered clearly, without a code that says why. `is_token_rejected`: the
    API has rejected the access token, whatever life it has left.
    """

    seconds: float
    sentence: str
    lost: bool = False
    refused: bool = False
    is_token_rejected: bool = False


def find_snapshot(connection: Connection) -> Snapshot | None:
    """Read without a lock, in one query: every tool call does. Returns None if the connection is gone."""
    found = _SNAPSHOT.first(connection_id=connection.id, workspace_id=connection.workspace_id)
    return snapshot_of(found) if found is not None else None


def snapshot_of(found: tuple[Any, ...], read_at: float | None = None) -> Snapshot:
    """Return a row of `COLUMNS`, read just now or at that moment of the monotonic clock, as a snapshot."""
    credential = detached(Credential, dict(zip(_CREDENTIAL, found, strict=False)))
    row = detached(Connection, dict(zip(_CONNECTION, found[len(_CREDENTIAL) :], strict=False)))
    at = time.monotonic() if read_at is None else read_at
    return Snapshot(row, credential, found[-1] or clock.now(), at)


def is_fresh(read_at: float) -> bool:
    """Whether what was read at that moment of the monotonic clock still serves the call it was read for."""
    return time.monotonic() - read_at <= _FRESH_SECONDS


def acquire(connection: Connection, generation: int) -> Claim | None:
    """Claim the refresh of that generation. Returns None if it cannot be claimed; a new snapshot says why."""
    with database.transaction() as db:
        credential, row = credentials.locked(db, connection)
        if credential is None or row is None:
            return None
        snapshot = Snapshot(row, credential, database.current().now(db))
        if (
            credential.generation != generation
            or connection_state.has_ended(row)
            or snapshot.is_cooling_down
            or snapshot.is_claimed
        ):
            return None
        # An earlier claim on this generation was never released: its owner died, and the service may have
        # rotated the token meanwhile.
        interrupted_at = credential.claim_started_at if credential.claim_generation == generation else None
        owner = _new_owner()
        credential.claim_owner, credential.claim_until, credential.claim_generation = (
            owner,
            snapshot.now + LEASE,
            generation,
        )
        credential.claim_started_at = interrupted_at or snapshot.now
    return Claim(row, credential, owner, snapshot.now, interrupted_at)


def store(claim: Claim, tokens: TokenSet, connector: Connector, keys: KeyRing) -> bool:
    """Store a refresh's answer if its generation is still the stored one. False if the connection is gone.

    The claim need not be held any more: a late answer may contain the only living token.
    """
    with database.transaction() as db:
        credential, row = credentials.locked(db, claim.connection)
        if (
            credential is not None
            and row is not None
            and credential.generation == claim.credential.generation
        ):
            credentials.put_tokens(credential, tokens, keys, issued_at=claim.taken_at)
            # While the API rejects even fresh tokens, only the API's own success proves that it works again.
            if connection_state.has_ended(row) or not credential.rejections:
                connection_state.recover(db, row, credential)
            row.scopes = tokens.scopes or row.scopes
            access_end.set_end(
                row, connector, tokens, claim.taken_at, before=row.signin_ends_at, renewed=True
            )
    _owned_here.discard(claim.owner)
    return row is not None


def end_access(claim: Claim, reason: str) -> bool:
    """The service refused the refresh token: record it once, unless newer tokens were stored meanwhile."""
    with _released_in_process(claim), database.transaction() as db:
        credential = connection_state.end_access(db, claim.connection, claim.credential.generation, reason)
        if credential is None:
            return False
        _clear_claim(claim, credential)
        failures.count(db, claim.connection.slug, failures.REFUSED)
    return True


def end_moved(snapshot: Snapshot, reason: str) -> ReconnectNeeded:
    """The tokens belong to an address or issuer that the service has left: end the access. For raising."""
    with database.transaction() as db:
        connection_state.end_access(db, snapshot.connection, snapshot.credential.generation, reason)
    return ReconnectNeeded(reason)


def cool_down(claim: Claim, failure: CoolDown) -> None:
    """The refresh failed, but the access may be alive: do not call the service for that long."""
    with _released_in_process(claim), database.transaction() as db:
        credential, row = credentials.locked(db, claim.connection)
        if credential is None or row is None or credential.generation != claim.credential.generation:
            return
        now = database.current().now(db)
        credential.failures += 1
        credential.last_failure = failure.sentence[:500]
        failures.count(db, claim.connection.slug, failures.UNREACHABLE)
        credential.cooldown_until = now + min(timedelta(seconds=failure.seconds), LONGEST_COOLDOWN)
        _clear_claim(claim, credential, lost=failure.lost)
        if not failure.refused:
            return
        credential.refusals += 1
        credential.refused_since = credential.refused_since or now
        if connection_state.is_refused_for_good(
            row, credential, now, is_token_rejected=failure.is_token_rejected
        ):
            name = services_of(row.workspace_id).get(row.slug).name
            reason = connection_state.why_not_renewed(name, failure.sentence, credential.refused_since)
            connection_state.pause(db, row, reason, credential.refusals, now)


def release(claim: Claim) -> None:
    """The service was not called: let any other caller try."""
    with _released_in_process(claim), database.transaction() as db:
        credential, _ = credentials.locked(db, claim.connection)
        if credential is not None:
            _clear_claim(claim, credential)


@contextlib.contextmanager
def _released_in_process(claim: Claim) -> Iterator[None]:
    """Release the claim in this process even if the database is away: any caller may then take it over."""
    try:
        yield
    finally:
        _owned_here.discard(claim.owner)


def _clear_claim(claim: Claim, credential: Credential, *, lost: bool = False) -> None:
    if credential.claim_owner == claim.owner:
        credential.claim_owner = credential.claim_until = None
        if not lost and claim.interrupted_at is None:
            credential.claim_started_at = credential.claim_generation = None


# --- the owner of a claim, and whether it is alive ----------------------------------------------------

_PROC = Path("/proc")
_owned_here: set[str] = set()  # owners of the claims that this process is working on


def _new_owner() -> str:
    """`machine/process/its start/taken at/nonce`: tells on the same machine whether the owner still works."""
    pid = os.getpid()
    owner = f"{_machine()}/{pid}/{_process_start(pid) or '-'}/{time.monotonic():.3f}/{secrets.token_hex(6)}"
    _owned_here.add(owner)
    return owner


def _is_owner_alive(owner: str) -> bool | None:
    """Whether an owner on this machine still works. None for another machine: only the deadline tells.

    Here the deadline is compared with the machine's monotonic clock, which nobody can set.
    """
    machine, pid, start, taken_at, _ = owner.split("/")
    if machine != _machine():
        return None
    if int(pid) == os.getpid():
        return owner in _owned_here
    alive = start == "-" or _process_start(int(pid)) == start
    return alive and 0 <= time.monotonic() - float(taken_at) < LEASE.total_seconds()


def _machine() -> str:
    """This boot of this machine and its process namespace: containers do not share process ids."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts = [
            (_PROC / "sys/kernel/random/boot_id").read_text().strip(),
            os.readlink(_PROC / "self/ns/pid"),
        ]
    return sha256("/".join(parts).encode()).hexdigest()[:16]


def _process_start(pid: int) -> str | None:
    """When the process started, in kernel ticks. None if it is gone or a zombie."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]
