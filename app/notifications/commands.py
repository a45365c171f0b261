"""The command `notifications send`."""

import click
from flask import Flask
from flask.cli import AppGroup

from app.config import Settings
from app.notifications import mail_health, run


def install(app: Flask, settings: Settings) -> None:
    """Register the command."""
    group = AppGroup("notifications", help="Emails about connections, and daily digests.")

    @group.command("send")
    def send() -> None:
        """Send what is due now. The web processes do this by themselves every few seconds."""
        emails = run.send_all(settings, app.extensions["mailer"], at_once=True)
        click.echo(f"{emails} email{'' if emails == 1 else 's'} sent.")
        state = mail_health.present()
        if state.failing_since is not None and state.waiting:
            raise click.ClickException(
                f"{state.waiting} notice{' waits' if state.waiting == 1 else 's wait'}: {state.reason}. "
                "Correct MAIL_URL or the mail server. Pending notices are then sent automatically."
            )

    app.cli.add_command(group)
