"""Fresh tokens, refreshed exactly once. Look without a lock; only if stale, claim, look again, refresh,
store.

The accident this prevents: two refreshes at once spend a single-use refresh token, the service ends
the sign-in, and the customer must reconnect. Threads of one process wait for one of them; processes
and hosts meet in the database (`claims`). While waiting, and while the service is called, no
database connection is held.
"""

import hmac
import logging
import random
import threading
import time
from datetime import datetime

from app import persist
from app.config import Settings
from app.connectors import endpoints as addresses
from app.connectors import registry
from app.connectors.connector import Connector
from app.errors import NotConnected, ProviderUnavailable, ReconnectNeeded, Undecipherable
from app.vault import claims, credentials, form_exchange, revocation, seal, token_endpoint
from app.vault.claims import Claim, Look
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
    """Where an `Api` gets this connection's tokens. `deadline` (monotonic) bounds waiting for another's
    refresh.
    """
    return TokenVault(settings, connection, deadline)


class TokenVault:
    """The tokens of one connection: a `TokenSource`. Holds no token itself; every use looks in the
    database.
    """

    def __init__(self, settings: Settings, connection: Connection, deadline: float | None = None) -> None:
        self._settings = settings
        self._connection = connection
        self._deadline = deadline

    def bearer(self) -> str:
        """An access token fresh for the next minute.

        Raises ReconnectNeeded, NotConnected (disconnected meanwhile), ProviderUnavailable, Undecipherable.
        """
        seen = self._look()
        if seen.lives_for(_margin(seen)):
            return self._token(seen)
        return self._renewed(seen, forced=False)

    def refreshed(self, rejected: str) -> str:
        """A newer token than the one the service rejected: another caller's if there is one, else one
        refresh.
        """
        seen = self._look()
        token = self._token(seen)
        if not hmac.compare_digest(token.encode(), rejected.encode()):
            return token if seen.lives_for(0) else self._renewed(seen, forced=False)
        return self._renewed(seen, forced=True)

    def renew(self) -> None:
        """Refresh now, whatever the token's age: keeps an idle sign-in alive. A pasted key has nothing to
        refresh.
        """
        seen = self._look()
        if credentials.is_renewable(registry.get(seen.connection.slug), seen.connection):
            self._renewed(seen, forced=True)

    def _renewed(self, seen: Look, *, forced: bool) -> str:
        """A token of a later generation than the one seen. At most one caller of all refreshes."""
        generation = seen.credential.generation
        give_up = time.monotonic() + _WAIT_SECONDS
        if self._deadline is not None:
            give_up = min(give_up, self._deadline)
        while True:
            flight, leads = _join(self._connection.id)
            if leads:
                try:
                    self._lead(generation, give_up)
                except ProviderUnavailable:
                    if forced or not seen.lives_for(0):
                        raise
                finally:
                    _land(self._connection.id, flight)
            else:
                flight.wait(max(0.0, give_up - time.monotonic()))
            seen = self._look()
            if seen.credential.generation != generation and seen.lives_for(0):
                return self._token(seen)
            if seen.cooling:
                if not forced and seen.lives_for(0):
                    return self._token(seen)
                raise ProviderUnavailable(
                    f"{self._name} could not renew its sign-in just now. Please try again in a moment."
                )
            if time.monotonic() >= give_up:
                raise ProviderUnavailable(
                    f"{self._name} is slow to renew its sign-in. Please try again in a moment."
                )
            generation = seen.credential.generation

    def _lead(self, generation: int, give_up: float) -> None:
        """On behalf of this process's threads: refresh, or wait until another process has."""
        pause = _FIRST_POLL_SECONDS
        while time.monotonic() < give_up:
            seen = self._look()
            if seen.credential.generation != generation or seen.cooling:
                return
            if not seen.claimed and (claim := claims.take(self._connection, generation)):
                self._refresh(claim)
                return
            time.sleep(random.uniform(0.5, 1.0) * pause)
            pause = min(pause * 1.5, _LAST_POLL_SECONDS)

    def _refresh(self, claim: Claim) -> None:
        """The one call to the service, outside any transaction, and what its answer means."""
        connector = registry.get(claim.connection.slug)
        try:
            tokens = self._ask(claim, connector)
        except Undecipherable:
            claims.release(claim)
            raise
        except TokenRefused:
            reason = _why_ended(connector, claim)
            if claims.end_signin(claim, reason):
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
            self._keep(claim, tokens, connector)

    def _ask(self, claim: Claim, connector: Connector) -> TokenSet:
        where = addresses.resolve(connector, self._settings)
        if where is None:
            raise ClientMisconfigured(
                f"{connector.name} is not configured here any more. Ask your administrator."
            )
        if (form := connector.find_form(claim.connection.way)) is not None:
            if form.key not in where.ways:
                raise ClientMisconfigured(
                    f"{connector.name} is not configured here for this way of signing in. Ask your "
                    "administrator."
                )
            kept, access_token, refresh_token = (
                self._opened(claim, column)
                for column in ("key_sealed", "access_token_sealed", "refresh_token_sealed")
            )
            return form_exchange.renew(
                connector,
                where,
                form,
                kept=kept,
                access_token=access_token or "",
                refresh_token=refresh_token,
            )
        refresh_token = self._opened(claim, "refresh_token_sealed")
        if refresh_token is None or not connector.auth_of(claim.connection.way):
            raise TokenRefused()
        return token_endpoint.refresh(connector, where, refresh_token)

    def _opened(self, claim: Claim, column: str) -> str | None:
        """What is sealed in a column of the credential, or None when there is nothing."""
        return (
            seal.unseal(self._settings.vault_keys, claim.credential, column)
            if getattr(claim.credential, column)
            else None
        )

    def _keep(self, claim: Claim, tokens: TokenSet, connector: Connector) -> None:
        """Store the answer, through a database restart if need be: it may be the only living token."""

        def save() -> None:
            if not claims.settle(claim, tokens, connector, self._settings.vault_keys):
                revocation.add(self._settings, claim.connection, tokens)

        persist.until_done(save)

    def _look(self) -> Look:
        seen = claims.look(self._connection)
        if seen is None:
            raise NotConnected(f"{self._name} has been disconnected.")
        if seen.connection.state != "connected":
            raise ReconnectNeeded(seen.connection.last_error or f"{self._name} needs to be reconnected.")
        return seen

    def _token(self, seen: Look) -> str:
        return seal.unseal(self._settings.vault_keys, seen.credential, "access_token_sealed")

    @property
    def _name(self) -> str:
        return registry.get(self._connection.slug).name


