"""Signing in with Google: OpenID Connect, authorization code with PKCE, state and nonce bound to the browser.

Decided, because an account here is worth as much as everything connected to it:
- The identity is Google's issuer and subject. An address alone links nothing: Google must have verified it,
  and the person in this browser must read its mailbox today.
- We believe Google about the mailbox only where Google runs it (gmail.com, or the Workspace domain it names).
  Elsewhere the address may have changed hands since Google verified it, so a mailed code comes first, for
  known and unknown addresses alike.
- A mailed code signs in to any account, including one with a password. So linking grants nothing beyond what
  the mailbox already grants, and a mail informs the address when it happens.
- The verifier and the nonce are derived from the state with SECRET_KEY, so neither is stored.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, update
from sqlmodel import Session, col, select

from app import clock, crypto
from app.accounts import (
    addresses,
    codes,
    google_tokens,
    letters,
    linked_logins,
    people,
    plain_names,
    signing_in,
)
from app.accounts.addresses import InvalidAddress
from app.accounts.browsers import Browser
from app.accounts.codes import FreshCode
from app.accounts.google_provider import Provider
from app.accounts.google_tokens import AddressNotVerified, Claims, NotFromGoogle
from app.accounts.keyed_hash import keyed_digest
from app.accounts.linked_logins import GOOGLE
from app.accounts.models import GoogleAttempt, MailedCode, User
from app.config import Settings
from app.database import reading, transaction
from app.errors import Forbidden, InvalidInput
from app.mail import Mailer

PURPOSE = "google"
_LIFE = timedelta(minutes=10)
_TO_FINISH = timedelta(minutes=30)


class AttemptGone(InvalidInput):
    """The attempt is unknown, finished, too old, or was started in another browser."""

    code = "SIGN_IN_EXPIRED"
    message = "This sign-in expired or was started in another browser. Nothing changed. Start again."


class DeclinedAtGoogle(InvalidInput):
    """The person, or Google, cancelled the sign-in."""

    message = "Google didn't sign you in. Try again, or sign in with your email."


class AccountDisabled(Forbidden):
    """The account exists and may not be used."""

    message = "This account is disabled. Ask your administrator."


@dataclass(frozen=True)
class SignInResult:
    """The result of an attempt: a session (`person`, `cookie_value`), or no account yet."""

    person: User | None = None
    cookie_value: str = ""
    linked: bool = False  # now, to an account that existed before


def start(
    settings: Settings, provider: Provider, browser: Browser, next_path: str, *, choose: bool = False
) -> str:
    """Start an attempt and return the URL of Google's page. `choose`: the person must pick an account."""
    state, at = crypto.new_token(), clock.now()
    with transaction() as db:
        db.add(
            GoogleAttempt(
                id=crypto.new_id("goo"),
                state_digest=crypto.digest(state),
                holder_digest=browser.holder_digest,
                next_path=next_path,
                created_at=at,
                expires_at=at + _LIFE,
            )
        )
    parameters = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": provider.redirect_uri,
        "scope": "openid email profile",
        "state": state,
        "nonce": _nonce(settings, state),
        "code_challenge": base64.urlsafe_b64encode(
            hashlib.sha256(_verifier(settings, state).encode()).digest()
        )
        .rstrip(b"=")
        .decode(),
        "code_challenge_method": "S256",
        **({"prompt": "select_account"} if choose else {}),
    }
    return provider.authorize_url + ("&" if "?" in provider.authorize_url else "?") + urlencode(parameters)


def consume(browser: Browser, state: str) -> GoogleAttempt:
    """Mark the attempt of a state as used: of parallel callbacks one counts. Raises AttemptGone."""
    if not browser.holder or not 0 < len(state) <= 100:
        raise AttemptGone()
    own_attempt = (
        col(GoogleAttempt.state_digest) == crypto.digest(state),
        col(GoogleAttempt.holder_digest) == browser.holder_digest,
    )
    at = clock.now()
    unused = (*own_attempt, col(GoogleAttempt.used_at).is_(None), col(GoogleAttempt.expires_at) > at)
    with transaction() as db:
        attempt_id = db.execute(
            update(GoogleAttempt).where(*unused).values(used_at=at).returning(col(GoogleAttempt.id))
        ).scalar_one_or_none()
        if attempt_id is None:
            raise AttemptGone()
        return db.get_one(GoogleAttempt, attempt_id)


def finish(
    settings: Settings, provider: Provider, attempt: GoogleAttempt, answer: Mapping[str, str]
) -> GoogleAttempt:
    """Exchange Google's answer for an ID token and store its claims. Holds no transaction during requests.

    Raises DeclinedAtGoogle, GoogleUnreachable, NotFromGoogle, AddressNotVerified.
    """
    # RFC 9207
    if not hmac.compare_digest(answer.get("iss", provider.issuer).encode(), provider.issuer.encode()):
        raise NotFromGoogle()
    if "error" in answer or not answer.get("code"):
        raise DeclinedAtGoogle()
    state = answer["state"]
    id_token = google_tokens.exchange(provider, answer["code"], _verifier(settings, state))
    claims = google_tokens.verify(provider, id_token, _nonce(settings, state))
    return _store_claims(attempt, claims)


