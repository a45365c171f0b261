"""Configuration of the web process. Threads wait for services; processes use the cores."""

import gc
import os
import shutil
import sys
import tempfile

from gunicorn.http import message

# Workers write their counters to files here; /metrics adds them up. Set before the application is imported,
# which is when prometheus_client decides where values are kept.
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="patchbay-metrics-"))

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from app import startup
from app.config import THREADS_IN_ALL
from app.errors import ConfigError

# In production the host's router must reach us; a developer's machine serves itself only.
_host = os.environ.get("BIND_HOST") or ("0.0.0.0" if os.environ.get("ENV") == "production" else "127.0.0.1")  # noqa: S104
bind = f"{_host}:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
worker_class = "app.http_worker.DeadlineWorker"
# The working threads, and those that only hold calls waiting for a permit
# (app/mcp_server/calls/concurrency.py).
threads = THREADS_IN_ALL * int(os.environ.get("WEB_THREADS") or 32)
keepalive = 65
timeout = 60
graceful_timeout = 65  # longer than the longest tool call
max_requests = 100_000
max_requests_jitter = 20_000
# An AI client's `state` may have several KB, and the sign-in page quotes it once more. gunicorn caps the
# setting lower.
limit_request_line = message.MAX_REQUEST_LINE = 32_768
limit_request_fields = 100
limit_request_field_size = 16_384
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - a heartbeat file, in memory
control_socket_disable = True
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1")
errorlog = "-"
loglevel = os.environ.get("GUNICORN_LOG_LEVEL", "warning")

_metrics = os.environ["PROMETHEUS_MULTIPROC_DIR"]

try:
    startup.announce(startup.check())
except ConfigError as error:
    # Before a worker starts: gunicorn would endlessly replace a worker that exits.
    shutil.rmtree(_metrics, ignore_errors=True)
    sys.exit(f"Patchbay cannot start: {error.message}")


def pre_fork(_server, _worker):  # type: ignore[no-untyped-def]
    """Leaves what was imported to the workers as it is: a collection in one of them would copy its pages."""
    gc.freeze()


def post_worker_init(worker):  # type: ignore[no-untyped-def]
    """Starts the background threads of each worker, since threads do not survive a fork.

    What exists now lives as long as the worker. Collections that go through it all stop every thread for a
    fifth of a second, and find nothing.
    """
    from app import background

    gc.collect()
    gc.freeze()
    if "patchbay" in getattr(worker.wsgi, "extensions", {}):  # the product, not another app
        background.start(worker.wsgi)


def child_exit(_server, worker):  # type: ignore[no-untyped-def]
    """Removes the gauges of a worker that ended."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)


def on_exit(_server):  # type: ignore[no-untyped-def]
    """Removes the metrics files."""
    shutil.rmtree(_metrics, ignore_errors=True)
