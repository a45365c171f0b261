"""Commands for operators: `keys check`, `keys rotate`, `keys forget`, `connections keepalive`."""

import click
from flask import Flask
from flask.cli import AppGroup

from app import database
from app.config import Settings
from app.jobs import runner
from app.vault import keepalive, key_proofs, links, revocation, rewrap
from app.vault.keepalive import KeepaliveResult
from app.vault.rewrap import ColumnTally


def install(app: Flask, settings: Settings) -> None:
    """Register the commands of this package."""
    keys = AppGroup("keys", help="The keys that seal stored secrets (VAULT_KEYS).")
    connections = AppGroup("connections", help="Connections to services.")

    @keys.command("check")
    def check() -> None:
        """Open every stored secret and count them per key. Changes nothing."""
        wrong = _problem(settings)
        if wrong:
            click.echo(wrong, err=True)
        _report(rewrap.check(settings.vault_keys, _progress), settings)
        if wrong:
            raise click.ClickException(wrong)

    @keys.command("rotate")
    def rotate() -> None:
        """Seal every stored secret with the first key of VAULT_KEYS.

        Put the new key first, keep the old one behind it, restart Patchbay everywhere, run this until
        nothing is left under the old key, then take the old key away. Safe while Patchbay runs and
        when interrupted: run it again.
        """
        tallies = rewrap.rotate(settings.vault_keys, _progress)
        if not (wrong := key_proofs.ensure(settings.vault_keys)):
            key_proofs.forget_unneeded(settings.vault_keys)
        _report(tallies, settings)
        if wrong:
            raise click.ClickException(wrong)

    @keys.command("forget")
    @click.argument("key_id")
    def forget(key_id: str) -> None:
        """Start without the key KEY_ID from now on, because it is lost for good.

        What was encrypted with it stays closed: those connections must be reconnected.
        """
        if key_id in settings.vault_keys.ids:
            raise click.ClickException(
                f"VAULT_KEYS holds the key {key_id}. Run: flask --app wsgi keys rotate; then take it away."
            )
        if not key_proofs.forget(key_id):
            raise click.ClickException(f"Nothing here requires a key {key_id}. Check its id.")
        click.echo(f"Patchbay starts without the key {key_id} now. What it encrypted must be reconnected.")

    @connections.command("keepalive")
    def keep() -> None:
        """Refresh connections that would end for lack of use, and revoke what is still to be revoked.

        The web processes do this by themselves every few minutes. Where none runs for days, run it once a
        day; every eight hours where access to a service lasts only a day. It says so when that is needed.
        """
        results: list[KeepaliveResult] = []

        def refresh() -> int:
            results.extend(keepalive.run(settings, _report_result))
            return len(results)

        if runner.run_now(keepalive.job(settings), refresh) is None:
            click.echo("A web process is refreshing connections at this moment.", err=True)
        revoked = runner.run_now(revocation.job(settings)) or 0
        links.sweep()
        failed = sum(1 for result in results if result.problem)
        click.echo(
            f"{len(results) - failed} connections refreshed, {failed} failed, {revoked} tokens revoked."
        )
        if (hours := keepalive.needed_hours()) is not None:
            click.echo(
                f"Run this every {hours} hours or more often: access here lasts {3 * hours} hours. "
                "Running web processes do it by themselves."
            )

    app.extensions["vault_problem"] = lambda: _problem(settings)  # for /ready
    app.cli.add_command(keys)
    app.cli.add_command(connections)


def _problem(settings: Settings) -> str:
    with database.reading() as db:
        return key_proofs.problem(db, settings.vault_keys)


def _progress(tally: ColumnTally) -> None:
    click.echo(
        f"{tally.name}: {tally.by_key.total() + len(tally.shut)} looked at, {tally.rewrapped} sealed anew",
        err=True,
    )


def _report_result(done: int, total: int, result: KeepaliveResult) -> None:
    click.echo(
        f"[{done}/{total}] {result.connection.slug} {result.connection.id}: {result.problem or 'refreshed'}",
        err=True,
    )


def _report(tallies: list[ColumnTally], settings: Settings) -> None:
    """The counts, and exit status 1 when something does not open."""
    shut = sum(len(tally.shut) for tally in tallies)
    for tally in tallies:
        counts = ", ".join(f"{count} under {key}" for key, count in sorted(tally.by_key.items())) or "nothing"
        click.echo(
            f"{tally.name}: {counts}" + (f", {tally.rewrapped} sealed anew" if tally.rewrapped else "")
        )
        for record in tally.shut:
            click.echo(f"{tally.name}: {record} does not open", err=True)
    first = settings.vault_keys.sealing_id
    opened = sum(tally.by_key.total() for tally in tallies)
    old = sum(count for tally in tallies for key, count in tally.by_key.items() if key != first)
    click.echo(
        f"{old} secrets are under another key than {first}."
        if old
        else f"Every secret that opens is under {first}."
        if opened or not shut
        else "No secret opens."
    )
    if shut:
        raise click.ClickException(
            f"{shut} secrets do not open. Is a key missing from VAULT_KEYS? Otherwise those connections "
            "must be reconnected."
        )
