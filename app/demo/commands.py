"""Command for demonstrations: `demo seed`."""

import click
from flask import Flask
from flask.cli import AppGroup

from app.config import Settings
from app.demo import company, connecting, story
from app.usage import scheduler


def install(app: Flask, settings: Settings) -> None:
    """Register the command of this package."""
    demo = AppGroup("demo", help="A made-up company for showing Patchbay.")

    @demo.command("seed")
    def seed() -> None:
        """Make a company with people, weeks of usage, notes, and connections in the sandbox, and say how to
        sign in.

        Doing it again adds what is missing and nothing else. Services are connected while Patchbay runs with
        the sandbox on (make run, in another terminal). Refused in production.
        """
        if settings.production:
            raise click.ClickException(
                "ENV=production: the demo company is not for an installation people work with. Use another "
                "one."
            )
        created = company.create(settings)
        click.echo(
            f"{company.NAME}: {'founded' if created else 'was there'}, {len(company.PEOPLE)} people",
            err=True,
        )
        written = story.write_calls(
            lambda done, total: click.echo(f"[{done:,}/{total:,}] calls written", err=True)
        )
        scheduler.add_up()
        click.echo(f"Usage: {written:,} calls written" if written else "Usage: was there", err=True)
        if settings.sandbox_url is None:
            click.echo("The sandbox is off, so no service was connected.", err=True)
        else:
            connecting.connect_all(settings, lambda words: click.echo(words, err=True))
        click.echo(f"Sign in at {settings.public_url}/login as")
        for colleague in company.PEOPLE:
            click.echo(f"  {colleague.email}  ({colleague.role})")
        click.echo(f"with the password {company.password(settings)}")

    app.cli.add_command(demo)
