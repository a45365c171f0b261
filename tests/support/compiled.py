"""What is compiled once for all applications of a test process: most of making one, of its first
page and of its first queries. Every test makes one.
"""

import functools
from collections import defaultdict
from collections.abc import Callable
from types import CodeType
from typing import Any

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Engine
from werkzeug.routing import Map, Rule, RuleFactory
from werkzeug.routing.matcher import StateMachineMatcher

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


class _SharedMap(Map):
    """A map of rules that is built when it is first used, once for all maps with the same rules."""

    _built: dict[tuple[int, ...], tuple[list[Rule], StateMachineMatcher, dict[Any, list[Rule]]]] = {}

    def __init__(self, *given: Any, **options: Any) -> None:
        self._added: list[Rule] = []
        super().__init__(*given, **options)

    def add(self, rulefactory: RuleFactory) -> None:
        self._added.extend(rulefactory.get_rules(self))
        self._remap = True

    def update(self) -> None:
        if not self._remap:
            return
        with self._remap_lock:
            if not self._remap:
                return
            key = tuple(map(id, self._added))
            if key not in self._built:
                self._built[key] = list(self._added), *self._build()
            _, self._matcher, self._rules_by_endpoint = self._built[key]
            self._remap = False

    def _build(self) -> tuple[StateMachineMatcher, dict[Any, list[Rule]]]:
        matcher, by_endpoint = StateMachineMatcher(self.merge_slashes), defaultdict(list)
        for rule in self._added:
            if rule.map is None:  # otherwise a map with other rules has compiled it
                rule.bind(self)
            if not rule.build_only:
                matcher.add(rule)
            by_endpoint[rule.endpoint].append(rule)
        matcher.update()
        for rules in by_endpoint.values():
            rules.sort(key=Rule.build_compare_key)
        return matcher, dict(by_endpoint)


def share_url_maps() -> None:
    """Let applications with equal rules share them compiled. A rule names its endpoint, and so knows nothing
    of the application; the functions behind the endpoints stay each application's own.
    """
    made: dict[tuple[object, ...], Rule] = {}

    def rule_of(text: str, *, methods: set[str], **options: Any) -> Rule:
        key = text, frozenset(methods), repr(sorted(options.items()))
        if key not in made:
            made[key] = Rule(text, methods=methods, **options)
        return made[key]

    Flask.url_rule_class = staticmethod(rule_of)  # type: ignore[assignment]
    Flask.url_map_class = _SharedMap
