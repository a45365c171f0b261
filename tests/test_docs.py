"""The documentation is complete and true where a machine can tell. Each failure names the file to change."""

import ast
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from app import config
from app.connectors.services import services_of

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
README = (ROOT / "README.md").read_text()
COMMANDS = (ROOT / "docs" / "commands.md").read_text()
# Set by the product for its own processes, never by an operator.
INTERNAL = {"PROMETHEUS_MULTIPROC_DIR"}


class Recorded(dict):
    """An environment that remembers which settings were read."""

    def __init__(self, *given):
        super().__init__(*given)
        self.names = set()

    def get(self, name, default=None):
        self.names.add(name)
        return super().get(name, default)


@pytest.fixture
def settings_read(environ):
    """Every setting that the configuration or the web server reads."""
    recorded = Recorded(environ)
    config.load(recorded)
    server = ast.parse((ROOT / "gunicorn.conf.py").read_text())
    compose = set(re.findall(r"\$\{([A-Z_]+):", (ROOT / "compose.yaml").read_text()))
    return (
        recorded.names
        | compose
        | {
            node.args[0].value
            for node in ast.walk(server)
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("os.environ.")
        }
    )


def settings_documented():
    lines = (ROOT / ".env.example").read_text().splitlines()
    return {match[1] for line in lines if (match := re.match(r"#?([A-Z][A-Z0-9_]+)=", line))}


def test_every_setting_is_in_env_example(settings_read):
    missing = settings_read - settings_documented() - INTERNAL
    assert not missing, f"Explain in .env.example: {sorted(missing)}"


def test_env_example_names_no_setting_that_nothing_reads(settings_read):
    services = {entry.slug.upper() for entry in services_of(None).catalogue} | {"GOOGLE_SIGN_IN"}
    of_services = {
        name for name in settings_documented() if any(name.startswith(slug + "_") for slug in services)
    }
    assert not settings_documented() - settings_read - of_services, (
        "Remove from .env.example what nothing reads"
    )


def test_every_connector_is_in_the_table_of_the_readme():
    table = re.findall(r"^\| ([^|]+) \| (\d+) \| [^|]+ \| yes \|$", README, re.MULTILINE)
    expected = [(connector.name, str(len(connector.tools))) for connector in services_of(None)]
    names = {name.split(" (")[0]: count for name, count in table}
    for name, count in expected:
        found = next((n for key, n in names.items() if key == name or key.startswith(name)), None)
        assert found == count, f"README.md: the table says {found} tools for {name}, there are {count}"
    assert len(table) == len(expected), "README.md: the table has rows of services that do not exist"


def test_every_make_target_is_documented():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    documented = set(re.findall(r"`make ([a-z]+)", COMMANDS))
    assert targets == documented, f"docs/commands.md: {sorted(targets ^ documented)}"


def test_every_flask_command_is_documented(app):
    flask_own = {"run", "shell", "routes"}
    commands = set()
    for name, command in app.cli.commands.items():
        children = getattr(command, "commands", None)
        commands |= {f"{name} {child}" for child in children} if children else {name}
    rows = re.findall(r"^\| `([a-z][^`]*)` \|", COMMANDS.split("## Flask")[1], re.MULTILINE)
    documented = {" ".join(word for word in row.split() if word.islower()) for row in rows}
    assert commands - flask_own == documented, (
        f"docs/commands.md: {sorted((commands - flask_own) ^ documented)}"
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = page.read_text()
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name} links to {target}, which does not exist"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in slugs, f"{page.name} links to {target}, which has no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_named_in_the_docs_exist(page):
    named = re.findall(r"`((?:app|tests|docs|bench|static|templates|migrations)/[\w./-]+)`", page.read_text())
    missing = [path for path in named if not (ROOT / path).exists()]
    assert not missing, f"{page.name} names files that do not exist: {missing}"


def test_the_index_lists_every_page():
    index = (ROOT / "docs" / "README.md").read_text()
    missing = [
        page.name
        for page in (ROOT / "docs").glob("*.md")
        if page.name != "README.md" and f"({page.name})" not in index
    ]
    assert not missing, f"docs/README.md does not list {missing}"


def test_the_readme_stays_short():
    assert len(README.splitlines()) <= 90, "README.md: move details to docs/"


def test_the_version_is_one_and_has_its_changes():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert declared == config.VERSION, "pyproject.toml and app/config.py name two versions"
    assert re.search(
        rf"^## {re.escape(declared)} - \d{{4}}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )


def test_the_changelog_groups_changes():
    changelog = (ROOT / "CHANGELOG.md").read_text()
    groups = set(re.findall(r"^### (.+)$", changelog, re.MULTILINE))
    assert groups <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}, groups


def test_the_glossary_defines_each_word_once():
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    words = Counter(
        word.strip() for row in rows if row.strip("- ") and row != "Word" for word in row.split(",")
    )
    assert words and not [word for word, count in words.items() if count > 1]
