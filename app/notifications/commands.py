"""The command `notifications send`."""

import click
from flask import Flask
from flask.cli import AppGroup

from app.config import Settings
from app.jobs import runner
from app.notifications import mail_health, run


def install(app: Flask, settings: Settings) -> None:
    """Register the command."""
    group = AppGroup("notifications", help="Emails about connections, and daily digests.")

    @group.command("send")
    def send() -> None:
        """Send what is due now. The web processes do this by themselves every few seconds."""
        mailer = app.extensions["mailer"]
        _, job = run.jobs(settings, mailer)
        emails = runner.run_now(job, lambda: run.send_all(settings, mailer, at_once=True))
        if emails is None:
            raise click.ClickException(
                "A web process has been sending notifications for more than ten seconds. Let it finish, or "
                "try again in a minute."
            )
        click.echo(f"{emails} email{'' if emails == 1 else 's'} sent.")
        state = mail_health.present()
        if state.failing_since is not None and state.waiting:
            raise click.ClickException(
                f"{state.waiting} notice{' waits' if state.waiting == 1 else 's wait'}: {state.reason}. "
                "Correct MAIL_URL or the mail server. Pending notices are then sent automatically."
            )

    app.cli.add_command(group)
