"""Command for operators: `usage rollup`."""

import click
from flask import Flask
from flask.cli import AppGroup

from app.config import Settings
from app.jobs import runner
from app.usage import retention, scheduler


def install(app: Flask, settings: Settings) -> None:
    """Register the commands of this package."""
    usage = AppGroup("usage", help="What tool calls add up to.")

    @usage.command("rollup")
    def roll_up() -> None:
        """Add calls up into the tallies that /usage reads, and delete what is past its time.

        The web processes do this by themselves, once a minute. Run it after an upgrade or an import. Safe
        while Patchbay runs, several times at once, and when interrupted: run it again.

        Rows of calls are deleted after USAGE_RETENTION_DAYS, tallies after two years and a month.
        """
        added = runner.run_now(scheduler.rollup_job(), lambda: scheduler.add_up(_added))
        if added is None:  # a web process is adding up: each call counts once, whoever adds it
            added = scheduler.add_up(_added)
        gone = retention.sweep(settings.usage_retention_days, _gone)
        click.echo(
            f"{added:,} calls added up, {gone:,} rows older than {settings.usage_retention_days} days "
            "deleted."
        )

    app.cli.add_command(usage)


def _added(done: int, total: int) -> None:
    click.echo(f"[{done:,}/{total:,}] added up", err=True)


def _gone(count: int) -> None:
    if count % 50_000 < 1_000:
        click.echo(f"{count:,} old rows deleted", err=True)
