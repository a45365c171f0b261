"""Tokens as OpenAI's models count them (o200k), by npm `js-tiktoken`."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from tests.support import node

_PROGRAM = """
import { getEncoding } from "js-tiktoken";
import { readFileSync } from "node:fs";
const encoding = getEncoding("o200k_base");
const texts = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(texts.map((text) => encoding.encode(text).length)));
"""


def count(texts: Sequence[str]) -> list[int]:
    """The tokens of each text."""
    node.install()
    done = subprocess.run(
        [node.binary(), "--input-type=module", "-e", _PROGRAM],
        input=json.dumps(texts),
        cwd=node.FOLDER,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    counts: list[int] = json.loads(done.stdout)
    return counts


def as_json(data: Any) -> str:
    """JSON without spaces, as it is sent."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def visible(tool: Mapping[str, Any]) -> str:
    """What a model reads of an entry of tools/list: its name, description and input schema."""
    return f"{tool['name']}\n{tool['description']}\n{as_json(tool['inputSchema'])}"
