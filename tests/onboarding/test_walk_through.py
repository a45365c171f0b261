"""The docs' first calls work as they stand: pasted line by line into a shell, against the whole product."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.databases import ROOT
from tests.support.product import run_product

pytestmark = pytest.mark.slow

DOCS = ROOT / "docs"


def lines(page, section):
    """The lines of the section's shell block."""
    text = (DOCS / page).read_text().split(f"## {section}\n")[1].split("\n## ")[0]
    return re.search(r"```bash\n(.*?)```", text, re.S)[1].splitlines()


def paste(shell, line):
    """What a line prints when it has finished."""
    shell.stdin.write(f"{line}\necho; echo ENDED $?\n")
    shell.stdin.flush()
    printed = ""
    for part in iter(shell.stdout.readline, ""):
        if part.startswith("ENDED "):
            assert part == "ENDED 0\n", (line, printed)
            return printed.strip()
        printed += part
    raise AssertionError(f"the shell ended at: {line}")


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    """As `make run` starts it: the settings name neither Firebase nor FlowPOS."""
    folder = tmp_path_factory.mktemp("walk-through")
    with run_product(folder, WEB_CONCURRENCY="1", WEB_THREADS="4") as product:
        yield product


@pytest.fixture
def follow(installation, tmp_path):
    """`follow("tokens.md", "First exchange")`: what each line of the block prints, pasted into a shell."""

    def _follow(page, section):
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        with subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"PATH": path, "HOME": str(tmp_path)},
        ) as shell:
            block = lines(page, section)
            ours = {
                "http://localhost:8000": installation.url,
                "http://localhost:8001": installation.sandbox_url,
            }
            assert block[0] == "HUB=http://localhost:8000", "what `make run` answers at"
            printed = []
            for line in block:
                name, _, value = line.partition("=")
                printed.append(paste(shell, f"{name}={ours[value]}" if value in ours else line))
            shell.stdin.close()
        return printed

    return _follow


def test_a_company_is_set_up_line_by_line(follow):
    printed = follow("onboarding-api.md", "Walk-through")
    assert json.loads(printed[1])["email"] == "you@example.com"
    assert printed[2:5] == ["", "", ""], "code and tokens go into variables"
    assert "servicefusion_list_customers" in printed[5].splitlines()
    answer = json.loads(printed[6])["result"]["structuredContent"]
    assert answer["success"] and answer["data"]["items"]


def test_an_id_token_is_exchanged_line_by_line(follow):
    """Sign in at the sandbox's Firebase, exchange, call a tool, refresh: with no setting for any of it."""
    *_, workspace, silent, called, refreshed = follow("tokens.md", "First exchange")
    assert (workspace, silent) == ("Corner Café", "")
    answer = json.loads(called)["result"]["structuredContent"]
    assert answer["success"] and answer["data"]["items"][0]["currency"] == "EUR"
    given = json.loads(refreshed)
    assert given["accessToken"].startswith("pba_") and given["activeBusinessId"] == "b1a0-0001"
    assert given["authorizedBusinessIds"] == ["b1a0-0001", "b1a0-0002"]
