"""Where settings come from: the process environment, then `.env`, then keys generated for development.

In production only the process environment counts. Elsewhere `instance/keys.env` is created once, readable by
its owner only, so that one command is enough to start.
"""

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from app.config import ROOT


def read(environ: Mapping[str, str] | None = None, root: Path = ROOT) -> dict[str, str]:
    """Return the merged variables. Creates `instance/keys.env` outside production if keys are missing."""
    process_environ = dict(os.environ if environ is None else environ)
    if process_environ.get("ENV") == "production":
        return process_environ
    merged = {**_parse(root / ".env"), **process_environ}
    if merged.get("ENV") == "production":
        return merged
    if not (merged.get("SECRET_KEY") and merged.get("VAULT_KEYS")):
        instance = Path(merged.get("INSTANCE_DIR") or root / "instance")
        merged = {**_development_keys(instance), **{k: v for k, v in merged.items() if v}}
    return merged


def _development_keys(instance: Path) -> dict[str, str]:
    """Return this checkout's keys, created at first start. Two processes starting at once use one file."""
    instance.mkdir(parents=True, exist_ok=True)
    path = instance / "keys.env"
    if not path.exists():
        vault_key = base64.b64encode(os.urandom(32)).decode()
        content = f"SECRET_KEY={secrets.token_urlsafe(48)}\nVAULT_KEYS=dev1:{vault_key}\n"
        draft = instance / f".keys.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was first: use its keys
        finally:
            draft.unlink()
    return _parse(path)


def _parse(path: Path) -> dict[str, str]:
    """Return the `NAME=value` lines of a file, or nothing if it is missing. Skips blanks and # comments."""
    if not path.is_file():
        return {}
    pairs = (
        line.split("=", 1)
        for line in path.read_text().splitlines()
        if "=" in line and not line.lstrip().startswith("#")
    )
    return {name.strip(): value.strip().strip("\"'") for name, value in pairs}
