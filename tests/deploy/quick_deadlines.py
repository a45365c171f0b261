"""gunicorn's configuration for tests: the product's worker with deadlines of seconds."""

from app import client_socket, http_waiting, http_worker
from app.http_waiting import Stage
from app.http_worker import DeadlineWorker

http_waiting._SECONDS.update({Stage.HEAD: 1.5, Stage.BODY: 4.0, Stage.FLUSH: 3.0})
http_worker._ORPHAN_SECONDS = 5.0
client_socket.SEND_SECONDS = 3.0
worker_class = DeadlineWorker
keepalive = 3
graceful_timeout = 10
control_socket_disable = True
