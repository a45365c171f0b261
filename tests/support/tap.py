"""A wire tap: forwards TCP between an address people use and the product behind it, and keeps what went
each way. What the product answers is asked for uncompressed, so that it can be searched.
"""

import contextlib
import re
import socket
import threading

_PIECE = 65536
_ENCODING = re.compile(rb"\bAccept-Encoding:", re.IGNORECASE)


class Tap:
    """Listens on `url` at once; forwards from `forward_to` on. `requests` and `responses` are everything sent
    so far.
    """

    def __init__(self) -> None:
        self._pieces: dict[str, list[list[bytes]]] = {"requests": [], "responses": []}
        self._target = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://localhost:{self._listener.getsockname()[1]}"

    def forward_to(self, port: int) -> None:
        self._target = port
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    @property
    def requests(self) -> bytes:
        return self._all("requests")

    @property
    def responses(self) -> bytes:
        return self._all("responses")

    def _all(self, direction: str) -> bytes:
        return b"\n".join(b"".join(connection) for connection in list(self._pieces[direction]))

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                for source, sink, direction in ((near, far, "requests"), (far, near, "responses")):
                    pieces: list[bytes] = []
                    self._pieces[direction].append(pieces)
                    threading.Thread(target=self._pump, args=(source, sink, pieces), daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket, pieces: list[bytes]) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(_PIECE):
                piece = _ENCODING.sub(b"X-Ignored:", piece)
                pieces.append(piece)
                sink.sendall(piece)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
