"""Real AI clients for the guides, pinned in tests/clients/programs and installed on demand: programs from
npm, Python libraries.
"""

import os
import pty
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.support import node, python_programs
from tests.support.databases import ROOT

FOLDER = ROOT / "tests" / "clients" / "programs"
_CLI = {
    "claude": "@anthropic-ai/claude-code/cli-wrapper.cjs",
    "gemini": "@google/gemini-cli/bundle/gemini.js",
}


def python() -> str:
    """The interpreter of an environment with the Python clients: they need an older `mcp` than we do."""
    return python_programs.interpreter(FOLDER)


class Terminal:
    """A person's terminal: a home of their own, and the command-line clients."""

    def __init__(self, folder: Path) -> None:
        modules = node.install(FOLDER)
        self.folder = folder / "work"
        bin_folder = folder / "bin"
        for each in (self.folder, bin_folder):
            each.mkdir()
        for name, script in _CLI.items():
            program = bin_folder / name
            program.write_text(f'#!/bin/sh\nexec "{node.binary()}" "{modules / script}" "$@"\n')
            program.chmod(0o755)
        self.environ = {
            "HOME": str(folder),
            "PATH": f"{bin_folder}:{os.environ['PATH']}",
            "DISABLE_AUTOUPDATER": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "GEMINI_CLI_TRUST_WORKSPACE": "true",
            "MCP_TIMEOUT": "60000",  # milliseconds that Claude Code waits for a server
        }

    def run(self, command: str, **environ: str) -> str:
        """Run a line as it was pasted, and give what it printed."""
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.folder,
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def sign_in(self, command: str, walk: Callable[[str], None]) -> str:
        """Run a command that shows an address for the browser, go there, and give what it printed in the
        end.
        """
        ours, theirs = pty.openpty()  # it asks nobody who sits at no terminal
        program = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"],
            cwd=self.folder,
            env=self.environ,
            stdin=theirs,
            stdout=subprocess.PIPE,
            text=True,
        )
        output, found = "", None
        try:
            assert program.stdout
            until = time.monotonic() + 60
            while found is None and time.monotonic() < until:
                line = program.stdout.readline()
                assert line, f"it ended without an address:\n{output}"
                output += line
                found = re.search(r"https?://\S+/oauth/authorize\?\S+", line)
            assert found, output
            walk(found[0])
            return output + program.communicate(timeout=60)[0]
        finally:
            program.kill()
            os.close(ours)
            os.close(theirs)
