"""The project's own Python files, without what tests install beside them (.venv, node_modules)."""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_INSTALLED = {".venv", "node_modules"}


def python_files(*folders: str) -> Iterator[Path]:
    """Every Python file under the folders, in order."""
    for folder in folders:
        yield from sorted(p for p in (ROOT / folder).rglob("*.py") if not _INSTALLED & set(p.parts))
