"""The mails about changes to an account. Codes are in the text only: subjects reach logs and lock screens."""

from app.account_settings.access import RemainingAccess
from app.accounts import plain_names
from app.accounts.codes import FreshCode
from app.accounts.letters import Letter
from app.config import Settings

_NOT_YOU = (
    "If this wasn't you, sign in with “Email me a code”, choose a new password, and tell your administrator."
)


def password_changed(settings: Settings, remaining: RemainingAccess, *, ended: bool) -> Letter:
    """To somebody whose password was changed or set. `ended`: what acted for them lost its access as well."""
    text = (
        f"The password of your {settings.brand_name} account was just changed. Every other browser was "
        "signed out.\n\n"
    )
    if ended:
        text += "Your AI clients, tokens and linked logins lost their access.\n\n"
    elif remaining:
        text += _still_has_access(settings, remaining)
    return Letter(
        f"Your {settings.brand_name} password was changed",
        f"{text}If this was you, there's nothing to do. {_NOT_YOU}\n\n{settings.public_url}/account\n",
    )


def _still_has_access(settings: Settings, remaining: RemainingAccess) -> str:
    lines = [
        f"- {plain_names.in_mail(name, 'an AI client')}, in {plain_names.in_mail(workspace, 'a workspace')}"
        for name, workspace in remaining.clients
    ]
    if more := remaining.count - len(lines):
        lines.append(f"- and {more} more")
    if remaining.logins:
        lines.append("- your linked FlowPOS login")
    listed = "\n".join(lines)
    ends = [f"AI clients and tokens at {settings.public_url}/ai-clients"] if remaining.count else []
    ends += [f"linked logins at {settings.public_url}/account"] if remaining.logins else []
    return f"A new password doesn't end what these already have:\n\n{listed}\n\nEnd {', '.join(ends)}.\n\n"


def new_address(settings: Settings, code: FreshCode) -> Letter:
    """To the address somebody wants to use from now on."""
    use = "Enter it on the page where you asked to change your email."
    return Letter.with_code(f"Confirm your new email for {settings.brand_name}", code, use, guards="changed")


def address_in_use(settings: Settings) -> Letter:
    """To an address that has an account, when somebody wants to use it for another one."""
    return Letter(
        f"This address has a {settings.brand_name} account",
        f"Somebody, probably you, tried to use this address for another {settings.brand_name} account. It "
        "already has an account, so nothing changed.\n\n"
        f"Sign in to it: {settings.public_url}/login\n\n"
        "To use the address for the other account, delete this one or change its email first. "
        "If this wasn't you, there's nothing to do.\n",
    )


def address_changed(settings: Settings) -> Letter:
    """To the previous address of an account."""
    return Letter(
        f"The email of your {settings.brand_name} account was changed",
        f"Your {settings.brand_name} account has a new email address and no longer uses this one. Every "
        "other browser was signed out.\n\n"
        "If this was you, there's nothing to do. If it wasn't, tell your administrator immediately: "
        "this address no longer signs in to the account.\n",
    )


def account_deleted(settings: Settings) -> Letter:
    """To somebody who deleted their account."""
    return Letter(
        f"Your {settings.brand_name} account is deleted",
        f"Your {settings.brand_name} account and everything that was yours alone is deleted. Your AI clients "
        "lost access, and we're revoking the access at the services you had connected.\n\n"
        "This is the last email you get from us.\n",
    )


def workspace_deleted(settings: Settings, name: str) -> Letter:
    """To a member of a workspace that its owner deleted."""
    name = plain_names.in_mail(name, "you were in")
    return Letter(
        f"The workspace {name} is deleted",
        f"An owner deleted the workspace {name} on {settings.brand_name}, with its connections and saved "
        "notes. AI clients that used it lost access.\n\n"
        f"You keep your account: {settings.public_url}/account\n",
    )
