"""Fresh tokens, refreshed exactly once. Look without a lock; only if stale: claim, look again, refresh,
store.

The accident this prevents: two refreshes at once spend a single-use refresh token, the service ends the
access, and the customer must reconnect. Threads of one process wait for one of them; processes and hosts
coordinate in the database (`claims`). While waiting, and while the service is called, no database connection
is held.
"""

import hmac
import logging
import random
import threading
import time

from app import persist
from app.config import Settings
from app.connectors import endpoints as addresses
from app.connectors.connector import Connector
from app.connectors.services import services_of
from app.errors import NotConnected, ProviderUnavailable, ReconnectNeeded, Undecipherable
from app.vault import claims, connection_state, credentials, form_exchange, revocation, seal, token_endpoint
from app.vault.claims import Claim, Snapshot
from app.vault.models import Connection
from app.vault.token_endpoint import ClientMisconfigured, TokenEndpointUnavailable, TokenRefused, TokenSet

MARGIN_SECONDS = 60.0
_WAIT_SECONDS = 30.0
_FIRST_POLL_SECONDS, _LAST_POLL_SECONDS = 0.02, 0.25
_FIRST_COOLDOWN_SECONDS, _LAST_COOLDOWN_SECONDS = 2.0, 300.0
_MISCONFIGURED_COOLDOWN_SECONDS = 60.0
_LONGEST_RETRY_AFTER_SECONDS = 3600

log = logging.getLogger(__name__)


def source(settings: Settings, connection: Connection, *, deadline: float | None = None) -> "TokenVault":
    """The tokens an `Api` of this connection uses. `deadline` (monotonic) bounds waiting for a refresh."""
    return TokenVault(settings, connection, deadline)


