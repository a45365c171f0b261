"""What must hold after the faults, whatever happened: one line per promise."""

import json
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from bench.chaos_load import CHAOS, Answers
from bench.house import ROOT


@dataclass(frozen=True)
class Promise:
    """One line of the table."""

    name: str
    figure: str
    held: bool


def writes(answers: Answers, sandbox_state: Path) -> Promise:
    """Every answered write is at the service once, and no write twice."""
    with closing(sqlite3.connect(sandbox_state)) as service:
        bodies = service.execute("SELECT body FROM record WHERE body LIKE '%Chaos %'").fetchall()
    there = Counter(name for (body,) in bodies for name in _names_in(json.loads(body)))
    written = [name for name in answers.written if name.startswith(CHAOS)]
    missing = [name for name in written if not there[name]]
    doubled = [name for name, times in there.items() if times > 1]
    figure = f"{len(written):,} answered, {len(missing)} missing, {len(doubled)} doubled"
    held = bool(written) and not missing and not doubled
    return Promise("every answered write is at the service once", figure, held)


def _names_in(record: Any) -> set[str]:
    values = record.values() if isinstance(record, dict) else ()
    return {value for value in values if isinstance(value, str) and value.startswith(CHAOS)}


def rows(answers: Answers, db: Connection, before: int) -> Promise:
    """Every answered call has its row; beyond these only calls whose answer was lost."""
    answered, lost = answers.outcomes["ok"], answers.outcomes["lost"]
    stored, until = 0, time.monotonic() + 60
    while time.monotonic() < until and stored < answered:
        stored = usage_rows(db) - before
        db.rollback()
        time.sleep(0.2)
    figure = f"{answered:,} answered, {stored:,} rows, {lost} answers lost"
    return Promise("no usage row is lost or double", figure, answered <= stored <= answered + lost)


def usage_rows(db: Connection) -> int:
    """Count the rows of calls that succeeded."""
    count: int = db.execute(text("SELECT count(*) FROM calls WHERE outcome = 'ok'")).scalar_one()
    db.rollback()
    return count


def audit(environ: dict[str, str]) -> Promise:
    """The audit trail verifies."""
    ran = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "audit", "verify"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
    )
    lines = (ran.stdout or ran.stderr).strip().splitlines()
    return Promise("the audit trail verifies", lines[-1] if lines else "", ran.returncode == 0)


def connections(db: Connection) -> list[Promise]:
    """No claim on a refresh is stuck, and no connection was lost without a reason."""
    claims: int = db.execute(
        text("SELECT count(*) FROM credentials WHERE claim_owner IS NOT NULL")
    ).scalar_one()
    states = db.execute(text("SELECT state, last_error FROM connections")).all()
    ended = [reason for state, reason in states if state != "connected"]
    return [
        Promise("no claim on a refresh is stuck", f"{claims} held", claims == 0),
        Promise(
            "no connection is lost without a reason",
            f"{len(ended)} of {len(states)} ended" + (f": {ended[0]}" if ended else ""),
            all(ended),
        ),
    ]


def refreshes(sandbox_port: int, expiries: int, kills: int) -> Promise:
    """One refresh for each token that expired. A process killed meanwhile may have to repeat one."""
    with urllib.request.urlopen(f"http://127.0.0.1:{sandbox_port}/_levers/freshbooks/log", timeout=60) as log:
        done = json.load(log)["refreshes"]
    figure = f"{expiries} expired, {done} refreshed, {kills} kills"
    return Promise("one refresh per expiry", figure, done <= expiries + kills)


def open_database(url: str) -> Connection:
    """Connect to the installation's database."""
    driver = url.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(
        driver, poolclass=NullPool, connect_args={} if "postgres" in url else {"timeout": 30}
    )
    return engine.connect()
