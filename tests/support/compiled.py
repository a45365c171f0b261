"""What is compiled once for all applications of a test process: most of making one, and of its first page.
Every test makes one.
"""

import functools
from collections.abc import Callable
from typing import Any

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing.rules import Rule


class Templates(BytecodeCache):
    """Compiled templates, by name and content."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if (kept := self._kept.get(f"{bucket.key} {bucket.checksum}")) is not None:
            bucket.bytecode_from_string(kept)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[f"{bucket.key} {bucket.checksum}"] = bucket.bytecode_to_string()


def share_url_builders() -> None:
    """Let equal rules share the function that builds their URL. It is given the rule it builds for, so it
    is the same for all.
    """
    compile_one: Callable[..., Any] = Rule._compile_builder
    kept: dict[tuple[object, ...], Any] = {}

    @functools.wraps(compile_one)
    def compiled(rule: Rule, append_unknown: bool = True) -> Any:
        key = (rule.rule, rule.subdomain, rule.host, repr(rule.defaults), rule.endpoint, append_unknown)
        if key not in kept:
            kept[key] = compile_one(rule, append_unknown)
        return kept[key]

    Rule._compile_builder = compiled  # type: ignore[method-assign]
