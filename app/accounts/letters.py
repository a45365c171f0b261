"""The mails about signing in. Codes are in the text only: subjects reach logs and lock screens."""

from typing import NamedTuple, Self

from app.accounts.codes import LIFETIME, FreshCode
from app.config import Settings

_MINUTES = int(LIFETIME.total_seconds() // 60)


class Letter(NamedTuple):
    """Subject and text of a mail to send."""

    subject: str
    text: str

    @classmethod
    def with_code(
        cls, subject: str, code: FreshCode, use: str, *, guards: str = "", besides: str = ""
    ) -> Self:
        """A mail with a code and its `use`. `guards`: what happens only with the code; else it signs in."""
        warning = (
            f"ignore this email: without the code nothing is {guards}. Never share the code.\n"
            if guards
            else "ignore this email. Never share the code: it signs in to your account.\n"
        )
        once = f"It works once and expires in {_MINUTES} minutes."
        text = f"Your code is {code.digits}\n\n{use} {once}\n\n{besides}"
        return cls(subject, f"{text}If this wasn't you, {warning}")


def confirm_address(settings: Settings, code: FreshCode) -> Letter:
    """To somebody who creates an account."""
    use = f"Enter it on the page where you created your {settings.brand_name} account."
    return Letter.with_code(f"Confirm your email for {settings.brand_name}", code, use, guards="created")


def sign_in_code(settings: Settings, code: FreshCode) -> Letter:
    """To somebody who signs in without a password."""
    use = "Enter it on the page where you requested it."
    return Letter.with_code(f"Your sign-in code for {settings.brand_name}", code, use)


def already_registered(settings: Settings, *, invited: bool = False) -> Letter:
    """To an address that has an account and tries to create one. `invited`: to join a workspace with it."""
    after = "Then open the link in your invitation again to join.\n\n" if invited else ""
    return Letter(
        f"You already have a {settings.brand_name} account",
        f"Someone, probably you, tried to create a {settings.brand_name} account with this email. You "
        "already have one.\n\n"
        f"Sign in: {settings.public_url}/login\n\n"
        f"{after}"
        "Forgot your password? Choose “Email me a code” there. If this wasn't you, ignore this email.\n",
    )


def not_registered(settings: Settings) -> Letter:
    """To an address without an account that tries to sign in."""
    return Letter(
        f"There is no {settings.brand_name} account with this email",
        f"Someone, probably you, tried to sign in to {settings.brand_name} with this email, which has "
        "no account.\n\n"
        f"Create one: {settings.public_url}/register\n\n"
        "Or sign in with the email you used before. If this wasn't you, ignore this email.\n",
    )


def google_code(settings: Settings, code: FreshCode) -> Letter:
    """To an address that Google names, but whose mailbox it does not run."""
    use = (
        f"Someone, probably you, is signing in to {settings.brand_name} with Google as this email. Enter the "
        "code on the page where you requested it. From then on, Google alone is enough."
    )
    return Letter.with_code(f"Your sign-in code for {settings.brand_name}", code, use)


def google_linked(settings: Settings) -> Letter:
    """To somebody whose Google account now signs in to their existing account."""
    return Letter(
        f"Google now signs in to your {settings.brand_name} account",
        f"Someone, probably you, signed in to your {settings.brand_name} account with the Google account of "
        "this email. It can sign in from now on. Your password, if you have one, still works.\n\n"
        "If this wasn't you, secure your mailbox, then unlink Google and sign out everywhere: "
        f"{settings.public_url}/account\n",
    )


def login_linked(settings: Settings) -> Letter:
    """To somebody whose Firebase login is now exchanged for access to their account."""
    return Letter(
        f"A FlowPOS login now has access to your {settings.brand_name} account",
        f"A FlowPOS app, probably yours, used a login with this email to get access to your "
        f"{settings.brand_name} account. From now on it can get access again without asking you.\n\n"
        "If this wasn't you, secure that login and your mailbox, then remove it: "
        f"{settings.public_url}/account\n",
    )
