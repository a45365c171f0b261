"""Python programs that need other packages than ours: an environment of its own for each folder, installed on
demand as its requirements.txt says, where git ignores it.
"""

import fcntl
import functools
import hashlib
import subprocess
import sys
from pathlib import Path


@functools.cache
def interpreter(folder: Path) -> str:
    """The interpreter of the folder's environment. Test processes that start together install once."""
    wanted, environment = folder / "requirements.txt", folder / ".venv"
    mark, digest = environment / ".installed", hashlib.sha256(wanted.read_bytes()).hexdigest()
    with wanted.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not mark.exists() or mark.read_text() != digest:
            make = [sys.executable, "-m", "venv", "--clear", "--without-pip", str(environment)]
            subprocess.run(make, check=True, timeout=120)
            install = [
                sys.executable,
                "-m",
                "pip",
                "--python",
                str(environment / "bin" / "python"),
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-compile",  # Python compiles what it imports, which is little of them
                "--no-deps",  # the file names every package, so there is nothing to resolve
                "-r",
                str(wanted),
            ]
            subprocess.run(install, check=True, timeout=600, stdout=subprocess.DEVNULL)
            mark.write_text(digest)
    return str(environment / "bin" / "python")
