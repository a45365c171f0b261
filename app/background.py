"""The background threads of a web process."""

from flask import Flask

from app import database_clock, metrics
from app.activity import sealer
from app.admin import hosts
from app.notifications import run
from app.webhooks import sender


def start(app: Flask) -> None:
    """Seal the audit trail, send notifications and webhooks. Call it once per web process, after the fork."""
    database_clock.start()
    hosts.start()
    sealer.start()
    metrics.start_sampling()
    run.start(app.extensions["patchbay"], app.extensions["mailer"])
    sender.start(app.extensions["patchbay"], app.extensions["mailer"])
