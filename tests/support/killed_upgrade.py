"""Upgrades that die: processes of their own, killed at a chosen statement."""

import os
import signal
from typing import Any

from sqlalchemy import Engine, event

from tests.support import databases, forks


def kill_upgrade(url: str, revision: str, at_statement: int) -> bool:
    """Upgrade to `revision` in a process that is killed before that statement (from 1). False if it ended
    by itself, because the migration has fewer statements.
    """
    process = forks.CONTEXT.Process(target=_upgrade_and_die, args=(url, revision, at_statement))
    process.start()
    process.join(60)
    assert process.exitcode in {0, -signal.SIGKILL}, "the upgrade failed by itself"
    return process.exitcode != 0


def _upgrade_and_die(url: str, revision: str, at_statement: int) -> None:
    seen = 0

    @event.listens_for(Engine, "before_cursor_execute")
    def _count(_connection: Any, _cursor: Any, sql: str, *_rest: Any) -> None:
        nonlocal seen
        if sql.lstrip().upper().startswith(("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE")):
            seen += 1
            if seen == at_statement:
                os.kill(os.getpid(), signal.SIGKILL)

    databases.migrate(url, revision)
