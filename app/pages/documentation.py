"""The documentation inside the product: the files of docs/, rendered once per process and brand."""

import functools
import re
from pathlib import Path

from app.config import ROOT
from app.errors import NotFound
from app.pages.markdown import RenderedPage, render

DOCS = ROOT / "docs"
INDEX = "README"
_FILE_NAME = re.compile(r"\[([\w-]+)\.md\]\(")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def load(name: str, brand: str) -> RenderedPage:
    """The page of that name. Raises NotFound."""
    file = _files().get(name)
    if file is None:
        raise NotFound("The documentation has no such page. Choose one from its index at /docs.")
    return _rendered(file, brand)


@functools.cache
def _files() -> dict[str, Path]:
    """The pages by name. A name from an address is looked up here and never becomes a path.

    SECURITY.md stands beside docs/, where hosts of code look for it.
    """
    files = [*sorted(DOCS.glob("*.md")), ROOT / "SECURITY.md"]
    return {file.stem if file.parent == DOCS else file.stem.lower(): file for file in files if file.is_file()}


@functools.lru_cache(maxsize=128)
def _rendered(file: Path, brand: str) -> RenderedPage:
    return render(_FILE_NAME.sub(_titled, file.read_text()), brand=brand, link=_link)


def _titled(link: re.Match[str]) -> str:
    """A link whose text is the name of a file, with the title of that page as its text."""
    file = _files().get(link[1])
    title = file.read_text().partition("\n")[0].removeprefix("# ") if file else ""
    return f"[{title}](" if title else link[0]


def _link(target: str) -> str:
    """A link between the files as one between pages; others stay."""
    path, separator, anchor = target.partition("#")
    if not path or _SCHEME.match(path) or path.startswith("/"):
        return target
    name = path.rpartition("/")[2].removesuffix(".md")
    page = next((each for each in (name, name.lower()) if each in _files() and each != INDEX), "")
    return f"/docs/{page}{separator}{anchor}" if page else f"/docs{separator}{anchor}"
