"""The official conformance suite against Harbour CRM: the scenarios that need no tool of the suite's own."""

import functools
import re
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
    for trace in log.read_text().split("Traceback (most recent call last):")[1:]:
        assert "ValueError: Unknown prompt: test_" in trace, (
            "the SDK logs so that one of the suite's is missing"
        )


@pytest.fixture(scope="module")
def results(url, tmp_path_factory):
    """What the suite prints about every scenario of a revision, each revision run once: it takes a program
    longer to start than to run them all. The other scenarios fail, for want of the suite's tools.
    """
    suite = node.install() / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"

    @functools.cache
    def run(revision):
        folder = tmp_path_factory.mktemp("results")
        command = [node.binary(), str(suite), "server", "--url", url, "--requirements", revision]
        return subprocess.run(
            [*command, "-o", str(folder)], capture_output=True, text=True, timeout=500
        ).stdout

    return run


@pytest.mark.needs_node
@pytest.mark.timeout(600)
@pytest.mark.xdist_group("conformance of the sandbox")
@pytest.mark.parametrize(
    ("revision", "scenario"), [(revision, one) for revision, all_ in SCENARIOS.items() for one in all_]
)
def test_harbour_crm_passes(results, revision, scenario):
    printed = results(revision)
    summary = printed.partition("=== SUMMARY ===")[2]
    assert re.search(rf"^✓ {scenario}: [1-9]\d* passed, 0 failed$", summary, re.MULTILINE), printed
