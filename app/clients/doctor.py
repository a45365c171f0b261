"""The connect doctor: explains AI clients' last attempts to connect, step by step, and what to do next."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, or_, select
from sqlmodel import Session, col

from app.oauth_server import attempt_log
from app.oauth_server.models import AuthorizationStep, Client

_MAX_STEPS = 300
_MAX_ATTEMPTS = 6
_PAUSE = timedelta(minutes=30)  # after it, the same client begins a new attempt
_DISCOVERY_PAUSE = timedelta(minutes=5)

_TITLES = {
    "knock": "Called without a token",
    "resource": "Looked up the sign-in",
    "metadata": "Read the metadata",
    "registration": "Registered",
    "authorize": "Opened the sign-in",
    "consent": "Allowed",
    "code issued": "Returned to the client",
    "cancelled": "Cancelled",
    "token": "Got its token",
    "refresh": "Renewed its token",
    "register": "Registered",
    "revoke": "Revoked its token",
}
# What to do when an attempt stopped after a successful step.
_UNFINISHED = {
    "knock": (
        "It got the sign-in address and stopped. It may not support sign-in for MCP servers: update it, or "
        "use a token."
    ),
    "resource": (
        "It found the sign-in and stopped. A firewall between the client and this address may block it."
    ),
    "metadata": "It read how to sign in and stopped. Check what the client itself reports, and try again.",
    "registration": (
        "It registered, but no browser opened. Copy the address that the client displays into a browser."
    ),
    "authorize": (
        "Nobody chose Allow or Cancel, or the hub was closed before “Continue”. Start again in the client."
    ),
    "consent": "It was allowed, but nobody pressed “Continue” in the hub. Start again in the client.",
    "code issued": (
        "The browser returned to the client, but the client never fetched its token. It may have been "
        "closed, or something on its side blocks the return. Start again in the client and keep it open."
    ),
}
_ADVICE = {
    "access_denied": "You cancelled. To connect it after all, start again in the client.",
    "invalid_client": (
        "The client's registration is unknown here. Remove the connector in the client and add it again."
    ),
    "invalid_target": "The client uses a different URL. Copy the connector URL into it again.",
    "invalid_grant": "The client used an expired code or token. Connect it again in the client.",
    "invalid_scope": (
        "The client asks for unknown scopes. Remove its scope setting, or ask for tools:read tools:write."
    ),
}
_OTHERWISE = (
    "Remove the connector in the client and add it again. If that doesn't help, send these steps to the "
    "client's developer."
)


@dataclass
class Attempt:
    """One attempt of one client, oldest step first."""

    name: str
    steps: list[AuthorizationStep] = field(default_factory=list)

    @property
    def last(self) -> AuthorizationStep:
        """The latest step."""
        return self.steps[-1]

    @property
    def has_succeeded(self) -> bool:
        """True when the client got a token."""
        return self.last.outcome == "ok" and self.last.step in {"token", "refresh"}

    @property
    def has_failed(self) -> bool:
        """True when a step was refused; False also for an attempt that just stopped."""
        return self.last.outcome != "ok"

    @property
    def verdict(self) -> str:
        """The result and what to do next, in a sentence."""
        if self.has_succeeded:
            return "Connected."
        if self.has_failed:
            return _ADVICE.get(self.last.outcome, _OTHERWISE)
        return _UNFINISHED.get(self.last.step, _OTHERWISE)


def title(step: AuthorizationStep) -> str:
    """A short title of a step."""
    return _TITLES.get(step.step, step.step.capitalize())


def attempts_of(db: Session, user_id: str, browser: str) -> list[Attempt]:
    """A person's last attempts, newest first.

    `browser` is the mark of their browser: what it did before a sign-in is theirs to see. An address is not:
    strangers may share it.
    """
    taken = _steps(db, user_id, browser)
    names = _names(db, {step.client_id for step in taken})
    attempts: list[Attempt] = []
    for step in taken:
        _add_step(attempts, step, names)
    attempts.sort(key=lambda attempt: attempt.last.id or 0, reverse=True)
    return attempts[:_MAX_ATTEMPTS]


def _steps(db: Session, user_id: str, browser: str) -> Sequence[AuthorizationStep]:
    """The person's steps, and nobody's: of a client that registered for them alone, or from their browser.
    Oldest first.
    """
    step = AuthorizationStep
    theirs = select(col(step.client_id)).where(
        col(step.user_id) == user_id,
        attempt_log.is_registered(col(step.client_id)),
        col(step.client_id).not_in(attempt_log.used_by(col(step.user_id) != user_id)),
    )
    nobodys = col(step.user_id).is_(None)
    visible = or_(
        col(step.user_id) == user_id,
        and_(nobodys, col(step.client_id).in_(theirs)),
        and_(nobodys, col(step.browser) == browser, col(step.browser) != ""),
    )
    found = db.scalars(
        select(step).where(visible, ~_is_routine()).order_by(col(step.id).desc()).limit(_MAX_STEPS)
    )
    return list(found)[::-1]


def _is_routine() -> ColumnElement[bool]:
    """A refreshed token is no attempt."""
    return and_(col(AuthorizationStep.step) == "refresh", col(AuthorizationStep.outcome) == "ok")


def _names(db: Session, client_ids: Iterable[str]) -> dict[str, str]:
    rows = db.execute(
        select(col(Client.client_id), col(Client.name)).where(
            col(Client.client_id).in_(set(client_ids) - {""})
        )
    )
    return {row[0]: row[1] for row in rows}


def _add_step(attempts: list[Attempt], step: AuthorizationStep, names: dict[str, str]) -> None:
    """Adds a step to its attempt, or begins another."""
    for attempt in reversed(attempts):
        if _continues(attempt, step):
            attempt.steps.append(step)
            if step.client_id:
                attempt.name = names.get(step.client_id, attempt.name)
            return
    attempts.append(Attempt(names.get(step.client_id) or step.program or "A program", [step]))


def _continues(attempt: Attempt, step: AuthorizationStep) -> bool:
    last, client_id = attempt.last, next((each.client_id for each in attempt.steps if each.client_id), "")
    pause = step.at - last.at
    if attempt.has_succeeded and step.step in {"knock", "resource", "metadata", "registration", "authorize"}:
        return False
    if client_id and step.client_id:
        return client_id == step.client_id and pause <= _PAUSE
    # Discovery requests come before a client id. Some clients use two libraries, so the program does not
    # identify the client.
    return last.origin == step.origin and pause <= _DISCOVERY_PAUSE and not attempt.has_failed
