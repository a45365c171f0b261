"""Commands of the identity-token exchange."""

import click
from flask import Flask

from app.accounts import addresses
from app.accounts.addresses import InvalidAddress
from app.config import Settings
from app.database import transaction
from app.identity_exchange import identities


def install(app: Flask, settings: Settings) -> None:
    """Register the commands of this package."""

    @app.cli.group("identities")
    def group() -> None:
        """Logins of Firebase that stand for people here."""

    @group.command()
    @click.argument("email")
    def forget(email: str) -> None:
        """Forget which Firebase login stands for the person of EMAIL, and end the tokens it was exchanged
        for.

        For somebody whose login was deleted there and made anew: the next ID token with their verified
        address is met as if for the first time. Until then nothing else changes.
        """
        try:
            address = addresses.normalise(email)
        except InvalidAddress as refused:
            raise click.BadParameter(refused.message, param_hint="EMAIL") from None
        with transaction() as db:
            forgotten = identities.forget(db, address)
        click.echo(f"{address}: {'forgotten' if forgotten else 'no login was known'}.")
