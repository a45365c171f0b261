"""gunicorn's configuration for tests: the product's worker with little memory. No test waits for a deadline
unless it sets it, as in `run_server(folder, HEAD_SECONDS="1")`.
"""

import os

from gunicorn.http import message

from app import client_socket, http_waiting, http_worker
from app.http_waiting import Stage
from app.http_worker import DeadlineWorker


def _seconds(name: str) -> float:
    """Five minutes unless the test says otherwise: whoever waits for that fails."""
    return float(os.environ.get(f"{name}_SECONDS", "300"))


http_waiting._SECONDS.update(
    {stage: _seconds(stage.name) for stage in (Stage.HEAD, Stage.BODY, Stage.FLUSH, Stage.LINGER)}
)
http_worker._COLLECTED_BYTES = 6_000_000
http_worker._ORPHAN_SECONDS = _seconds("ORPHAN")
client_socket.SEND_SECONDS = _seconds("FLUSH")
worker_class = DeadlineWorker
limit_request_line = message.MAX_REQUEST_LINE = 32_768
keepalive = int(_seconds("KEEPALIVE"))
graceful_timeout = int(_seconds("GRACEFUL"))
control_socket_disable = True
