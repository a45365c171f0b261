"""The mails about getting in by API. What was typed about the company is not repeated in them: anybody can
type it.
"""

from app.accounts.codes import LIFETIME, FreshCode
from app.accounts.letters import Letter
from app.config import Settings

_MINUTES = int(LIFETIME.total_seconds() // 60)


def confirm(settings: Settings, code: FreshCode) -> Letter:
    """To an address that has no account yet."""
    return Letter(
        f"Confirm your email for {settings.brand_name}",
        f"Your code is {code.digits}\n\n"
        f"Send it to {settings.public_url}/api/confirm to go on setting up your company. It works once, "
        f"for {_MINUTES} minutes.\n\n"
        "If this was not you, ignore this mail: without the code nothing is created. Never give the code "
        "to anybody.\n",
    )


def confirm_known(settings: Settings, code: FreshCode) -> Letter:
    """To an address that has an account."""
    return Letter(
        f"Confirm a new workspace in {settings.brand_name}",
        f"Your code is {code.digits}\n\n"
        f"You already have a {settings.brand_name} account with this address. Sent to "
        f"{settings.public_url}/api/confirm, the code goes on "
        f"setting up one more workspace for it. It works once, for {_MINUTES} minutes.\n\n"
        f"Only want to sign in? Go to {settings.public_url}/login and choose “Email me a code” there.\n\n"
        "If this was not you, ignore this mail: without the code nothing is changed. Never give the code "
        "to anybody.\n",
    )


def ready(settings: Settings) -> Letter:
    """To whoever activated a company."""
    return Letter(
        f"Your {settings.brand_name} workspace is ready",
        f"A workspace was set up for you by API, and its first service is connected.\n\n"
        f"Its MCP address: {settings.mcp_url}\n\n"
        "To invite colleagues, connect more services or make another token, sign in at "
        f"{settings.public_url}/login: "
        "enter this address and choose “Email me a code”.\n\n"
        "If this was not you, sign in the same way and delete the workspace: somebody has read your mail.\n",
    )
