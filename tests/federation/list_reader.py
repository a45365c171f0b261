"""A process of the product whose threads look at a connection's tool list before a call, at one moment."""

import logging
import os
import threading
from datetime import timedelta
from multiprocessing.connection import Connection as Pipe

from app import audit, clock, config, database
from app.connectors import services
from app.factory import import_models
from app.federation import source
from app.federation.refreshing import REFRESHER
from app.outbound import guarded_http
from app.vault.access import open_api
from app.vault.models import Connection

THREADS = 8


def work(pipe: Pipe, environ: dict[str, str], server_id: str, connection_id: str, later: float) -> None:
    """Say "ready", wait for an order, look, and send what each thread was told."""
    os.environ.clear()
    os.environ.update(environ)
    logging.disable(logging.WARNING)
    settings = config.load(os.environ)
    import_models()
    audit.bind(settings)
    database.bind(settings.database_url, pool_size=4)
    guarded_http.allow_private(settings.mcp_servers_private_hosts)
    services.add_source(source.SOURCE)
    clock.shift(timedelta(seconds=later))
    with database.reading() as db:
        connection = db.get(Connection, connection_id)
    assert connection is not None
    pipe.send("ready")
    pipe.recv()
    barrier = threading.Barrier(THREADS)
    looked: list[bool] = []

    def look() -> None:
        barrier.wait()
        looked.append(REFRESHER.look(server_id, open_api(settings, connection)))

    crew = [threading.Thread(target=look) for _ in range(THREADS)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    pipe.send(looked)
