"""The official conformance suite's authorization-server scenarios against the running product, a person
walking its URL.
"""

import json
import re
import subprocess
import urllib.request

import pytest

from tests.support import node
from tests.support.product import free_port
from tests.support.waiting import AT_MOST_SECONDS

pytestmark = [pytest.mark.needs_chromium, pytest.mark.needs_node, pytest.mark.xdist_group("journeys")]
SCENARIOS = {"authorization-server-metadata-endpoint", "authorization-code-grant"}


def test_both_authorization_server_scenarios_pass(product, arrive, tmp_path):
    anna, port = arrive(), free_port()
    settings = {
        "url": product.url,
        "clientId": _register(product, port),
        "resource": product.mcp_url,
        "port": port,
    }
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    program = node.install() / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    command = [node.binary(), str(program), "authorization", "--file", "settings.json", "--port", str(port)]
    command += ["--spec-version", "2026-07-28", "--output-dir", "out"]
    messages = []
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as suite:
        for line in suite.stdout:
            messages.append(line)
            if found := re.match(rf"{re.escape(product.url)}/oauth/authorize\?\S+", line):
                anna.authorize(found[0])
    assert suite.returncode == 0, "".join(messages)
    summary = "".join(messages).partition("=== SUMMARY ===")[2]
    assert set(re.findall(r"^✓ ([\w-]+): \d+ passed, 0 failed", summary, re.M)) == SCENARIOS, summary
    checks = [
        check for file in (tmp_path / "out").rglob("checks.json") for check in json.loads(file.read_text())
    ]
    assert len(checks) >= 3
    assert [check for check in checks if check["status"] != "SUCCESS"] == []


def _register(product, port):
    parameters = {
        "client_name": "Conformance",
        "redirect_uris": [f"http://127.0.0.1:{port}/callback"],
        "token_endpoint_auth_method": "none",
    }
    request = urllib.request.Request(
        product.url + "/oauth/register", json.dumps(parameters).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=AT_MOST_SECONDS) as answer:
        return json.load(answer)["client_id"]