def _margin(seen: Look) -> float:
    """60 s; of a token that lives less than two minutes, half its life, or it would never count as fresh."""
    return min(MARGIN_SECONDS, (seen.credential.life_seconds or MARGIN_SECONDS * 2) / 2)


def _cooldown(claim: Claim, error: TokenEndpointUnavailable) -> float:
    """Doubling with every failure, with jitter; a Retry-After is honoured within reason."""
    seconds = min(
        _FIRST_COOLDOWN_SECONDS * 2.0**claim.credential.failures, _LAST_COOLDOWN_SECONDS
    ) * random.uniform(0.5, 1.0)
    return max(seconds, min(error.retry_after_seconds or 0, _LONGEST_RETRY_AFTER_SECONDS))


def _why_ended(connector: Connector, claim: Claim) -> str:
    name, form = connector.name, connector.find_form(claim.connection.way)
    if form is not None and not (form.renews and claim.interrupted_at):
        what = "sign-in" if form.signin_seconds else form.noun
        ended = (
            f"{name} does not accept the {what} of this connection any more; we learned it on "
            f"{_day(claim.taken_at)}."
        )
        return f"{ended} Please reconnect {name}."
    if claim.interrupted_at is not None:
        return (
            f"On {_day(claim.interrupted_at)} a renewal was interrupted while {name} was issuing a new "
            "token, "
            f"and {name} does not accept the previous one any more. Please reconnect {name}."
        )
    if not claim.credential.refresh_token_sealed:
        return (
            f"{name} gave a sign-in that cannot be renewed, and it ended on {_day(claim.taken_at)}. "
            f"Please reconnect {name}."
        )
    return f"{name} ended this sign-in; we learned it on {_day(claim.taken_at)}. Please reconnect {name}."


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y} at {at:%H:%M} UTC"


# --- one at a time within this process --------------------------------------------------------

_flights: dict[str, threading.Event] = {}
_flights_lock = threading.Lock()


def _join(connection_id: str) -> tuple[threading.Event, bool]:
    """The event threads of this process wait on, and whether the caller is the one who works."""
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
