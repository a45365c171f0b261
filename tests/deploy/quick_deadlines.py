"""gunicorn's configuration for tests: the product's worker with deadlines of seconds and little memory."""

from gunicorn.http import message

from app import client_socket, http_waiting, http_worker
from app.http_waiting import Stage
from app.http_worker import DeadlineWorker

http_waiting._SECONDS.update({Stage.HEAD: 1.0, Stage.BODY: 2.5, Stage.FLUSH: 1.5})
http_worker._COLLECTED_BYTES = 6_000_000
http_worker._ORPHAN_SECONDS = 3.0
client_socket.SEND_SECONDS = 1.5
worker_class = DeadlineWorker
limit_request_line = message.MAX_REQUEST_LINE = 32_768
keepalive = 2
graceful_timeout = 10
control_socket_disable = True
