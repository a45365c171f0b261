"""The mails about signing up by API. They do not repeat the company's name, because anybody can type it."""

from app.accounts.codes import FreshCode
from app.accounts.letters import Letter
from app.config import Settings


def confirm(settings: Settings, code: FreshCode) -> Letter:
    """To an address without an account."""
    use = f"Send it to {settings.public_url}/api/confirm to go on setting up your company."
    return Letter.with_code(f"Confirm your email for {settings.brand_name}", code, use, guards="created")


def confirm_known(settings: Settings, code: FreshCode) -> Letter:
    """To an address that has an account."""
    use = (
        f"You already have a {settings.brand_name} account with this address. Sent to "
        f"{settings.public_url}/api/confirm, the code goes on setting up one more workspace for it."
    )
    besides = (
        f"Only want to sign in? Go to {settings.public_url}/login and choose “Email me a code” there.\n\n"
    )
    subject = f"Confirm a new workspace in {settings.brand_name}"
    return Letter.with_code(subject, code, use, guards="changed", besides=besides)


def ready(settings: Settings) -> Letter:
    """To somebody who activated a company."""
    return Letter(
        f"Your {settings.brand_name} workspace is ready",
        f"A workspace was set up for you by API, and its first service is connected.\n\n"
        f"Its MCP address: {settings.mcp_url}\n\n"
        "To invite colleagues, connect more services or make another token, sign in at "
        f"{settings.public_url}/login: "
        "enter this address and choose “Email me a code”.\n\n"
        "If this was not you, sign in the same way and delete the workspace: somebody has read your mail.\n",
    )