class TokenVault:
    """The tokens of one connection: a `TokenSource`. Holds no token itself; every use reads the database."""

    def __init__(self, settings: Settings, connection: Connection, deadline: float | None = None) -> None:
        self._settings = settings
        self._connection = connection
        self._deadline = deadline

    def bearer(self) -> str:
        """An access token valid for the next minute.

        Raises ReconnectNeeded, NotConnected (disconnected meanwhile), ProviderUnavailable, Undecipherable.
        """
        snapshot = self._snapshot()
        if snapshot.is_valid_for(_margin(snapshot)):
            return self._token(snapshot)
        return self._renewed(snapshot, forced=False)

    def refreshed(self, rejected: str) -> str:
        """A newer token than the rejected one: another caller's if there is one, else from one refresh."""
        snapshot = self._snapshot()
        token = self._token(snapshot)
        if not hmac.compare_digest(token.encode(), rejected.encode()):
            return token if snapshot.is_valid_for(0) else self._renewed(snapshot, forced=False)
        return self._renewed(snapshot, forced=True)

    def renew(self) -> None:
        """Refresh now, whatever the token's age: keeps idle access alive. Does nothing for a pasted key."""
        snapshot = self._snapshot()
        if credentials.is_renewable(
            services_of(snapshot.connection.workspace_id).get(snapshot.connection.slug), snapshot.connection
        ):
            self._renewed(snapshot, forced=True)

    def _renewed(self, snapshot: Snapshot, *, forced: bool) -> str:
        """A token of a later generation than in the snapshot. At most one of all callers refreshes."""
        generation = snapshot.credential.generation
        give_up = time.monotonic() + _WAIT_SECONDS
        if self._deadline is not None:
            give_up = min(give_up, self._deadline)
        while True:
            flight, leads = _join(self._connection.id)
            if leads:
                try:
                    self._lead(generation, give_up)
                except ProviderUnavailable:
                    if forced or not snapshot.is_valid_for(0):
                        raise
                finally:
                    _land(self._connection.id, flight)
            else:
                flight.wait(max(0.0, give_up - time.monotonic()))
            snapshot = self._snapshot()
            if snapshot.credential.generation != generation and snapshot.is_valid_for(0):
                return self._token(snapshot)
            if snapshot.is_cooling_down:
                if not forced and snapshot.is_valid_for(0):
                    return self._token(snapshot)
                raise ProviderUnavailable(
                    f"{self._name} could not renew its sign-in just now. Please try again in a moment."
                )
            if time.monotonic() >= give_up:
                raise ProviderUnavailable(
                    f"{self._name} is slow to renew its sign-in. Please try again in a moment."
                )
            generation = snapshot.credential.generation

    def _lead(self, generation: int, give_up: float) -> None:
        """On behalf of this process's threads: refresh, or wait until another process has."""
        pause = _FIRST_POLL_SECONDS
        while time.monotonic() < give_up:
            snapshot = self._snapshot()
            if snapshot.credential.generation != generation or snapshot.is_cooling_down:
                return
            if not snapshot.is_claimed and (claim := claims.acquire(self._connection, generation)):
                self._refresh(claim)
                return
            time.sleep(random.uniform(0.5, 1.0) * pause)
            pause = min(pause * 1.5, _LAST_POLL_SECONDS)

    def _refresh(self, claim: Claim) -> None:
        """The one call to the service, outside any transaction, and what its answer means."""
        connector = services_of(claim.connection.workspace_id).get(claim.connection.slug)
        try:
            tokens = self._request_tokens(claim, connector)
        except Undecipherable:
            claims.release(claim)
            raise
        except TokenRefused:
            reason = connection_state.why_refused(
                connector,
                claim.connection,
                claim.credential,
                at=claim.taken_at,
                interrupted_at=claim.interrupted_at,
            )
            if claims.end_access(claim, reason):
                log.warning(
                    "connection %s needs to be reconnected: the service refused its refresh token",
                    claim.connection.id,
                )
                raise ReconnectNeeded(reason) from None
        except ClientMisconfigured as error:
            claims.cool_down(claim, _MISCONFIGURED_COOLDOWN_SECONDS, lost=False)
            raise ProviderUnavailable(error.message) from None
        except TokenEndpointUnavailable as error:
            claims.cool_down(claim, _cooldown(claim, error), lost=error.lost)
            log.warning(
                "connection %s: its token could not be refreshed, try %s",
                claim.connection.id,
                claim.credential.failures + 1,
            )
            raise ProviderUnavailable(error.message) from None
        else:
            self._store(claim, tokens, connector)

    def _request_tokens(self, claim: Claim, connector: Connector) -> TokenSet:
        where = addresses.resolve(connector, self._settings)
        if where is None:
            raise ClientMisconfigured(
                f"{connector.name} is not configured here any more. Ask your administrator."
            )
        if (form := connector.find_form(claim.connection.auth_method)) is not None:
            if form.key not in where.auth_methods:
                raise ClientMisconfigured(
                    f"{connector.name} is not configured here for this way of signing in. Ask your "
                    "administrator."
                )
            renewal_values, access_token, refresh_token = (
                self._unsealed(claim, column)
                for column in ("key_sealed", "access_token_sealed", "refresh_token_sealed")
            )
            return form_exchange.renew(
                connector,
                where,
                form,
                renewal_values=renewal_values,
                access_token=access_token or "",
                refresh_token=refresh_token,
            )
        refresh_token = self._unsealed(claim, "refresh_token_sealed")
        if refresh_token is None or not connector.auth_of(claim.connection.auth_method):
            raise TokenRefused()
        return token_endpoint.refresh(connector, where, refresh_token)

    def _unsealed(self, claim: Claim, column: str) -> str | None:
        """The secret in a column of the credential, or None if it is empty."""
        return (
            seal.unseal(self._settings.vault_keys, claim.credential, column)
            if getattr(claim.credential, column)
            else None
        )

    def _store(self, claim: Claim, tokens: TokenSet, connector: Connector) -> None:
        """Store the answer, through a database restart if need be: it may be the only living token."""

        def save() -> None:
            if not claims.store(claim, tokens, connector, self._settings.vault_keys):
                revocation.add(self._settings, claim.connection, tokens)

        persist.retry_until_stored(save)

    def _snapshot(self) -> Snapshot:
        snapshot = claims.find_snapshot(self._connection)
        if snapshot is None:
            raise NotConnected(f"{self._name} has been disconnected.")
        connection_state.require_connected(snapshot.connection, self._name)
        return snapshot

    def _token(self, snapshot: Snapshot) -> str:
        return seal.unseal(self._settings.vault_keys, snapshot.credential, "access_token_sealed")

    @property
    def _name(self) -> str:
        return services_of(self._connection.workspace_id).get(self._connection.slug).name


def _margin(snapshot: Snapshot) -> float:
    """60 s; half the life of a token that lives under two minutes, or it would never count as fresh."""
    return min(MARGIN_SECONDS, (snapshot.credential.life_seconds or MARGIN_SECONDS * 2) / 2)


def _cooldown(claim: Claim, error: TokenEndpointUnavailable) -> float:
    """Doubles with every failure, with jitter; a Retry-After is honoured within reason."""
    seconds = min(
        _FIRST_COOLDOWN_SECONDS * 2.0**claim.credential.failures, _LAST_COOLDOWN_SECONDS
    ) * random.uniform(0.5, 1.0)
    return max(seconds, min(error.retry_after_seconds or 0, _LONGEST_RETRY_AFTER_SECONDS))


# --- one at a time within this process --------------------------------------------------------

_flights: dict[str, threading.Event] = {}
_flights_lock = threading.Lock()


def _join(connection_id: str) -> tuple[threading.Event, bool]:
    """The event that this process's threads wait on, and whether the caller is the one who refreshes."""
    with _flights_lock:
        flight = _flights.get(connection_id)
        if flight is not None:
            return flight, False
        flight = _flights[connection_id] = threading.Event()
        return flight, True


def _land(connection_id: str, flight: threading.Event) -> None:
    with _flights_lock:
        if _flights.get(connection_id) is flight:
            del _flights[connection_id]
    flight.set()