def find_unfinished(db: Session, browser: Browser, attempt_id: str) -> GoogleAttempt | None:
    """Return an attempt of this browser that Google has answered and that is not finished, or None."""
    if not browser.holder:
        return None
    own_attempt = (
        col(GoogleAttempt.id) == attempt_id,
        col(GoogleAttempt.holder_digest) == browser.holder_digest,
    )
    return db.exec(select(GoogleAttempt).where(*own_attempt, *_unfinished())).first()


def complete(db: Session, provider: Provider, browser: Browser, attempt: GoogleAttempt) -> SignInResult:
    """Sign in the person Google named, by identity or by a proved address.

    The result has no person if an account still has to be created. Raises AccountDisabled, AttemptGone.
    """
    user = linked_logins.find_person(db, GOOGLE, provider.issuer, attempt.subject)
    known = user is not None
    if user is None and attempt.address_proved:
        user = db.exec(select(User).where(col(User.email) == attempt.email)).first()
    if user is None:
        return SignInResult()
    if user.disabled_at is not None:
        raise AccountDisabled()
    spend(db, attempt)
    linked = not known and linked_logins.link(
        db, user, GOOGLE, issuer=provider.issuer, subject=attempt.subject, email=attempt.email
    )
    if linked:
        people.prove_address(db, user)
    return SignInResult(user, signing_in.admit(db, browser, user, how="google"), linked)


def spend(db: Session, attempt: GoogleAttempt) -> None:
    """Mark an attempt as finished. Raises AttemptGone if another request was faster."""
    finished = (
        update(GoogleAttempt)
        .where(col(GoogleAttempt.id) == attempt.id, *_unfinished())
        .values(finished_at=clock.now())
    )
    if db.execute(finished.returning(col(GoogleAttempt.id))).scalar_one_or_none() is None:
        raise AttemptGone()


def notify_linked(settings: Settings, mailer: Mailer, user: User) -> None:
    """Mail the person that Google signs in to their account from now on."""
    mailer.send(user.email, *letters.google_linked(settings))


# --- addresses whose mailbox Google does not run --------------------------------------------------


def mail_code(settings: Settings, mailer: Mailer, browser: Browser, attempt: GoogleAttempt) -> FreshCode:
    """Mail a code to prove the mailbox. The same for known and unknown addresses. Raises BudgetSpent."""
    email, payload = attempt.email, {"attempt": attempt.id}
    if not codes.reserve(settings, browser, email, PURPOSE):
        return codes.hold_back(settings, browser, email=email, purpose=PURPOSE, payload=payload)
    code = codes.issue(settings, browser, email=email, purpose=PURPOSE, payload=payload, mailed=True)
    mailer.send(attempt.email, *letters.google_code(settings, code))
    return code


def find_pending(browser: Browser, code_id: str) -> MailedCode | None:
    """Return the code this browser waits for, or None if there is none or it was used."""
    with reading() as db:
        code = codes.find_pending(db, browser, code_id, (PURPOSE,))
    return code if code is not None and code.used_at is None else None


def prove_address(settings: Settings, browser: Browser, code: MailedCode, digits: str) -> GoogleAttempt:
    """Check the code, which proves the mailbox for this browser. Raises CodeRefused, AttemptGone."""
    attempt_id = str(code.payload.get("attempt", ""))
    codes.check(settings, browser, code.id, digits)
    with transaction() as db:
        codes.spend(db, code)
        attempt = find_unfinished(db, browser, attempt_id)
        if attempt is None:
            raise AttemptGone()
        attempt.address_proved = True
        db.add(attempt)
    return attempt


def _store_claims(attempt: GoogleAttempt, claims: Claims) -> GoogleAttempt:
    try:
        email = addresses.normalise(claims.email)
    except InvalidAddress:
        raise AddressNotVerified() from None
    values = {
        "subject": claims.subject,
        "email": email,
        "name": plain_names.in_mail(" ".join(claims.name.split())[:100], ""),
        "address_proved": claims.runs_mailbox,
        "expires_at": clock.now() + _TO_FINISH,
    }
    with transaction() as db:
        db.execute(update(GoogleAttempt).where(col(GoogleAttempt.id) == attempt.id).values(values))
        return db.get_one(GoogleAttempt, attempt.id, populate_existing=True)


def _unfinished() -> tuple[ColumnElement[bool], ...]:
    return (
        col(GoogleAttempt.used_at).is_not(None),
        col(GoogleAttempt.subject) != "",
        col(GoogleAttempt.finished_at).is_(None),
        col(GoogleAttempt.expires_at) > clock.now(),
    )


def _verifier(settings: Settings, state: str) -> str:
    return keyed_digest(settings, "google verifier", state)


def _nonce(settings: Settings, state: str) -> str:
    return keyed_digest(settings, "google nonce", state)
