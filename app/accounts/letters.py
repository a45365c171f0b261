"""The mails we write about signing in. Codes stand in the text only: subjects reach logs and lock screens."""

from dataclasses import dataclass

from app.accounts.codes import LIFETIME, FreshCode
from app.config import Settings

_MINUTES = int(LIFETIME.total_seconds() // 60)


@dataclass(frozen=True)
class Letter:
    """A mail to be sent."""

    subject: str
    text: str


def confirm_address(settings: Settings, code: FreshCode) -> Letter:
    """To somebody who creates an account."""
    return Letter(
        f"Confirm your email for {settings.brand_name}",
        f"Your code is {code.digits}\n\n"
        f"Enter it on the page where you created your {settings.brand_name} account. It works once, for "
        f"{_MINUTES} minutes.\n\n"
        "If this was not you, ignore this mail: without the code nothing is created. Never give the code "
        "to anybody.\n",
    )


def sign_in_code(settings: Settings, code: FreshCode) -> Letter:
    """To somebody who signs in without a password."""
    return Letter(
        f"Your sign-in code for {settings.brand_name}",
        f"Your code is {code.digits}\n\n"
        f"Enter it on the page where you asked for it. It works once, for {_MINUTES} minutes.\n\n"
        "If this was not you, ignore this mail. Never give the code to anybody: it signs in to your "
        "account.\n",
    )


def already_registered(settings: Settings, *, invited: bool = False) -> Letter:
    """To somebody who creates an account with an address that has one; `invited`: to join a workspace with
    it.
    """
    after = "Then open the link in the invitation's mail again to join.\n\n" if invited else ""
    return Letter(
        f"You already have a {settings.brand_name} account",
        f"Somebody, probably you, tried to create a {settings.brand_name} account with this address. You "
        "already have one.\n\n"
        f"Sign in: {settings.public_url}/login\n\n"
        f"{after}"
        "No password at hand? Choose “Email me a code” there. If this was not you, there is nothing to do.\n",
    )


def not_registered(settings: Settings) -> Letter:
    """To somebody who signs in with an address that has no account."""
    return Letter(
        f"There is no {settings.brand_name} account with this address",
        f"Somebody, probably you, tried to sign in to {settings.brand_name} with this address, which has "
        "no account.\n\n"
        f"Create one: {settings.public_url}/register\n\n"
        "Or sign in with the address you used before. If this was not you, there is nothing to do.\n",
    )


def google_code(settings: Settings, code: FreshCode) -> Letter:
    """To an address that Google names, but does not keep the mailbox of."""
    return Letter(
        f"Your sign-in code for {settings.brand_name}",
        f"Your code is {code.digits}\n\n"
        f"Somebody, probably you, signs in to {settings.brand_name} with Google as this address. Enter the "
        "code on the page where you were "
        f"asked for it; after that Google is enough. It works once, for {_MINUTES} minutes.\n\n"
        "If this was not you, ignore this mail. Never give the code to anybody: it signs in to your "
        "account.\n",
    )


def google_linked(settings: Settings) -> Letter:
    """To somebody whose Google account signs in to the account they had."""
    return Letter(
        f"Google now signs in to your {settings.brand_name} account",
        f"Your {settings.brand_name} account was just opened with the Google account of this address, and "
        "will be from now on. "
        "Your password, if you have one, works as before.\n\n"
        "If this was not you, secure your mailbox, then unlink Google and sign out everywhere: "
        f"{settings.public_url}/account\n",
    )
