"""Stripe requests held to Stripe's own parameter types: those of the npm package `stripe`, compiled by `tsc`.

Which type belongs to a request is read from the package itself: its code says which method of which resource
sends what to which path, and its declarations say what that method takes. Nothing here names an endpoint.
"""

import functools
import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.oracles.recording import RecordedRequest
from tests.support import node

_CLASS = re.compile(r"export class (\w+) ")
_METHOD = re.compile(r"    (?:async )?(\w+)\(([\w, ]*)\) \{")
_SENDS = re.compile(r"_makeRequest\('(\w+)', (?:'([^']+)'|`([^`]+)`)(?:, (\w+))?")
_PLACEHOLDER = re.compile(r"\$\{encodeURIComponent\(\w+\)\}")
_FINDING = re.compile(r"[^(]*\((\d+),\d+\): error \w+: (.*)")

# A form knows only text. `Documented` leaves the listed values of an enumeration, which the package widens to
# every string for values that are newer than it.
_WIRE_TYPES = """
type Literals<T> = T extends string ? (string extends T ? never : T) : never;
type Documented<T> = [Literals<T>] extends [never] ? T : Exclude<T, string> | Literals<T>;
type Wire<T> = T extends null | undefined ? never
  : T extends boolean ? `${T}`
  : T extends number | Decimal ? `${number}`
  : T extends string ? T
  : T extends readonly (infer E)[] ? { [index: number]: Wire<Documented<E>> }
  : { [K in keyof T]: Wire<Documented<T[K]>> };
"""


@dataclass(frozen=True)
class Operation:
    """A method of a resource and what it sends. `position`: which of its arguments are the parameters."""

    method: str
    path: str
    file: Path
    resource: str
    name: str
    position: int | None

    def fits(self, method: str, path: str) -> bool:
        pattern = "[^/]+".join(re.escape(part) for part in _PLACEHOLDER.split(self.path))
        return self.method == method and re.fullmatch(pattern, path) is not None

    @property
    def placeholders(self) -> int:
        return len(_PLACEHOLDER.findall(self.path))

    @property
    def parameters(self) -> str:
        """The TypeScript type of its parameters."""
        if self.position is None:
            return "Record<string, never>"
        module = self.file.with_suffix(".js").as_posix()
        resource = f"import({json.dumps(module)}).{self.resource}"
        return f"NonNullable<Parameters<{resource}['{self.name}']>[{self.position}]>"


def description() -> str:
    """The package and its version, and the version of the API that it describes."""
    version = json.loads((_package() / "package.json").read_text())["version"]
    return f"npm stripe {version} (API {api_version()})"


def api_version() -> str:
    declared = (_package() / "esm" / "apiVersion.js").read_text()
    found = re.search(r"ApiVersion = '([^']+)'", declared)
    assert found, "the package names no API version"
    return found[1]


def check(requests: Sequence[RecordedRequest], folder: Path) -> list[str]:
    """What is wrong with the requests, one sentence each. Compiles once, in `folder`."""
    problems: list[str] = []
    lines = [f"import type {{ Decimal }} from {json.dumps((_package() / 'esm/Decimal.js').as_posix())};"]
    lines += _WIRE_TYPES.splitlines()
    checked: dict[int, str] = {}
    for number, request in enumerate(requests):
        path = "/v1/" + request.path.partition("/v1/")[2]
        candidates = [each for each in operations() if each.fits(request.method, path)]
        sent = f"{request.method} {path} {request.params or request.form}"
        if not candidates:
            problems.append(f"{sent}: Stripe has no such operation")
            continue
        operation = min(candidates, key=lambda each: each.placeholders)
        value = json.dumps(nested(request.params if request.method == "GET" else request.form))
        lines.append(f"export const request{number}: Wire<{operation.parameters}> = {value};")
        checked[len(lines)] = sent
    source = folder / "requests.ts"
    source.write_text("\n".join(lines) + "\n")
    compiled = subprocess.run(
        [
            node.binary(), str(node.install() / "typescript" / "bin" / "tsc"), "--noEmit", "--strict",
            "--skipLibCheck", "--types", "", "--module", "nodenext", "--moduleResolution", "nodenext",
            "--target", "es2022", str(source),
        ],
        cwd=folder, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    found = [_FINDING.fullmatch(line) for line in compiled.stdout.splitlines()]
    assert compiled.returncode == 0 or any(found), compiled.stdout + compiled.stderr
    problems += [f"{checked.get(int(finding[1]), 'the types')}: {finding[2]}" for finding in found if finding]
    return problems


def nested(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """A form as the object that its brackets describe; the values stay text."""
    whole: dict[str, Any] = {}
    for name, value in pairs:
        *outer, last = re.findall(r"[^\[\]]+", name)
        place = whole
        for part in outer:
            place = place.setdefault(part, {})
        place[last] = value
    return whole


@functools.cache
def operations() -> tuple[Operation, ...]:
    """Every operation of the package's resources, as its code sends them."""
    found: list[Operation] = []
    for file in sorted((_package() / "esm" / "resources").rglob("*.js")):
        resource = name = ""
        arguments: list[str] = []
        for line in file.read_text().splitlines():
            if declared := _CLASS.match(line):
                resource = declared[1]
            elif declared := _METHOD.fullmatch(line):
                name, arguments = declared[1], [part.strip() for part in declared[2].split(",")]
            elif sends := _SENDS.search(line):
                position = arguments.index(sends[4]) if sends[4] in arguments else None
                path = sends[2] or sends[3]
                found.append(Operation(sends[1], path, file, resource, name, position))
    return tuple(found)


def _package() -> Path:
    return node.install() / "stripe"
