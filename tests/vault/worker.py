"""A process of the product for storms and crashes, forked from one that imported everything once.

At every order its threads call the service at the same moment; it sends the results.
"""

import logging
import os
import threading
import time
from multiprocessing.connection import Connection as Pipe
from types import SimpleNamespace

from app import audit, config, database, factory
from app.connectors import mcp, services
from app.errors import PatchbayError
from app.federation import source
from app.outbound import guarded_http
from app.vault import access, refresh
from app.vault.models import Connection
from tests.support.patience import make_database_patient
from tests.vault import added, provider

GO, GO_AND_WAIT, WAITING = "go", "go and wait", "waiting"


def work(pipe: Pipe, environ: dict[str, str], threads: int, workspace_id: str, connection_id: str) -> None:
    """Run until the other end of the pipe is closed."""
    os.environ.clear()
    os.environ.update(environ)
    logging.disable(logging.WARNING)
    settings = config.load(os.environ)
    provider.register()
    audit.bind(settings)
    guarded_http.allow_private(settings.mcp_servers_private_hosts)
    services.add_source(source.SOURCE)
    make_database_patient()
    database.bind(settings.database_url, pool_size=4)  # several such processes share one small PostgreSQL
    with database.reading() as db:
        connection = db.get(Connection, connection_id)
    assert connection is not None and connection.workspace_id == workspace_id
    pipe.send("ready")
    while (order := _next_order(pipe)) is not None:
        if order == GO_AND_WAIT:
            _announce_waiting(pipe)
        ok: list[bool] = []
        problems: list[str] = []
        barrier = threading.Barrier(threads)

        def call(
            ok: list[bool] = ok, problems: list[str] = problems, barrier: threading.Barrier = barrier
        ) -> None:
            barrier.wait()
            try:
                ok.append(_use(settings, connection))
            except PatchbayError as error:
                problems.append(f"{type(error).__name__}: {error.message}")

        crew = [threading.Thread(target=call) for _ in range(threads)]
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()
        pipe.send({"ok": sum(ok), "problems": problems})


def _use(settings: config.Settings, connection: Connection) -> bool:
    """Ask the service something that needs a token."""
    if connection.slug != added.SLUG:
        return access.check(settings, connection).key == connection.account_key
    return bool(mcp.client_of(access.open_api(settings, connection)).list_tools().tools)


def _next_order(pipe: Pipe) -> str | None:
    try:
        return str(pipe.recv())
    except EOFError:
        return None


def _announce_waiting(pipe: Pipe) -> None:
    """Send WAITING when a caller pauses for the first time because another process is refreshing."""
    announced = threading.Event()

    def sleep(seconds: float) -> None:
        if not announced.is_set():
            announced.set()
            pipe.send(WAITING)
        time.sleep(seconds)

    refresh.time = SimpleNamespace(sleep=sleep, monotonic=time.monotonic)  # type: ignore[assignment]


factory.import_models()
