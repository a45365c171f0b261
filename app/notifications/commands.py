"""The command `notifications send`."""

import click
from flask import Flask
from flask.cli import AppGroup

from app.config import Settings
from app.notifications import run


def install(app: Flask, settings: Settings) -> None:
    """Register the command."""
    group = AppGroup("notifications", help="Emails about connections, and daily digests.")

    @group.command("send")
    def send() -> None:
        """Send what is due now. The web processes do this by themselves every few seconds."""
        emails = run.send_all(settings, app.extensions["mailer"])
        click.echo(f"{emails} email{'' if emails == 1 else 's'} sent.")

    app.cli.add_command(group)
