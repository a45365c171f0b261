"""The emails about signing up by API. They don't repeat the company's name: anybody can type one."""

from app.accounts.codes import FreshCode
from app.accounts.letters import Letter
from app.config import Settings


def confirm(settings: Settings, code: FreshCode) -> Letter:
    """To an address without an account."""
    use = f"Send it to {settings.public_url}/api/confirm to continue setting up your company."
    return Letter.with_code(f"Confirm your email for {settings.brand_name}", code, use, guards="created")


def confirm_known(settings: Settings, code: FreshCode) -> Letter:
    """To an address that has an account."""
    use = (
        f"You already have a {settings.brand_name} account with this email. To add another workspace to it, "
        f"send the code to {settings.public_url}/api/confirm."
    )
    besides = f"Just want to sign in? Go to {settings.public_url}/login and choose “Email me a code”.\n\n"
    subject = f"Confirm a new workspace in {settings.brand_name}"
    return Letter.with_code(subject, code, use, guards="changed", besides=besides)


def ready(settings: Settings) -> Letter:
    """To somebody who activated a company."""
    return Letter(
        f"Your {settings.brand_name} workspace is ready",
        f"Your workspace was set up by API, and its first service is connected.\n\n"
        f"MCP URL: {settings.mcp_url}\n\n"
        "To invite colleagues, connect more services or generate another token, sign in at "
        f"{settings.public_url}/login: enter this email and choose “Email me a code”.\n\n"
        "If this wasn't you, someone can read your email. Sign in the same way and delete the workspace.\n",
    )
