"""The Node programs tests run, pinned in tests/node and installed there on demand, where git ignores them."""

import fcntl
import functools
import hashlib
import subprocess
from pathlib import Path

from tests.support.databases import ROOT

FOLDER = ROOT / "tests" / "node"


@functools.cache
def install(folder: Path = FOLDER) -> Path:
    """The `node_modules` of a folder, exactly as its lock file says. Test processes that start together
    install once.
    """
    lock, modules = folder / "package-lock.json", folder / "node_modules"
    mark, wanted = modules / ".installed", hashlib.sha256(lock.read_bytes()).hexdigest()
    with lock.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not mark.exists() or mark.read_text() != wanted:
            command = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(command, cwd=folder, check=True, timeout=600, stdout=subprocess.DEVNULL)
            mark.write_text(wanted)
    return modules


def binary() -> str:
    """The pinned `node`: the machine's own may be too old for the conformance suite."""
    return str(install() / "node" / "bin" / "node")
