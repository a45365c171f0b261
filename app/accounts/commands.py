"""Command line of accounts."""

import click
from flask import Flask

from app.accounts import addresses, people
from app.accounts.addresses import InvalidAddress
from app.config import Settings
from app.database import transaction


def install(app: Flask, settings: Settings) -> None:
    """Register the commands of this package."""

    @app.cli.command("create-operator")
    @click.argument("email")
    def create_operator(email: str) -> None:
        """Let the person of EMAIL operate this installation.

        An operator sees every workspace under /admin and sets tiers and limits. The person is made if
        the address is new, and signs in with "Email me a code"; there is no first password to pass on.
        Doing it twice changes nothing.
        """
        try:
            address = addresses.normalise(email)
        except InvalidAddress as refused:
            raise click.BadParameter(refused.message, param_hint="EMAIL") from None
        with transaction() as db:
            created = people.make_operator(db, address)
        click.echo(f"{address} is {'now an operator, with a new account' if created else 'an operator'}.")
        click.echo(f"Sign in at {settings.public_url}/login with “Email me a code”.")
