"""Backup files: written whole or not at all, readable by their owner only, with a checksum beside them."""

import contextlib
import hashlib
import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, make_url, text

from app.backup.at_start import UNFINISHED
from app.database import Database
from app.errors import InvalidInput

_CHUNK = 1 << 20
_DEBIAN = Path("/usr/lib/postgresql")


class BackupRefused(InvalidInput):
    """A backup cannot be written or read. Nothing was changed."""

    code = "BACKUP_REFUSED"


def write(bound: Database, path: Path) -> str:
    """Write a backup of a database in use to a new file, and its checksum to `<path>.sha256`.

    Returns the SHA-256. Raises BackupRefused if the file exists, or a tool is missing or failed.
    """
    if path.exists() or checksum_path(path).exists():
        raise BackupRefused(f"{path} or its .sha256 exists already. Choose another name, or move it away.")
    if not path.parent.is_dir():
        raise BackupRefused(f"There's no directory {path.parent}. Create it, or choose another place.")
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        if bound.is_sqlite:
            _write_sqlite(Path(make_url(bound.url).database or ""), partial)
        else:
            _write_postgres(bound, partial)
        digest = checksum(partial)
        _flush(partial)
        try:
            os.link(partial, path)  # fails if the name was taken meanwhile, unlike a rename
        except FileExistsError:
            raise BackupRefused(f"{path} exists already. Choose another name.") from None
    finally:
        partial.unlink(missing_ok=True)
    with os.fdopen(os.open(checksum_path(path), os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as beside:
        beside.write(f"{digest}  {path.name}\n")
    _flush(path.parent)
    return digest


def verify(path: Path) -> bool:
    """Compare a backup with its checksum. False if there is none. Raises BackupRefused if they differ."""
    try:
        noted = checksum_path(path).read_text().split()[:1]
    except FileNotFoundError:
        return False
    if noted != [checksum(path)]:
        raise BackupRefused(
            f"{path} is not the file that was backed up: its checksum is another than in "
            f"{checksum_path(path).name}. Take another copy of it."
        )
    return True


def checksum(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def checksum_path(path: Path) -> Path:
    """Where the checksum of a backup is, in the format of `sha256sum`."""
    return path.with_name(path.name + ".sha256")


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_sqlite(source: Path, target: Path) -> None:
    """Copy what was committed when it began. Writers go on; what was deleted is not in the copy."""
    try:
        with contextlib.closing(
            sqlite3.connect(f"file:{quote(str(source))}?mode=rw", uri=True)
        ) as connection:
            connection.execute("PRAGMA busy_timeout = 15000")
            connection.execute("VACUUM INTO ?", (str(target),))
        with contextlib.closing(sqlite3.connect(target)) as copy:
            copy.execute(f"PRAGMA user_version = {UNFINISHED}")
            copy.commit()
            [(verdict,)] = copy.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.Error as error:
        raise BackupRefused(
            f"SQLite could not write the backup ({error}). Check the free space and try again."
        ) from error
    if verdict != "ok":
        raise BackupRefused("The database is damaged: SQLite's check failed. Restore an earlier backup.")


# --- PostgreSQL ---


def _write_postgres(bound: Database, target: Path) -> None:
    with bound.engine.connect() as connection:
        server = connection.execute(text("SHOW server_version_num")).scalar_one()
    program = find_tool("pg_dump", int(server) // 10_000)
    url, environ = connection_of(make_url(bound.url))
    run_tool(
        [program, "--format=custom", "--no-owner", "--no-privileges", f"--file={target}", f"--dbname={url}"],
        environ,
    )


def connection_of(url: URL) -> tuple[str, dict[str, str]]:
    """The address for PostgreSQL's tools, and the environment with the password, which other users of the
    machine could read on a command line.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    query = dict(url.query)
    password = query.pop("password", None) or url.password
    if password:
        environ["PGPASSWORD"] = str(password)
    plain = URL.create("postgresql", url.username, None, url.host, url.port, url.database, query)
    return plain.render_as_string(hide_password=False), environ


def find_tool(name: str, at_least: int = 0) -> str:
    """The path of `pg_dump` or `pg_restore` of that major version or a later one. Raises BackupRefused."""
    places = [
        shutil.which(name),
        *(str(each) for each in sorted(_DEBIAN.glob(f"*/bin/{name}"), reverse=True)),
    ]
    found = [(each, _major(each)) for each in dict.fromkeys(places) if each]
    for place, major in found:
        if major >= at_least:
            return place
    if not found:
        raise BackupRefused(
            f"The program {name} is missing. Install PostgreSQL's client programs and try again."
        )
    newest = max(major for _, major in found)
    raise BackupRefused(
        f"The program {name} is of version {newest} and the server of version {at_least}. "
        f"Install the client programs of PostgreSQL {at_least} or later."
    )


def _major(program: str) -> int:
    ran = subprocess.run([program, "--version"], capture_output=True, text=True)
    number = re.search(r"(\d+)(?:\.\d+)*\s*(?:\(|$)", ran.stdout.strip())
    return int(number[1]) if number else 0


def run_tool(command: list[str], environ: Mapping[str, str]) -> None:
    """Run a program of PostgreSQL. Raises BackupRefused with its last line, which names no password."""
    ran = subprocess.run(command, env=dict(environ), capture_output=True, text=True, errors="replace")
    if ran.returncode:
        raise _failed(command[0], ran.stderr)


def read_tool(command: list[str]) -> Iterator[str]:
    """The lines that a program of PostgreSQL writes. Raises BackupRefused if it fails."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
    assert process.stdout is not None and process.stderr is not None
    try:
        yield from process.stdout
    except GeneratorExit:
        process.kill()
        raise
    finally:
        process.stdout.close()
        problem = process.stderr.read()
        process.stderr.close()
        process.wait()
    if process.returncode:
        raise _failed(command[0], problem)


def _failed(program: str, output: str) -> BackupRefused:
    last = (output.strip().splitlines() or ["it gave no reason"])[-1]
    return BackupRefused(f"The program {Path(program).name} failed: {last[:300]}. Nothing was changed.")
