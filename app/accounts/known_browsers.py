"""The known-browser mark: a cookie that says that this browser has signed in to an account before.

It grants nothing but budgets of its own, so that somebody who spends an account's budgets, or those of an
address that many share, does not lock its owner out (OWASP: device cookies). It ends with a new password and
with signing out everywhere: whoever copied it is a stranger again.

The cookie reads `token.seal.mark`. The seal shows without a database that we issued the token to somebody who
signed in; the mark, that it was this account, and that the mark has not ended since.
"""

import hmac

from flask import Response, request
from flask_limiter.util import get_remote_address
from sqlalchemy import update
from sqlmodel import Session, col, select

from app import crypto
from app.accounts.browsers import Browser, cookie_value_of, set_cookie
from app.accounts.keyed_hash import keyed_digest
from app.accounts.models import User
from app.config import Settings
from app.web import current

_SECONDS = 365 * 86_400
_KIND = "known"


def is_known_to(db: Session, settings: Settings, browser: Browser, email: str) -> bool:
    """True if this browser has signed in to the account of this address before, and its mark still counts."""
    token, mark = _parts(settings, browser.known)
    if not token:
        return False
    epoch = db.exec(select(User.browser_epoch).where(col(User.email) == email)).first() or 0
    return hmac.compare_digest(mark.encode(), _mark(settings, token, email, epoch).encode())


def remember(response: Response, settings: Settings, email: str, epoch: int) -> None:
    """Set the cookie that proves later that this browser has signed in to the account of this address.

    `epoch` is the person's `browser_epoch`.
    """
    token = crypto.new_token()
    mark = _mark(settings, token, email, epoch)
    set_cookie(response, settings, _KIND, f"{token}.{_seal(settings, token)}.{mark}", _SECONDS)


def forget_all(db: Session, user: User) -> None:
    """Make every browser a stranger to this account again; `user` gets the new epoch, too."""
    raised = update(User).where(col(User.id) == user.id).values(browser_epoch=User.browser_epoch + 1)
    user.browser_epoch = db.execute(raised.returning(col(User.browser_epoch))).scalar_one()


def sender() -> str:
    """Return whose limit per minute a sign-in request counts against: a known browser's, or its address's."""
    settings = current.settings()
    token, _ = _parts(settings, cookie_value_of(request, settings, _KIND))
    return f"known:{token}" if token else get_remote_address()


def _parts(settings: Settings, cookie_value: str) -> tuple[str, str]:
    """Return token and mark of a cookie that we issued; otherwise twice ""."""
    token, _, rest = cookie_value.partition(".")
    seal, _, mark = rest.partition(".")
    is_ours = token and hmac.compare_digest(seal.encode(), _seal(settings, token).encode())
    return (token, mark) if is_ours else ("", "")


def _seal(settings: Settings, token: str) -> str:
    return keyed_digest(settings, "issued to a browser", token)[:24]


def _mark(settings: Settings, token: str, email: str, epoch: int) -> str:
    return keyed_digest(settings, "known browser", token, email, str(epoch))[:40]
