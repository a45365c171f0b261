"""A process of the product for storms and crashes: `python -m tests.vault.worker THREADS WORKSPACE
CONNECTION`.

For every line on standard input, THREADS threads call the service at the same moment; one JSON line
says how that went.
"""

import json
import logging
import os
import sys
import threading

from app import audit, config, database, factory
from app.errors import PatchbayError
from app.vault import access
from app.vault.models import Connection
from tests.vault import provider


def main() -> None:
    threads, workspace_id, connection_id = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    logging.disable(logging.WARNING)
    settings = config.load(os.environ)
    factory.import_models()
    provider.register()
    audit.bind(settings)
    database.bind(settings.database_url, pool_size=4)  # several such processes share one small PostgreSQL
    with database.reading() as db:
        connection = db.get(Connection, connection_id)
    assert connection is not None and connection.workspace_id == workspace_id
    print("ready", flush=True)
    for _ in sys.stdin:
        ok: list[bool] = []
        problems: list[str] = []
        barrier = threading.Barrier(threads)

        def call(
            ok: list[bool] = ok, problems: list[str] = problems, barrier: threading.Barrier = barrier
        ) -> None:
            barrier.wait()
            try:
                ok.append(access.check(settings, connection).key == connection.account_key)
            except PatchbayError as error:
                problems.append(f"{type(error).__name__}: {error.message}")

        crew = [threading.Thread(target=call) for _ in range(threads)]
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()
        print(json.dumps({"ok": sum(ok), "problems": problems}), flush=True)


main()
