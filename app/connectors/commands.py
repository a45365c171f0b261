"""The command `connectors new`, for developers."""

import click
from flask import Flask
from flask.cli import AppGroup

from app.config import ROOT, Settings
from app.connectors import new_service
from app.errors import ConfigError
from app.web.command_errors import without_database


def install(app: Flask, settings: Settings) -> None:
    """Register the commands of this package."""
    connectors = AppGroup("connectors", help="The services this code knows.")

    @connectors.command("new")
    @without_database
    @click.argument("slug")
    @click.option("--name", default="", help="What people call the service. Made of the slug when left out.")
    def new(slug: str, name: str) -> None:
        """Write the first files of a service called SLUG: connector, imitation, samples, test.

        They work at once and pass the contract every connector is held to. docs/connectors.md says how to
        go on from there.
        """
        try:
            written = new_service.write(ROOT, slug, name)
        except ConfigError as refused:
            raise click.ClickException(refused.message) from None
        for path in written:
            click.echo(path)
        click.echo(f"Now run: python -m pytest tests/connectors -k {slug}")

    app.cli.add_command(connectors)
