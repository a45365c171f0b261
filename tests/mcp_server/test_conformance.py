"""The official conformance suite against a test-only application on the product's own adapter."""

import subprocess

import pytest

from tests.mcp_server.live import listen, port_of, run_gunicorn
from tests.support import databases, node
from tests.support.services import REDIS

pytestmark = pytest.mark.slow


@pytest.mark.needs_node
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("revision", "required", "meet"),
    [
        ("2025-11-25", 30, "database"),
        pytest.param("2025-11-25", 30, "redis", marks=pytest.mark.needs_redis),
        ("2026-07-28", 37, "database"),
    ],
)
def test_every_required_scenario_passes(tmp_path, revision, required, meet):
    listener = listen()
    environ = {
        "CONFORMANCE_PORT": str(port_of(listener)),
        "CONFORMANCE_DATABASE": databases.new_sqlite(tmp_path),
    }
    if meet == "redis":
        environ["CONFORMANCE_REDIS"] = REDIS
    log = tmp_path / "gunicorn.log"
    with run_gunicorn("tests.mcp_server.conformance_app:create_app()", listener, log, environ) as url:
        command = [
            node.binary(),
            str(node.install() / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"),
            "server",
            "--url",
            f"{url}/mcp",
            "--requirements",
            revision,
            "-o",
            str(tmp_path / "out"),
        ]
        run = subprocess.run(command, capture_output=True, text=True, timeout=500)
    summary = run.stdout.partition("=== SUMMARY ===")[2]
    passed, _, unscored = summary.partition("Not scored for")
    failing = [
        line
        for line in passed.splitlines()
        if line.startswith("✗") and line.split()[1].rstrip(":") not in unscored
    ]
    assert run.returncode == 0, summary or run.stdout + run.stderr
    assert not failing, summary
    scored = [
        line
        for line in passed.splitlines()
        if line.startswith("✓") and f" {line.split()[1].rstrip(':')} (" not in unscored
    ]
    assert len(scored) == required, summary
    assert "Traceback" not in log.read_text()
