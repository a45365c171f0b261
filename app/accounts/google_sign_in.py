"""Signing in with Google: OpenID Connect, authorization code with PKCE, state and nonce bound to the browser.

Decided, because an account here is as good as everything connected to it:
- The identity is Google's issuer and subject. An address alone links nothing: it must be one Google has
  verified, and whoever is in this browser must read its mailbox today.
- Google is believed about that only where it runs the mailbox (gmail.com, or the Workspace domain it names).
  Elsewhere the address may have changed hands since Google looked, so a mailed code comes first, for known
  and unknown addresses alike.
- A mailed code signs in to any account, one with a password too. So linking gives nobody more than the
  mailbox already does; and the address is told by mail when it happens.
- The verifier and the nonce follow from the state under SECRET_KEY, so neither is stored anywhere.
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
from app.accounts import addresses, codes, google_identities, google_tokens, letters, signing_in
from app.accounts.addresses import InvalidAddress
from app.accounts.browsers import Browser
from app.accounts.codes import FreshCode
from app.accounts.google_provider import Provider
from app.accounts.google_tokens import AddressNotVerified, Claims, NotFromGoogle
from app.accounts.keyed_hash import keyed_digest
from app.accounts.models import GoogleAttempt, MailedCode, User
from app.config import Settings
from app.database import reading, transaction
from app.errors import Forbidden, InvalidInput
from app.mail import Mailer

PURPOSE = "google"
_LIFE = timedelta(minutes=10)
_TO_FINISH = timedelta(minutes=30)


class AttemptGone(InvalidInput):
    """The trip to Google is unknown, over, too old, or was begun in another browser."""

    code = "SIGN_IN_EXPIRED"
    message = "This sign-in has expired, or was started in another browser. Nothing was changed; start again."


class DeclinedAtGoogle(InvalidInput):
    """The person, or Google, did not go through with it."""

    message = "Google did not sign you in. Try again, or sign in with your email."


class AccountDisabled(Forbidden):
    """The account exists and may not be used."""

    message = "This account is switched off. Ask your administrator."


@dataclass(frozen=True)
class Settled:
    """Where a trip to Google has led: to a session (`person`, `cookie_value`), or on to making an account."""

    person: User | None = None
    cookie_value: str = ""
    linked: bool = False  # just now, to an account there was


def start(
    settings: Settings, provider: Provider, browser: Browser, next_path: str, *, choose: bool = False
) -> str:
    """Begin a trip and give the address of Google's page. `choose`: ask for the account even when only one
    is signed in there.
    """
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
    asked = {
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
    return provider.authorize_url + ("&" if "?" in provider.authorize_url else "?") + urlencode(asked)


def take(browser: Browser, state: str) -> GoogleAttempt:
    """Use up the trip of a state: of any number of answers one counts. Raises AttemptGone."""
    if not browser.holder or not 0 < len(state) <= 100:
        raise AttemptGone()
    mine = (
        col(GoogleAttempt.state_digest) == crypto.digest(state),
        col(GoogleAttempt.holder_digest) == browser.holder_digest,
    )
    at = clock.now()
    unused = (*mine, col(GoogleAttempt.used_at).is_(None), col(GoogleAttempt.expires_at) > at)
    with transaction() as db:
        taken = db.execute(
            update(GoogleAttempt).where(*unused).values(used_at=at).returning(col(GoogleAttempt.id))
        ).scalar_one_or_none()
        if taken is None:
            raise AttemptGone()
        return db.get_one(GoogleAttempt, taken)


def finish(
    settings: Settings, provider: Provider, attempt: GoogleAttempt, answer: Mapping[str, str]
) -> GoogleAttempt:
    """Take Google's answer to a trip that was just used up, and keep what it says. Holds no transaction while
    it asks.

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
    return _keep(attempt, claims)


def find_unfinished(db: Session, browser: Browser, attempt_id: str) -> GoogleAttempt | None:
    """A trip of this browser that came back and is not finished, or None."""
    if not browser.holder:
        return None
    mine = (col(GoogleAttempt.id) == attempt_id, col(GoogleAttempt.holder_digest) == browser.holder_digest)
    return db.exec(select(GoogleAttempt).where(*mine, *_unfinished())).first()


def settle(db: Session, provider: Provider, browser: Browser, attempt: GoogleAttempt) -> Settled:
    """Sign in whom Google named: by its identity, or by an address that was proved. Nobody in Settled: an
    account is still to be made.

    Raises AccountDisabled, AttemptGone.
    """
    user = google_identities.find_person(db, provider.issuer, attempt.subject)
    known = user is not None
    if user is None and attempt.address_proved:
        user = db.exec(select(User).where(col(User.email) == attempt.email)).first()
    if user is None:
        return Settled()
    if user.disabled_at is not None:
        raise AccountDisabled()
    spend(db, attempt)
    linked = not known and google_identities.link(
        db, user, issuer=provider.issuer, subject=attempt.subject, email=attempt.email
    )
    return Settled(user, signing_in.admit(db, browser, user, how="google"), linked)


def spend(db: Session, attempt: GoogleAttempt) -> None:
    """Use a trip up for good. Raises AttemptGone when somebody was faster."""
    finished = (
        update(GoogleAttempt)
        .where(col(GoogleAttempt.id) == attempt.id, *_unfinished())
        .values(finished_at=clock.now())
    )
    if db.execute(finished.returning(col(GoogleAttempt.id))).scalar_one_or_none() is None:
        raise AttemptGone()


def tell_linked(settings: Settings, mailer: Mailer, user: User) -> None:
    """Write to the person that Google signs in to their account from now on."""
    letter = letters.google_linked(settings)
    mailer.send(user.email, letter.subject, letter.text)


# --- an address Google only heard of -------------------------------------------------------------


def mail_code(settings: Settings, mailer: Mailer, browser: Browser, attempt: GoogleAttempt) -> FreshCode:
    """Ask the mailbox itself. The same for known and unknown addresses. Raises BudgetSpent."""
    codes.reserve(settings, browser, attempt.email)
    code = codes.issue(
        settings, browser, email=attempt.email, purpose=PURPOSE, payload={"attempt": attempt.id}, mailed=True
    )
    letter = letters.google_code(settings, code)
    mailer.send(attempt.email, letter.subject, letter.text)
    return code


def find_waiting(browser: Browser, code_id: str) -> MailedCode | None:
    """The code this browser waits for, or None. One that was used is gone."""
    with reading() as db:
        code = codes.find_waiting(db, browser, code_id, (PURPOSE,))
    return code if code is not None and code.used_at is None else None


def prove_address(settings: Settings, browser: Browser, code: MailedCode, digits: str) -> GoogleAttempt:
    """Take the code: whoever is in this browser reads the mailbox. Raises CodeRefused, AttemptGone."""
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


def _keep(attempt: GoogleAttempt, claims: Claims) -> GoogleAttempt:
    try:
        email = addresses.normalise(claims.email)
    except InvalidAddress:
        raise AddressNotVerified() from None
    kept = {
        "subject": claims.subject,
        "email": email,
        "name": " ".join("".join(c for c in claims.name if c.isprintable()).split())[:100],
        "address_proved": claims.runs_mailbox,
        "expires_at": clock.now() + _TO_FINISH,
    }
    with transaction() as db:
        db.execute(update(GoogleAttempt).where(col(GoogleAttempt.id) == attempt.id).values(kept))
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
