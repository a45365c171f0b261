"""docs/onboarding-api.md works as it stands: pasted line by line into a shell, against the whole product."""

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

SECTION = "Walk-through"


def lines():
    """The lines of the section's shell block."""
    section = (ROOT / "docs" / "onboarding-api.md").read_text().split(f"## {SECTION}\n")[1].split("\n## ")[0]
    return re.search(r"```bash\n(.*?)```", section, re.S)[1].splitlines()


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


def test_the_walk_through_pasted_line_by_line(tmp_path: Path):
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with (
        run_product(tmp_path / "instance", WEB_CONCURRENCY="1", WEB_THREADS="4") as product,
        subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"PATH": path, "HOME": str(tmp_path)},
        ) as shell,
    ):
        block = lines()
        assert block[0] == "HUB=http://localhost:8000", "what `make run` answers at"
        assert paste(shell, f"HUB={product.url}") == ""
        printed = [paste(shell, line) for line in block[1:]]
        shell.stdin.close()
    assert json.loads(printed[0])["email"] == "you@example.com"
    assert printed[1:4] == ["", "", ""], "code and tokens go into variables"
    assert "servicefusion_list_customers" in printed[4].splitlines()
    answer = json.loads(printed[5])["result"]["structuredContent"]
    assert answer["success"] and answer["data"]["items"]
