"""The rules of the code base. Each failure says what to do instead."""

import ast
import functools
import re
from importlib.metadata import packages_distributions

import pytest

from tests.support.sources import ROOT, python_files

APP = ROOT / "app"
# A package may import those before it in this list, never those after it.
ORDER = [
    *(
        "floor",
        "web",
        "pages",
        "jobs",
        "accounts",
        "workspaces",
        "mcp_client",
        "connectors",
        "vault",
        "oauth_server",
        "usage",
        "memory",
        "activity",
        "approvals",
        "notifications",
        "webhooks",
    ),
    *(
        "identity_exchange",
        "team",
        "account_settings",
        "onboarding",
        "hub",
        "federation",
        "mcp_server",
        "clients",
        "connection_pages",
        "admin",
        "backup",
        "demo",
    ),
]
NO_FLASK = {"connectors", "mcp_client", "vault", "usage"}
EDGES = {"background", "factory", "serve", "startup"}  # know every package
EDGE_FILES = {"commands.py", "routes.py"}


def modules():
    for path in sorted(APP.rglob("*.py")):
        relative = path.relative_to(APP)
        yield (
            path,
            relative,
            relative.parts[0].removesuffix(".py") if len(relative.parts) == 1 else relative.parts[0],
        )


@functools.cache
def import_statements(path):
    """Each module that the file imports, with the names it takes from it: none for `import module`."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(alias.name, ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append((node.module, tuple(alias.name for alias in node.names)))
    return found


def imports_of(path):
    for module, names in import_statements(path):
        yield module
        yield from (f"{module}.{name}" for name in names)


def nodes_of(path, mention):
    """The syntax tree of a file whose text has the pattern; nothing of others, for reading one takes 3 ms."""
    text = path.read_text()
    return ast.walk(ast.parse(text)) if re.search(mention, text) else ()


def package_of(name):
    parts = name.split(".")
    if parts[0] != "app" or len(parts) == 1:
        return None
    return parts[1] if (APP / parts[1]).is_dir() else "floor"


def test_imports_point_one_way():
    wrong = []
    for path, relative, package in modules():
        own = package if package in ORDER else "floor"
        if (
            package in EDGES
            or package == "sandbox"
            or (relative.name == "__init__.py" and len(relative.parts) == 1)
        ):
            continue
        for name in imports_of(path):
            other = package_of(name)
            if (other in ORDER and ORDER.index(other) > ORDER.index(own)) or {own, other} == {
                "hub",
                "mcp_server",
            }:
                wrong.append(f"app/{relative} imports {name}")
    assert not wrong, (
        "Imports point down the map, never up. Move what both need into the lower package:\n"
        + "\n".join(sorted(set(wrong)))
    )


def test_the_sandbox_knows_nothing_of_the_product():
    wrong = [
        f"app/{r} imports {n}"
        for p, r, k in modules()
        if k == "sandbox"
        for n in imports_of(p)
        if package_of(n) not in {None, "sandbox"}
    ]
    users = [
        f"app/{r} imports {n}"
        for p, r, k in modules()
        if k not in {"sandbox", *EDGES}
        for n in imports_of(p)
        if package_of(n) == "sandbox"
    ]
    assert not wrong + users, "The sandbox stands alone: talk to it over HTTP:\n" + "\n".join(wrong + users)


def test_what_serves_more_than_pages_does_not_know_flask():
    wrong = [
        f"app/{r} imports {n}"
        for p, r, k in modules()
        if k in NO_FLASK and r.name not in EDGE_FILES
        for n in imports_of(p)
        if n.split(".")[0] == "flask"
    ]
    assert not wrong, "Pass what you need as an argument instead of reading Flask's globals:\n" + "\n".join(
        wrong
    )


def test_only_the_factory_imports_routes():
    wrong = [
        f"app/{r} imports {n}"
        for p, r, k in modules()
        if k not in EDGES
        for n in imports_of(p)
        if n.endswith(".routes")
    ]
    assert not wrong, "Routes are doors, not rooms. Import the verb the route calls:\n" + "\n".join(wrong)


def test_http_leaves_by_one_door():
    senders = {"requests", "httpx", "httpx2", "urllib3", "aiohttp", "http.client"}
    own_requests = {"healthcheck.py", "serve.py"}  # to this very installation
    wrong = [
        f"app/{r} imports {n}"
        for p, r, k in modules()
        if str(r) not in own_requests and k not in {"outbound", "sandbox"}
        for n in imports_of(p)
        if n in senders or n.split(".")[0] in senders
    ]
    assert not wrong, (
        "Send HTTP through app.outbound, which keeps deadlines, size limits and the SSRF guard:\n"
        + "\n".join(wrong)
    )


@pytest.mark.parametrize(
    ("folders", "files"),
    [
        (("app", "migrations"), ("requirements.in",)),
        (("tests", "bench"), ("requirements.in", "requirements-dev.in")),
    ],
)
def test_every_package_that_is_imported_is_declared(folders, files):
    distributions = packages_distributions()
    declared = {
        re.split(r"[\[<>=~; ]", line)[0].lower()
        for file in files
        for line in (ROOT / file).read_text().splitlines()
    }
    wrong = {
        f"{name} ({', '.join(distributions[name])})"
        for path in python_files(*folders)
        for name in (full.split(".")[0] for full in imports_of(path))
        if name in distributions
        and declared.isdisjoint(owner.lower().replace("_", "-") for owner in distributions[name])
    }
    assert not wrong, (
        f"Add it to {files[-1]}; it is here only because another package needs it:\n"
        + "\n".join(sorted(wrong))
    )


CLOCKS = {"app/clock.py", "app/sandbox/clock.py"}
ASKS_FOR_THE_TIME = re.compile(
    r"(^|\.)(date\.today|datetime\.(now|utcnow|today)|time\.(time|gmtime|localtime))$"
)


def test_there_is_one_clock():
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno} calls {ast.unparse(node.func)}()"
        for path in python_files("app", "tests", "bench")
        if str(path.relative_to(ROOT)) not in CLOCKS
        for node in nodes_of(path, r"(date|time)\s*\.\s*(today|now|utcnow|time|gmtime|localtime)\b")
        if isinstance(node, ast.Call) and ASKS_FOR_THE_TIME.search(ast.unparse(node.func))
    ]
    assert not wrong, (
        "Ask app.clock, which tests can move (the sandbox and its tests ask app.sandbox.clock):\n"
        + "\n".join(wrong)
    )


@pytest.mark.parametrize("folder", ["app", "templates"])
def test_files_have_one_subject(folder):
    long = [
        f"{p.relative_to(ROOT)} has {n} lines"
        for p in sorted((ROOT / folder).rglob("*.*"))
        if p.suffix in {".py", ".html"} and (n := len(p.read_text().splitlines())) > 300
    ]
    assert not long, "A file over 300 lines has two subjects: split it by subject:\n" + "\n".join(long)


def test_templates_hold_no_inline_script_or_style():
    wrong = []
    for path in sorted((ROOT / "templates").rglob("*.html")):
        text = path.read_text()
        wrong += [
            f"{path.relative_to(ROOT)}: {mark}"
            for mark in (' style="', " onclick=", " onchange=", " onsubmit=", "|safe", "hx-on")
            if mark in text
        ]
    assert not wrong, (
        "The content policy forbids these; use a class, htmx attributes or a module in static/:\n"
        + "\n".join(wrong)
    )


def test_services_are_reached_through_one_seam():
    """A service of one workspace is rows: whoever goes by the registry or by a service's own package
    misses it.
    """
    parts = {path.stem if path.is_file() else path.name for path in (APP / "connectors").iterdir()}
    services = {path.stem for path in (APP / "sandbox/services").iterdir() if path.stem in parts}
    assert services, "where are the services?"
    wrong = [
        f"app/{r} imports {n}"
        for p, r, k in modules()
        if k != "connectors"
        for n in imports_of(p)
        if n.startswith("app.connectors.") and n.split(".")[2] in {"registry", *services}
    ]
    assert not wrong, (
        "Reach a service through app.connectors.services, with the workspace of the row at hand: "
        "services_of(connection.workspace_id).get(slug). None stands for the installation's own:\n"
        + "\n".join(sorted(set(wrong)))
    )


def test_nobody_looks_behind_a_tool():
    """The function and its pydantic model belong to one kind of tool (`FunctionTool`); others are data."""
    wrong = []
    for path, relative, package in modules():
        if relative.name == "function_tool.py" or package == "sandbox":
            continue
        wrong += [
            f"app/{relative}:{node.lineno} {ast.unparse(node)}"
            for node in nodes_of(path, r"\.\s*(function|model_fields)\b")
            if isinstance(node, ast.Attribute)
            and (node.attr in {"function", "model_fields"} and "tool" in ast.unparse(node.value).lower())
        ]
    assert not wrong, "Use what app.connectors.tool.Tool offers: parse, call, input_schema:\n" + "\n".join(
        wrong
    )


def module_name(relative):
    return ".".join(("app", *relative.with_suffix("").parts)).removesuffix(".__init__")


def arrows():
    """Each module of app/ with the modules it takes names from."""
    paths = {module_name(relative): path for path, relative, _ in modules()}

    def sources_of(path):
        for module, names in import_statements(path):
            if not names:
                yield module
            for name in names:
                inner = f"{module}.{name}"
                yield inner if inner in paths else module

    return {
        name: {other for other in sources_of(path) if other in paths} - {name} for name, path in paths.items()
    }


def circles(graph):
    """Groups of modules that reach each other: the strongly connected components of more than one."""
    order, seen = [], set()

    def walk(start, neighbours, found):
        stack = [(start, iter(neighbours[start]))]
        seen.add(start)
        while stack:
            node, rest = stack[-1]
            following = next((other for other in rest if other not in seen), None)
            if following is None:
                found.append(node)
                stack.pop()
            else:
                seen.add(following)
                stack.append((following, iter(neighbours[following])))

    for node in graph:
        if node not in seen:
            walk(node, graph, order)
    reverse = {node: set() for node in graph}
    for node, others in graph.items():
        for other in others:
            reverse[other].add(node)
    seen.clear()
    for node in reversed(order):
        if node not in seen:
            group = []
            walk(node, reverse, group)
            if len(group) > 1:
                yield sorted(group)


def test_no_file_imports_one_that_imports_it():
    graph = arrows()
    assert len(graph) > 400 and sum(map(len, graph.values())) > 1000
    wrong = [" → ".join(group) for group in circles(graph)]
    assert not wrong, (
        "Break the circle: move what both sides need into a file below them, or pass it as an argument:\n"
        + "\n".join(wrong)
    )


def test_a_circle_would_be_found():
    assert list(circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == [["a", "b", "c"]]


def test_the_protocol_knows_nothing_of_the_product():
    wrong = [
        f"app/{relative} imports {name}"
        for path, relative, _ in modules()
        if relative.parts[:2] == ("mcp_server", "protocol")
        for name in imports_of(path)
        if name.startswith("app.")
        and not name.startswith("app.mcp_server.protocol")
        and package_of(name) != "floor"
    ]
    assert not wrong, (
        "protocol/ is MCP alone, and runs in the conformance suite without the product. Pass what it needs, "
        "as `Principal` and the handlers are passed:\n" + "\n".join(wrong)
    )
