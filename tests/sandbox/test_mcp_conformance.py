"""The official conformance suite against Harbour CRM: the scenarios that need no tool of the suite's own."""

import subprocess

import pytest

from tests.mcp_server.live import listen, run_gunicorn
from tests.support import node

pytestmark = pytest.mark.slow

SCENARIOS = {
    "2025-11-25": (
        "server-initialize",
        "server-session-lifecycle",
        "ping",
        "tools-list",
        "resources-list",
        "prompts-list",
        "server-sse-multiple-streams",
    ),
    "2026-07-28": (
        "tools-list",
        "resources-list",
        "prompts-list",
        "caching",
        "http-header-validation",
        "sep-2164-resource-not-found",
        "server-sse-multiple-streams",
    ),
}


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    log = tmp_path_factory.mktemp("crm") / "gunicorn.log"
    with run_gunicorn(
        "tests.sandbox.open_crm:create_app()", listen(), log, {}, workers=1, threads=32
    ) as address:
        yield f"{address}/harbour_crm/mcp"
    assert "Traceback" not in log.read_text()


@pytest.mark.needs_node
@pytest.mark.timeout(600)
@pytest.mark.xdist_group("conformance of the sandbox")
@pytest.mark.parametrize(
    ("revision", "scenario"), [(revision, one) for revision, all_ in SCENARIOS.items() for one in all_]
)
def test_harbour_crm_passes(url, tmp_path, revision, scenario):
    suite = node.install() / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    given = ["--url", url, "--scenario", scenario, "--spec-version", revision, "-o", str(tmp_path)]
    run = subprocess.run(
        [node.binary(), str(suite), "server", *given], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stdout + run.stderr
