"""Commands for operators: `backup`, `restore`, `database copy`."""

from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from app import config, database
from app.activity import sealing
from app.backup import at_start, checking, copying, files, image
from app.backup import finish as finishing
from app.backup.checking import BackupReport
from app.backup.finish import RestoreEffect
from app.config import Settings
from app.database import Database
from app.errors import Unavailable
from app.vault import key_proofs
from app.web import command_errors

_UNREACHABLE = (
    "The target can't be used. Check the host, database, user and password in its URL. Nothing was copied."
)


def install(app: Flask, settings: Settings) -> None:
    """Register the commands of this package."""

    @app.cli.command("backup")
    @click.argument("path")
    def backup(path: str) -> None:
        """Write a backup to the new file PATH while Patchbay runs, and its checksum to PATH.sha256.

        Keep VAULT_KEYS and SECRET_KEY elsewhere: they are not in it, and it is of no use without them. On
        PostgreSQL it is a dump of pg_dump in custom format.
        """
        digest = files.write(database.current(), Path(path))
        click.echo(f"{path}: {Path(path).stat().st_size:,} bytes, SHA-256 {digest}")

    @app.cli.command("restore")
    @click.argument("path", required=False)
    @click.option("--check", is_flag=True, help="Only check the backup and say what restoring it ends.")
    @click.option("--replace", is_flag=True, help="Replace everything the database holds.")
    @click.option(
        "--finish", is_flag=True, help="The database was put in place by hand: end what would come back."
    )
    @command_errors.may_create_database
    def restore(path: str | None, check: bool, replace: bool, finish: bool) -> None:
        """Restore the backup PATH into the database of DATABASE_URL, of either kind.

        Refused before anything starts if VAULT_KEYS or SECRET_KEY are not those of the backup. What was used
        up or ended since the backup does not come back: people sign in again and AI clients are authorized
        again. A failure changes nothing.
        """
        if finish:
            if path or check or replace:
                raise click.UsageError("--finish is for a database already in place: give it alone.")
            _finish_in_place(settings)
            return
        if path is None:
            raise click.UsageError("Give the PATH of a backup.")
        _restore(settings, Path(path), check=check, replace=replace)

    group = AppGroup("database", help="The database as a whole.")

    @group.command("copy")
    @click.argument("url")
    def copy(url: str) -> None:
        """Copy everything into the empty database URL, such as postgresql://user:password@host/name.

        Stop the web processes first: what they write meanwhile is not copied. Afterwards set DATABASE_URL to
        the new one and start them again. Works between SQLite and PostgreSQL, both ways.
        """
        _copy(settings, url)

    app.cli.add_command(group)


def _restore(settings: Settings, path: Path, *, check: bool, replace: bool) -> None:
    trouble = command_errors.database_trouble(database.current().engine)
    if not path.is_file():
        raise click.ClickException(trouble or f"There's no backup at {path}. Check the path.")
    if not files.verify(path):
        click.echo(
            f"{files.checksum_path(path).name} isn't there: the file itself is not verified.", err=True
        )
    with image.load(path) as (loaded, revision):
        report = checking.inspect_bound(settings)
        if report.refusal:
            raise click.ClickException(f"{report.refusal} Nothing was changed.")
        _print_report(report, revision)
        with database.transaction() as db:
            effects = finishing.finish(db)
        sealing.seal()
        if check:
            _print_effects("Restoring it means:", effects)
            if report.closed or report.trail_problems:
                raise click.ClickException("The backup can be restored, with the losses named above.")
            return
        target = Database(settings.database_url)
        try:
            if not copying.has_tables(target):
                image.migrate(settings.database_url)
            rows = copying.copy_all(loaded, target, replace=replace, progress=_progress)
        except copying.TargetInUse as refused:
            raise click.ClickException(
                f"{refused.message} Give --replace to replace everything it holds, or another DATABASE_URL."
            ) from None
        finally:
            target.close()
    click.echo(f"{rows:,} rows restored.")
    _print_effects("What that means:", effects)
    _finish_mark()
    _say_remaining(settings)


def _finish_in_place(settings: Settings) -> None:
    with database.reading() as db:
        wrong = key_proofs.problem(db, settings.vault_keys)
    if wrong:
        raise click.ClickException(f"{wrong} Nothing was changed.")
    with database.transaction() as db:
        effects = finishing.finish(db)
    sealing.seal()
    _finish_mark()
    _print_effects("What that means:", effects)
    _say_remaining(settings)


def _finish_mark() -> None:
    """Take away the mark of a copied backup."""
    bound = database.current()
    if at_start.is_unfinished(bound):
        with bound.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA user_version = 0")
            connection.commit()


def _say_remaining(settings: Settings) -> None:
    click.echo(
        "A personal token or API key that was revoked after the backup works again. Operators revoke these "
        f"at {settings.public_url}/admin."
    )


def _print_report(report: BackupReport, revision: str) -> None:
    click.echo(f"Made at migration {revision}.")
    click.echo(f"{report.secrets - report.closed:,} secrets open with VAULT_KEYS, {report.closed:,} do not.")
    found = "; ".join(report.trail_problems) or "as written"
    click.echo(f"Audit trail: {report.entries:,} entries in {report.trails:,} trails, {found}.")


def _print_effects(title: str, effects: list[RestoreEffect]) -> None:
    found = [str(effect) for effect in effects if effect.count]
    click.echo("\n".join([title, *found]) if found else f"{title} nothing, since there was nothing to end.")


def _copy(settings: Settings, url: str) -> None:
    source = database.current()
    target_url = _checked(url)
    if _place(target_url) == _place(make_url(source.url)):
        raise click.ClickException("The URL is the database of DATABASE_URL itself. Name another one.")
    target = Database(target_url.render_as_string(hide_password=False))
    try:
        if command_errors.is_empty(target.engine):
            image.migrate(target.url)
        with target.engine.connect():
            pass
        if trouble := command_errors.database_trouble(target.engine):
            raise click.ClickException(f"The target: {trouble}")
        rows = copying.copy_all(source, target, progress=_progress)
    except (SQLAlchemyError, Unavailable):
        raise click.ClickException(_UNREACHABLE) from None
    except copying.TargetInUse as refused:
        raise click.ClickException(f"{refused.message} Name an empty one.") from None
    finally:
        target.close()
    problems = _verify_copy(target.url, source.url)
    click.echo(f"{rows:,} rows copied and counted.")
    if problems:
        raise click.ClickException(f"The audit trail is not as written: {'; '.join(problems)}")
    click.echo("The audit trail is as written. Set DATABASE_URL to the new database and start Patchbay.")


def _verify_copy(url: str, before: str) -> list[str]:
    database.bind(url)
    try:
        problems, _ = checking.verify_trails()
    finally:
        database.bind(before)
    return problems


def _checked(text: str) -> URL:
    try:
        url = make_url(config.database_url(text))
        name = url.get_backend_name()
        if name not in {"sqlite", "postgresql"} or not url.database:
            raise ArgumentError
    except (ArgumentError, ValueError):
        raise click.BadParameter(
            "It must be postgresql://user:password@host/name or sqlite:////path/to/file.db.", param_hint="URL"
        ) from None
    return url


def _place(url: URL) -> tuple[str, ...]:
    if url.get_backend_name() == "sqlite":
        return ("sqlite", str(Path(url.database or "").resolve()))
    return ("postgresql", url.host or "localhost", str(url.port or 5432), url.database or "")


def _progress(table: str, done: int, total: int) -> None:
    click.echo(f"{table}: {done:,} of {total:,}", err=True)
