"""Fresh tokens, refreshed exactly once. Look without a lock; if stale: claim, look again, refresh, store.

The accident this prevents: two refreshes at once spend a single-use refresh token, the service ends the
access, and the customer must reconnect. Threads of one process wait for one of them; processes and hosts
coordinate in the database (`claims`). While waiting, and while the service is called, no database connection
is held.
"""

import contextlib
import hmac
import logging
import math
import random
import time
from typing import Literal

from app import database, persist
from app.config import Settings
from app.connectors.connector import Connector
from app.connectors.services import services_of
from app.errors import (
    NotConnected,
    NotRenewable,
    ProviderUnavailable,
    ReconnectNeeded,
    ToolError,
    Unavailable,
    Undecipherable,
)
from app.vault import (
    binding,
    claims,
    connection_log,
    connection_state,
    credentials,
    flights,
    renewal,
    revocation,
    seal,
)
from app.vault.claims import Claim, CoolDown, Snapshot
from app.vault.connection_log import RefreshLog
from app.vault.models import Connection
from app.vault.token_endpoint import ClientMisconfigured, TokenEndpointUnavailable, TokenRefused, TokenSet

MARGIN_SECONDS = 60.0
_WAIT_SECONDS = 30.0
_FIRST_POLL_SECONDS, _LAST_POLL_SECONDS = 0.02, 0.25
_FIRST_COOLDOWN_SECONDS, _LAST_COOLDOWN_SECONDS = 2.0, 300.0
_MISCONFIGURED_COOLDOWN_SECONDS = 60.0
_LONGEST_RETRY_AFTER_SECONDS = 3600

# What causes a refresh: the token is about to expire, the API rejected it, or somebody requested it.
Cause = Literal["expired", "rejected", "requested"]


