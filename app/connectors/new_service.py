"""The first files of a new service: connector, imitation, samples and a test for the common contract."""

import re
from pathlib import Path
from string import Template

from app.connectors.services import services_of
from app.errors import ConfigError

_TEMPLATES = Path(__file__).with_name("skeleton")
_REGISTRY = "app/connectors/registry.py"
_LONGEST_LINE = 110
# First words of our own tools, which a service of that name would be confused with.
_TAKEN = {
    "account", "call", "cursor", "debug", "describe", "find", "hub", "list", "memory", "set", "summarize",
}  # fmt: skip


def files_of(slug: str) -> dict[str, str]:
    """The path of each file in the project, and its template."""
    return {
        f"app/connectors/{slug}.py": "connector.py.txt",
        f"app/sandbox/services/{slug}.py": "sandbox.py.txt",
        f"tests/connectors/samples/{slug}.py": "samples.py.txt",
        f"tests/connectors/test_{slug}.py": "test.py.txt",
    }


def write(root: Path, slug: str, name: str = "") -> list[str]:
    """Writes the files and the registry's line, returns their paths. Raises ConfigError before writing."""
    if not re.fullmatch(r"[a-z][a-z_]{1,18}[a-z]", slug) or "__" in slug or slug.split("_")[0] in _TAKEN:
        raise ConfigError(
            f"{slug!r} cannot be a slug: three to twenty small letters and single _, such as acme_books."
        )
    name = " ".join(name.split()) or slug.replace("_", " ").title()
    if not re.fullmatch(r"[\w .&'-]{2,40}", name) or '"' in name:
        raise ConfigError(f"{name!r} cannot be a name: up to 40 letters, digits and spaces.")
    paths = files_of(slug)
    there = [
        path
        for path in (*paths, f"app/connectors/{slug}", f"app/sandbox/services/{slug}")
        if (root / path).exists()
    ]
    if there or services_of(None).find(slug):
        raise ConfigError(f"There is a service {slug} already: {', '.join(there) or _REGISTRY}.")
    words = {"slug": slug, "name": name, "host": f"{slug.replace('_', '-')}.example"}
    made = {
        path: Template((_TEMPLATES / template).read_text()).substitute(words)
        for path, template in paths.items()
    }
    made[_REGISTRY] = registered((root / _REGISTRY).read_text(), slug)
    for path, text in made.items():
        (root / path).write_text(text)
    return list(made)


def registered(text: str, slug: str) -> str:
    """The registry's text with the service, where it was planned or last. Raises ConfigError."""
    imports = re.search(r"^from app\.connectors import (\([\w,\s]+\)|[\w, ]+)$", text, re.MULTILINE)
    catalogue = re.search(r"^CATALOGUE\b[^\n]*= \(\n(.*?)^\)$", text, re.MULTILINE | re.DOTALL)
    if imports is None or catalogue is None:
        raise ConfigError(f"{_REGISTRY} does not look as expected: add the service there by hand.")
    entries = [line for line in catalogue[1].splitlines() if f'Planned("{slug}"' not in line]
    place = next(
        (i for i, line in enumerate(catalogue[1].splitlines()) if f'Planned("{slug}"' in line), len(entries)
    )
    entries.insert(place, f"    {slug}.CONNECTOR,")
    text = text[: catalogue.start(1)] + "\n".join(entries) + "\n" + text[catalogue.end(1) :]
    names = sorted({*re.findall(r"\w+", imports[1]), slug})
    line = f"from app.connectors import {', '.join(names)}"
    if len(line) > _LONGEST_LINE:
        line = "from app.connectors import (\n" + "".join(f"    {each},\n" for each in names) + ")"
    return text[: imports.start()] + line + text[imports.end() :]
