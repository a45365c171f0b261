"""What is compiled once for all applications of a test process: most of making one, of its first
page and of its first queries. Every test makes one.
"""

import functools
from collections.abc import Callable
from types import CodeType
from typing import Any

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Engine
from werkzeug.routing.rules import Rule

from app import database


class Templates(BytecodeCache):
    """Compiled templates, by name and content."""

    def __init__(self) -> None:
        self._cached: dict[str, CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._cached.get(f"{bucket.key} {bucket.checksum}")

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._cached[f"{bucket.key} {bucket.checksum}"] = bucket.code


def share_statements() -> None:
    """Let databases of one kind share compiled SQL. Each engine keeps its own otherwise."""
    make_one: Callable[..., Engine] = database.create_engine
    shared: dict[str, Engine] = {}

    @functools.wraps(make_one)
    def made(url: str, **options: Any) -> Engine:
        engine = make_one(url, **options)
        kind = f"{engine.dialect.name} {options.get('isolation_level')}"
        first = shared.setdefault(kind, engine)
        if getattr(first.dialect, "server_version_info", None) is None:  # it has not been connected yet
            shared[kind] = engine
        else:
            engine.dialect = engine.pool._dialect = first.dialect
            engine._compiled_cache = first._compiled_cache
        return engine

    database.create_engine = made  # type: ignore[assignment]


def share_parsed_rules() -> None:
    """Let equal rules share their parts. Their converters know no more of the application than their
    pattern.
    """
    parse_one: Callable[..., Any] = Rule._parse_rule
    shared: dict[str, tuple[list[Any], list[tuple[bool, str]], dict[str, Any]]] = {}

    @functools.wraps(parse_one)
    def parsed(rule: Rule, text: str) -> Any:
        if text not in shared:
            before = len(rule._trace)
            parts = list(parse_one(rule, text))
            trace = rule._trace[before:]
            shared[text] = parts, trace, {name: rule._converters[name] for dynamic, name in trace if dynamic}
            return parts
        parts, trace, converters = shared[text]
        rule._trace.extend(trace)
        rule._converters.update(converters)
        rule.arguments.update(converters)
        return parts

    Rule._parse_rule = parsed  # type: ignore[method-assign]


def share_url_builders() -> None:
    """Let equal rules share the function that builds their URL. It is given the rule it builds for, so it
    is the same for all.
    """
    compile_one: Callable[..., Any] = Rule._compile_builder
    cached: dict[tuple[object, ...], Any] = {}

    @functools.wraps(compile_one)
    def compiled(rule: Rule, append_unknown: bool = True) -> Any:
        key = (rule.rule, rule.subdomain, rule.host, repr(rule.defaults), rule.endpoint, append_unknown)
        if key not in cached:
            cached[key] = compile_one(rule, append_unknown)
        return cached[key]

    Rule._compile_builder = compiled  # type: ignore[method-assign]
