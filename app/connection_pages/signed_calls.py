"""A checked call that a button carries, signed: what was previewed is what runs, and the next page is of the
same list.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer
from pydantic_core import to_jsonable_python

from app import clock, crypto
from app.accounts import budgets
from app.accounts.budgets import BudgetSpent, Rule
from app.config import Settings
from app.database import transaction
from app.errors import InvalidInput

_LIFE_SECONDS = 1_800
_ONCE = Rule("try_it.run", 1, 86_400)


class CallExpired(InvalidInput):
    """The button is older than half an hour, or was changed."""

    message = "This page is too old to run from. Preview it again."


class AlreadyRun(InvalidInput):
    """The button was pressed before: nothing is done a second time, whatever came of the first."""

    status = 409
    message = (
        "This button was already used, so nothing was done again. See the last calls on the connection's "
        "page; if it didn't run, preview it again."
    )


@dataclass(frozen=True)
class SignedCall:
    """The arguments a button carries. `key` is unique to it."""

    arguments: Mapping[str, Any]
    business_id: str
    key: str


def issue(settings: Settings, arguments: Mapping[str, Any], business_id: str, *bound_to: str) -> str:
    """The text a button carries, for the person, connection and tool in `bound_to` alone."""
    content = [to_jsonable_python(arguments), business_id, crypto.new_token()[:20], list(bound_to)]
    text: str = _signer(settings).dumps(content)
    return text


def read(settings: Settings, text: str, *bound_to: str) -> SignedCall:
    """What a button carries. Raises CallExpired."""
    try:
        arguments, business_id, key, bound = _signer(settings).loads(text, max_age=_LIFE_SECONDS)
    except (BadSignature, ValueError, TypeError):
        raise CallExpired() from None
    if bound != list(bound_to):
        raise CallExpired()
    return SignedCall(arguments, business_id, key)


def use_up(settings: Settings, call: SignedCall) -> None:
    """Lets a call run once, in every process: a second press finds it used. Raises AlreadyRun."""
    try:
        with transaction() as db:
            budgets.take(db, settings, _ONCE, call.key)
    except BudgetSpent:
        raise AlreadyRun() from None


def _signer(settings: Settings) -> URLSafeTimedSerializer:
    keys = [settings.secret_key, *settings.secret_key_fallbacks]
    return URLSafeTimedSerializer(list(reversed(keys)), salt="try-it", signer=clock.ClockSigner)
