"""The command `webhooks send`."""

import click
from flask import Flask
from flask.cli import AppGroup

from app.config import Settings
from app.webhooks import sending


def install(app: Flask, settings: Settings) -> None:
    """Register the command."""
    group = AppGroup("webhooks", help="Events for the webhooks of workspaces.")

    @group.command("send")
    def send() -> None:
        """Send what is due now. The web processes do this by themselves."""
        attempts = sending.send_due(settings, app.extensions["mailer"])
        click.echo(f"{attempts} attempt{'' if attempts == 1 else 's'} made.")

    app.cli.add_command(group)
