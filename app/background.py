"""The background threads of a web process."""

from flask import Flask

from app.activity import sealer
from app.admin import hosts
from app.notifications import run


def start(app: Flask) -> None:
    """Seal the audit trail's entries and send notifications. Call it once per web process, after the fork."""
    hosts.start()
    sealer.start()
    run.start(app.extensions["patchbay"], app.extensions["mailer"])
