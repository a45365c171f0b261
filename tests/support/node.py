"""The Node programs tests run, pinned in tests/node and installed there on demand, where git ignores them."""

import fcntl
import functools
import hashlib
import subprocess
from pathlib import Path

from tests.support.databases import ROOT

FOLDER = ROOT / "tests" / "node"
MODULES = FOLDER / "node_modules"


@functools.cache
def install() -> Path:
    """The folder whose packages are exactly those of the lock file. Test processes that start together install once."""
    lock = FOLDER / "package-lock.json"
    mark, wanted = MODULES / ".installed", hashlib.sha256(lock.read_bytes()).hexdigest()
    with lock.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not mark.exists() or mark.read_text() != wanted:
            command = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(command, cwd=FOLDER, check=True, timeout=600, stdout=subprocess.DEVNULL)
            mark.write_text(wanted)
    return MODULES


def binary() -> str:
    """The pinned `node`: the machine's own may be too old for the conformance suite."""
    return str(install() / "node" / "bin" / "node")
