"""The code speaks the field's words (docs/glossary.md). Each failure says which name to change."""

import ast
import re
from collections import defaultdict

from tests.support.sources import ROOT, python_files

FOLDERS = ("app", "bench", "tests")
# Words that only this project would understand, and where to look for the field's own.
PRIVATE = {
    "asked": "the request, filter or arguments it is",
    "told": "what was sent, delivered or returned",
    "said": "the text, message or answer it is",
    "shown": "the page, view or displayed value it is",
    "kept": "what is stored, cached or retained",
    "way": "the auth method, form or path it is",
    "trip": "the handshake, request or round trip it is",
    "wish": "the intent or the request it is",
}
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def names_bound_in(tree):
    """Every name that the file itself binds: definitions, parameters, variables, attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname, node.lineno
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name, node.lineno


def private_words_in(path):
    is_test = path.parts[len(ROOT.parts)] == "tests"
    for name, line in names_bound_in(ast.parse(path.read_text())):
        if is_test and name.startswith("test_"):
            continue  # a sentence, not a name
        for word in {part.lower() for part in _PART.findall(name)} & PRIVATE.keys():
            yield f"{path.relative_to(ROOT)}:{line} {name}: say {PRIVATE[word]}"


def test_no_name_is_a_private_word():
    wrong = [line for path in python_files(*FOLDERS) for line in private_words_in(path)]
    assert not wrong, "Use the field's noun (docs/glossary.md):\n" + "\n".join(wrong)


def test_no_file_is_named_by_a_private_word():
    wrong = [
        str(path.relative_to(ROOT))
        for path in python_files("app")
        if {part.lower() for part in _PART.findall(path.stem)} & PRIVATE.keys()
    ]
    assert not wrong, "Name the file for the thing or deed in it, in the field's words:\n" + "\n".join(wrong)


def test_one_class_name_is_one_thing():
    packages = defaultdict(set)
    for path in python_files("app"):
        relative = path.relative_to(ROOT / "app")
        package = relative.parts[0] if len(relative.parts) > 1 else "the floor"
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                packages[node.name].add(package)
    wrong = [f"{name}: {', '.join(sorted(used))}" for name, used in sorted(packages.items()) if len(used) > 1]
    assert not wrong, (
        "Two packages use one class name for two things. Say which it is (UsageFilter, TrailFilter):\n"
        + ("\n".join(wrong))
    )
