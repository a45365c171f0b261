"""Every command that fails says why and what to do next in one sentence, without a traceback.

The commands are taken from the application, so a new one is covered.
"""

import errno
import subprocess
import sys

import click
import pytest
from flask import Flask

from app import database
from app.config import load
from app.factory import create_app
from app.web import command_errors
from tests.conftest import both_databases, live_environment
from tests.support.databases import ROOT, drop_postgres, migrate, new_empty_postgres
from tests.support.product import free_port


def every_command(app, *, needs_database=True):
    """The words that run each command, with an email address for each argument."""

    def walk(group, words):
        for name, command in group.commands.items():
            if isinstance(command, click.Group):
                yield from walk(command, [*words, name])
            elif not needs_database or not getattr(command.callback, "without_database", False):
                arguments = [each for each in command.params if isinstance(each, click.Argument)]
                yield [*words, name, *("a@example.com" for _ in arguments)]

    return list(walk(app.cli, []))


def says(app, words):
    """The last line of a command that fails as it should."""
    ran = app.test_cli_runner().invoke(args=words)
    assert ran.exit_code in {1, 2}, (words, ran.output, ran.exception)
    assert isinstance(ran.exception, SystemExit) and "Traceback" not in ran.output, words
    return ran.output.splitlines()[-1]


def test_all_commands_are_found_and_only_one_needs_no_database(app):
    assert len(every_command(app)) >= 9
    everything = {" ".join(words) for words in every_command(app, needs_database=False)}
    assert everything - {" ".join(words) for words in every_command(app)} == {"connectors new a@example.com"}


@both_databases
def test_an_old_schema_is_named_with_the_command_that_mends_it(app, database_kind):
    with database.transaction() as db:
        db.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '0003'")
    for words in every_command(app):
        text = says(app, words)
        assert text.startswith("Error: The database is at migration 0003 and this release needs "), words
        assert text.endswith("Run: python -m alembic upgrade head."), words


@both_databases
def test_a_newer_schema_is_named(app, database_kind):
    with database.transaction() as db:
        db.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for words in every_command(app):
        assert "9999, which this release doesn't know: a newer release migrated it" in says(app, words), words


def test_a_database_that_is_not_there_yet_is_not_created_by_looking(environ, tmp_path):
    app = create_app(load({**environ, "DATABASE_URL": f"sqlite:///{tmp_path / 'new.db'}"}))
    for words in every_command(app):
        assert f"There's no database yet at {tmp_path / 'new.db'}. Run: python -m alembic" in says(app, words)
    assert not (tmp_path / "new.db").exists()


@pytest.mark.parametrize(
    ("place", "content", "expected"),
    [
        ("empty.db", b"", "The database has no tables yet. Run: python -m alembic upgrade head"),
        ("junk.db", b"no database " * 999, "isn't a SQLite database. Correct DATABASE_URL"),
        ("", None, "can't be opened. Make its directory writable"),
        ("none/x.db", None, "There's no directory "),
    ],
)
def test_a_sqlite_file_that_is_of_no_use_is_named(environ, tmp_path, place, content, expected):
    if content is not None:
        (tmp_path / place).write_bytes(content)
    app = create_app(load({**environ, "DATABASE_URL": f"sqlite:///{tmp_path / place}"}))
    for words in every_command(app):
        text = says(app, words)
        assert (expected in text and str(tmp_path) in text) or "no tables" in text, (words, text)


@pytest.mark.needs_postgres
def test_a_postgresql_without_tables_or_database_is_named(environ):
    url, name = new_empty_postgres()
    try:
        app = create_app(load({**environ, "DATABASE_URL": url}))
        for words in every_command(app):
            assert "The database has no tables yet" in says(app, words), words
    finally:
        database.current().close()
        drop_postgres(name)
    app = create_app(load({**environ, "DATABASE_URL": url}))
    assert "has no such database or user. Create it, or correct DATABASE_URL." in says(app, ["keys", "check"])


def test_a_postgresql_that_cannot_be_reached_is_named_without_its_password(environ):
    port = free_port()
    app = create_app(load({**environ, "DATABASE_URL": f"postgresql://u:hidden@127.0.0.1:{port}/x"}))
    for words in every_command(app):
        assert says(app, words) == (
            f"Error: PostgreSQL at 127.0.0.1:{port} can't be reached. Start it, or correct DATABASE_URL."
        ), words


def test_what_a_command_does_not_know_is_refused_by_name(app):
    for words in every_command(app, needs_database=False):
        assert "No such option '--nonsense'" in says(app, [*words, "--nonsense"]), words


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (KeyError("hidden"), "An unexpected KeyError stopped it. Run it again with LOG_LEVEL=DEBUG"),
        (PermissionError(13, "Permission denied", "/srv/x"), "“/srv/x” can't be used (permission denied)."),
    ],
)
def test_whatever_goes_wrong_inside_a_command_is_a_sentence(settings, error, expected):
    app = Flask("one")

    @app.cli.command("break")
    @command_errors.without_database
    def break_():
        raise error

    command_errors.install(app, settings)
    text = says(app, ["break"])
    assert text.startswith(f"Error: {expected}") and "hidden" not in text


def test_a_reader_that_has_enough_ends_a_command_without_a_word(settings):
    def prints():
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    app = Flask(__name__)
    app.cli.add_command(click.Command("print", callback=command_errors.without_database(prints)))
    command_errors.install(app, settings)
    ran = app.test_cli_runner().invoke(args=["print"])
    assert ran.exit_code == 1 and ran.output == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"VAULT_KEYS": "k1:short"}, "VAULT_KEYS"),
        ({"INSTANCE_DIR": "/proc/patchbay", "SECRET_KEY": ""}, "“/proc/patchbay” can't be used"),
        ({"PORT": "many"}, "PORT must be a whole number"),
    ],
)
def test_a_program_that_cannot_start_says_why(environ, given, expected):
    flask = [sys.executable, "-m", "flask", "--app", "wsgi", "demo", "seed"]
    for program in (
        flask,
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        [sys.executable, "-m", "app.serve"],
    ):
        ran = subprocess.run(
            program, cwd=ROOT, env=live_environment(**{**environ, **given}), capture_output=True, text=True
        )
        assert ran.returncode == 1 and "Traceback" not in ran.stderr, (program, ran.stderr)
        assert expected in ran.stderr.splitlines()[-1], (program, ran.stderr)


@pytest.mark.needs_postgres
@pytest.mark.slow
def test_a_migration_that_finds_no_database_says_why(environ):
    url = f"postgresql://u:hidden@127.0.0.1:{free_port()}/x"
    ran = subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=ROOT,
        env=live_environment(**{**environ, "DATABASE_URL": url}),
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1 and "Traceback" not in ran.stderr and "hidden" not in ran.stderr
    assert "The database was not migrated: PostgreSQL at 127.0.0.1:" in ran.stderr


def test_a_migrated_database_is_taken(environ, tmp_path):
    url = f"sqlite:///{tmp_path / 'new.db'}"
    migrate(url)
    app = create_app(load({**environ, "DATABASE_URL": url}))
    assert app.test_cli_runner().invoke(args=["keys", "check"]).exit_code == 0
