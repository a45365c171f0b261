"""Programs in Node that people use as AI clients: they talk in lines of JSON and send their person to a
browser.
"""

import json
import os
import re
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, Queue
from types import TracebackType
from typing import Any

from tests.support import node

_SECONDS = 60


class Program:
    """A running Node program. Whatever address it wants opened is given to `walk`, by the thread that
    waits for its answer.
    """

    def __init__(self, command: Sequence[str], walk: Callable[[str], None], folder: Path) -> None:
        self.walk = walk
        self.walked: list[str] = []
        self.lines: list[str] = []
        self._lines: Queue[tuple[str, str]] = Queue()
        # Without a PATH no program can open a browser of its own.
        environ = {
            "PATH": str(folder),
            "HOME": str(folder),
            **{k: v for k, v in os.environ.items() if k in {"LANG", "TMPDIR"}},
        }
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [node.binary(), *command],
            cwd=node.FOLDER,
            env=environ,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            text=True,
            bufsize=1,
        )
        for name, stream in (("out", self._process.stdout), ("err", self._process.stderr)):
            threading.Thread(target=self._read, args=(name, stream), daemon=True).start()

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(10)

    def _read(self, name: str, stream: Any) -> None:
        for line in stream:
            self._lines.put((name, line.rstrip()))
        self._lines.put((name, ""))

    def send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def open(self, url: str) -> None:
        self.walked.append(url)
        self.walk(url)

    def next_line(self) -> tuple[str, str]:
        """The next line and where it was said. Fails when nothing comes."""
        try:
            name, line = self._lines.get(timeout=_SECONDS)
        except Empty:
            raise AssertionError(
                "the program says nothing any more:\n" + "\n".join(self.lines[-40:])
            ) from None
        self.lines.append(line)
        if not line and self._process.poll() is not None:
            raise AssertionError("the program ended:\n" + "\n".join(self.lines[-40:]))
        return name, line


class TypeScriptClient(Program):
    """The official TypeScript client (tests/node/client.mjs)."""

    def __init__(self, mcp_url: str, walk: Callable[[str], None], folder: Path, mode: str) -> None:
        node.install()
        super().__init__([str(node.FOLDER / "client.mjs"), mcp_url, mode], walk, folder)

    def do(self, deed: str, **given: Any) -> Any:
        self.send({"do": deed, **given})
        while True:
            name, line = self.next_line()
            if name == "err" or not line:
                continue
            message = json.loads(line)
            if "open" in message:
                self.open(message["open"])
                continue
            assert "answer" in message, message["error"]
            return message["answer"]

    def tools(self) -> dict[str, Any]:
        return {tool["name"]: tool for tool in self.do("tools")}

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        return self.do("call", name=tool, arguments=arguments)["structuredContent"]  # type: ignore[no-any-return]


class McpRemote(Program):
    """`mcp-remote`, the bridge for clients that speak stdio only; this is such a client."""

    def __init__(self, mcp_url: str, walk: Callable[[str], None], folder: Path) -> None:
        self.folder = folder
        program = node.install() / "mcp-remote" / "dist" / "proxy.js"
        super().__init__([str(program), mcp_url, "--auth-timeout", "60"], walk, folder)
        self._id = 0
        hello = {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "desktop", "version": "1"},
        }
        self.server = self.ask("initialize", hello)
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    @property
    def tokens(self) -> dict[str, Any]:
        """What it keeps on disk."""
        [tokens_file] = (self.folder / ".mcp-auth").rglob("*_tokens.json")
        return json.loads(tokens_file.read_text())  # type: ignore[no-any-return]

    def ask(self, method: str, params: dict[str, Any] | None = None) -> Any:
        self._id += 1
        self.send({"jsonrpc": "2.0", "id": self._id, "method": method, "params": params or {}})
        while True:
            name, line = self.next_line()
            if name == "err":
                if found := re.match(r"https?://\S+/oauth/authorize\?\S+", line):
                    self.open(found[0])
                continue
            if not line:
                continue
            message = json.loads(line)
            if message.get("id") == self._id and "method" not in message:
                assert "result" in message, message
                return message["result"]

    def tools(self) -> dict[str, Any]:
        return {tool["name"]: tool for tool in self.ask("tools/list")["tools"]}

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        return self.ask("tools/call", {"name": tool, "arguments": arguments})["structuredContent"]  # type: ignore[no-any-return]