class TokenVault:
    """The tokens of one connection. Every use reads the database, except the first after `seen` was read.

    `deadline` (monotonic) bounds waiting. `at_once`: a person asked, so a suspended connection is tried.
    """

    def __init__(
        self,
        settings: Settings,
        connection: Connection,
        deadline: float | None = None,
        *,
        at_once: bool = False,
        seen: Snapshot | None = None,
    ) -> None:
        self._seen = seen
        self._settings = settings
        self._connection = connection
        self._deadline = deadline
        self._at_once = at_once
        # This call finds out whether it works: it is suspended, or tokens of it were rejected.
        self._on_trial = self._is_doubted = False

    def bearer(self) -> str:
        """An access token valid for the next minute.

        Raises ReconnectNeeded, NotConnected (disconnected meanwhile), ProviderUnavailable, Undecipherable.
        """
        snapshot = self._snapshot()
        if snapshot.is_valid_for(_margin(snapshot)):
            return self._token(snapshot)
        return self._renewed(snapshot, "expired")

    def refreshed(self, rejected: str) -> str:
        """A newer token than the rejected one: another caller's if there is one, else from one refresh.

        Raises NotRenewable for a token that has no successor and is not known to have expired.
        """
        snapshot = self._snapshot()
        token = self._token(snapshot)
        if not hmac.compare_digest(token.encode(), rejected.encode()):
            self._note_rejection(snapshot)
            return token if snapshot.is_valid_for(0) else self._renewed(snapshot, "expired")
        successor = credentials.can_be_renewed(self._connector, snapshot.connection, snapshot.credential)
        if not successor and snapshot.is_valid_for(0):
            raise NotRenewable(self._why_rejected(snapshot))
        self._note_rejection(snapshot)
        return self._renewed(snapshot, "rejected")

    def renew(self) -> None:
        """Refresh now, whatever the token's age: keeps idle access alive. Does nothing for a pasted key."""
        snapshot = self._snapshot()
        if credentials.is_renewable(self._connector, snapshot.connection):
            self._renewed(snapshot, "requested")

    def accept(self) -> None:
        """The API took the token: a suspended connection works again. Costs nothing otherwise, and raises
        nothing: what the service has done must reach the caller, and the next trial finds out the same.
        """
        if self._on_trial or self._is_doubted:
            self._on_trial = self._is_doubted = False
            with contextlib.suppress(Unavailable), database.transaction() as db:
                connection_state.end_trial(db, self._connection)

    def reject(self, token: str, reason: str | None = None) -> ToolError:
        """The API rejects a token that is fresh: suspend the connection. Returns what to raise.

        `reason` is the sentence for it, if the service named one. A newer token than this one is another
        caller's success or a reconnect: then it is worth another call.
        """
        snapshot = self._snapshot()
        is_stored = hmac.compare_digest(self._token(snapshot).encode(), token.encode())
        rejected = snapshot.credential.generation - (not is_stored)
        reason = reason or self._why_rejected(snapshot)
        with database.transaction() as db:
            stored = connection_state.suspend(db, self._connection, rejected, reason)
        if stored is None and not is_stored:
            sentence = f"{self._name} renewed its access during this call. Please try again in a moment."
            return ProviderUnavailable(sentence)
        return ReconnectNeeded(stored or reason)

    def _why_rejected(self, snapshot: Snapshot) -> str:
        return connection_state.why_rejected(
            self._connector, snapshot.connection, snapshot.credential, at=snapshot.now
        )

    def _note_rejection(self, snapshot: Snapshot) -> None:
        sentence = "Got 401 Unauthorized - attempting automatic token refresh…"
        generation = snapshot.credential.generation
        connection_log.note(logging.INFO, sentence, snapshot.connection, generation=generation)

    def _renewed(self, snapshot: Snapshot, cause: Cause) -> str:
        """A token of a later generation than in the snapshot. At most one of all callers refreshes."""
        forced = cause != "expired"
        generation = snapshot.credential.generation
        give_up = time.monotonic() + _WAIT_SECONDS
        if self._deadline is not None:
            give_up = min(give_up, self._deadline)
        while True:
            flight, leads = flights.join(self._connection.id)
            if leads:
                try:
                    self._lead(generation, give_up, cause)
                except ProviderUnavailable:
                    if forced or not snapshot.is_valid_for(0):
                        raise
                finally:
                    flights.land(self._connection.id, flight)
            else:
                flight.wait(max(0.0, give_up - time.monotonic()))
            snapshot = self._snapshot()
            if snapshot.credential.generation != generation and snapshot.is_valid_for(0):
                return self._token(snapshot)
            if snapshot.is_cooling_down:
                if not forced and snapshot.is_valid_for(0):
                    return self._token(snapshot)
                raise self._resting(snapshot)
            if time.monotonic() >= give_up:
                raise ProviderUnavailable(
                    f"{self._name} is slow to renew the access. Please try again in a moment."
                )
            generation = snapshot.credential.generation

    def _lead(self, generation: int, give_up: float, cause: Cause) -> None:
        """On behalf of this process's threads: refresh, or wait until another process has."""
        pause = _FIRST_POLL_SECONDS
        while time.monotonic() < give_up:
            snapshot = self._snapshot()
            if snapshot.credential.generation != generation or snapshot.is_cooling_down:
                return
            if not snapshot.is_claimed and (claim := claims.acquire(self._connection, generation)):
                self._refresh(claim, cause)
                return
            time.sleep(random.uniform(0.5, 1.0) * pause)
            pause = min(pause * 1.5, _LAST_POLL_SECONDS)

    def _refresh(self, claim: Claim, cause: Cause) -> None:
        """The one call to the service, outside any transaction, and what its answer means."""
        connector, credential = self._connector, claim.credential
        log = RefreshLog(connector, claim.connection, credential.generation, credential.failures, cause)
        try:
            tokens = renewal.request_tokens(self._settings, claim, connector)
        except Undecipherable as error:
            claims.release(claim)
            log.failed(connection_log.UNREADABLE, error.message)
            raise
        except TokenRefused as error:
            reason = connection_state.why_refused(
                connector,
                claim.connection,
                credential,
                at=claim.taken_at,
                interrupted_at=claim.interrupted_at,
                because=error.because,
            )
            if claims.end_access(claim, reason):
                log.failed(connection_log.ENDED, reason)
                raise ReconnectNeeded(reason) from None
        except ClientMisconfigured as error:
            claims.cool_down(claim, CoolDown(_MISCONFIGURED_COOLDOWN_SECONDS, error.message))
            log.failed(connection_log.MISCONFIGURED, error.message, _MISCONFIGURED_COOLDOWN_SECONDS)
            raise self._resting(self._snapshot()) from None
        except TokenEndpointUnavailable as error:
            failure = CoolDown(
                _cooldown(claim, error),
                error.message,
                lost=error.lost,
                refused=error.refused,
                is_token_rejected=cause == "rejected",
            )
            claims.cool_down(claim, failure)
            outcome = connection_log.REFUSED if error.refused else connection_log.UNREACHABLE
            log.failed(outcome, error.message, failure.seconds)
            raise self._resting(self._snapshot()) from None
        else:
            self._store(claim, tokens, connector)
            log.succeeded()

    def _store(self, claim: Claim, tokens: TokenSet, connector: Connector) -> None:
        """Store the answer, through a database restart if need be: it may be the only living token."""

        def save() -> None:
            if not claims.store(claim, tokens, connector, self._settings.vault_keys):
                revocation.add(self._settings, claim.connection, tokens)

        persist.retry_until_stored(save)

    def _resting(self, snapshot: Snapshot) -> ToolError:
        """The error while the token endpoint is left alone: the reason of the last failure, and the wait."""
        if snapshot.connection.state != connection_state.CONNECTED and snapshot.connection.last_error:
            return ReconnectNeeded(snapshot.connection.last_error)
        sentence = snapshot.credential.last_failure or f"{self._name} couldn't renew the access just now."
        until = snapshot.credential.cooldown_until or snapshot.now
        left = max(1, math.ceil((until - snapshot.now).total_seconds()))
        return ProviderUnavailable(sentence, retry_after_seconds=left)

    def _snapshot(self) -> Snapshot:
        snapshot, self._seen = self._seen, None
        if snapshot is None or not claims.is_fresh(snapshot.read_at):
            snapshot = claims.find_snapshot(self._connection)
        if snapshot is None:
            raise NotConnected(f"{self._name} has been disconnected.")
        if not binding.is_current(snapshot.connection):
            raise claims.end_moved(snapshot, binding.reason(self._connector))
        if snapshot.connection.state != connection_state.CONNECTED and not self._on_trial:
            self._begin_trial(snapshot)
        self._is_doubted = self._is_doubted or snapshot.credential.rejections > 0
        return snapshot

    def _begin_trial(self, snapshot: Snapshot) -> None:
        """Raises ReconnectNeeded, with the stored reason, unless this call may try a suspended connection."""
        if connection_state.may_try(snapshot.connection, snapshot.now, at_once=self._at_once):
            with database.transaction() as db:
                self._on_trial = connection_state.begin_trial(db, self._connection, at_once=self._at_once)
        if not self._on_trial:
            raise ReconnectNeeded(snapshot.connection.last_error or f"{self._name} needs to be reconnected.")

    def _token(self, snapshot: Snapshot) -> str:
        return seal.unseal(self._settings.vault_keys, snapshot.credential, "access_token_sealed")

    @property
    def _connector(self) -> Connector:
        return services_of(self._connection.workspace_id).get(self._connection.slug)

    @property
    def _name(self) -> str:
        return self._connector.name


def _margin(snapshot: Snapshot) -> float:
    """60 s; half the life of a token that lives under two minutes, or it would never count as fresh."""
    return min(MARGIN_SECONDS, (snapshot.credential.life_seconds or MARGIN_SECONDS * 2) / 2)


def _cooldown(claim: Claim, error: TokenEndpointUnavailable) -> float:
    """Doubles with every failure, with jitter; a Retry-After is honoured within reason."""
    seconds = min(
        _FIRST_COOLDOWN_SECONDS * 2.0**claim.credential.failures, _LAST_COOLDOWN_SECONDS
    ) * random.uniform(0.5, 1.0)
    return max(seconds, min(error.retry_after_seconds or 0, _LONGEST_RETRY_AFTER_SECONDS))
