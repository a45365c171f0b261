"""The house rules of the code base. Each failure says what to do instead."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
APP = ROOT / "app"
# A package may import those before it in this list, never those after it.
ORDER = [
    *(
        "floor",
        "web",
        "accounts",
        "workspaces",
        "connectors",
        "vault",
        "oauth_server",
        "usage",
        "memory",
        "activity",
        "approvals",
    ),
    *(
        "identity_exchange",
        "team",
        "account_settings",
        "onboarding",
        "hub",
        "mcp_server",
        "clients",
        "admin",
        "demo",
    ),
]
NO_FLASK = {"connectors", "vault", "usage"}
EDGES = {"factory", "serve"}  # know every package
EDGE_FILES = {"commands.py", "routes.py"}


def modules():
    for path in sorted(APP.rglob("*.py")):
        relative = path.relative_to(APP)
        yield (
            path,
            relative,
            relative.parts[0].removesuffix(".py") if len(relative.parts) == 1 else relative.parts[0],
        )


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


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
    wrong = [
        f"app/{r} imports {n}"
        for p, r, k in modules()
        if str(r) not in {"outbound.py", "guarded_http.py", "serve.py"} and k != "sandbox"
        for n in imports_of(p)
        if n in senders or n.split(".")[0] in senders
    ]
    assert not wrong, (
        "Send HTTP through app.outbound, which keeps deadlines, size limits and the SSRF guard:\n"
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
