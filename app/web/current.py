"""The settings and the mailer of the application that serves this request.

What a package puts into `app.extensions` itself has its typed accessor in that package.
Who is signed in: app.accounts.login.
"""

from flask import current_app

from app.config import Settings
from app.mail import Mailer


def settings() -> Settings:
    """The installation's settings. Raises RuntimeError outside an application context."""
    found: Settings = current_app.extensions["patchbay"]
    return found


def mailer() -> Mailer:
    """What sends the installation's mail."""
    found: Mailer = current_app.extensions["mailer"]
    return found
