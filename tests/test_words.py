"""The words people read: pages, emails, errors, tool descriptions and docs speak the field's English.

`docs/glossary.md` defines each noun once. Each entry here was once on a page.
"""

import ast
import re

import pytest

from tests.support.sources import ROOT, python_files

# A phrase, and what to write instead.
REFUSED = {
    r"\be-mail": "email",
    r"\b(a|your|their|the) yes\b(?!\")": "approval",
    r"\btaken back\b": "undone (Can't be undone)",
    r"\bsign-ins? (end|ended|ends|lasts?|expires?)\b": "access ends: a service gives access, people sign in",
    r"\b(ended|renew\w*|accepts?) (this|its|the|our) sign-in\b": "access, or connection",
    r"\bsealed and fresh\b": "stored encrypted and renewed for you",
    r"\bnext question\b": "next request",
    r"\bwe learned it\b": "on which day it happened",
    r"\bcode we mailed\b": "code we emailed",
    r"\b(first|one) of the first that would be guessed\b": "This password is too common",
    r"\bkeep it to yourself\b": "Make private",
    r"\bout at once\b": "lose access immediately",
    r"\bcounts? from the next\b": "applies immediately",
    r"\bgoes over the environment\b": "overrides environment variables",
    r"\bresting now\b": "Backing off",
    r"\bdrew this page\b": "served this page",
    r"\byou sign in once more\b": "Please confirm it's you",
    r"\bnothing fits\b": "No matches",
    r"\bthat did not work\b": "Something went wrong",
    r"\bservice was away\b": "service unavailable",
    r"\bof it ours\b": "Patchbay overhead",
    r"\blives for\b": "Expires after",
    r"\bmend\b": "fix, restore or reconnect",
    r"\beverybody\b": "everyone",
}
_PATTERNS = {re.compile(phrase, re.IGNORECASE): instead for phrase, instead in REFUSED.items()}
# What an imitated service says, or an AI client's model may write, is not ours.
_NOT_OURS = ("app/sandbox/",)


def sentences_in_code(path):
    """String constants of three words or more, except docstrings."""
    tree = ast.parse(path.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def sentences_on_pages(path):
    """The text of a template, without its comments and tags."""
    text = re.sub(r"\{#.*?#\}", lambda found: "\n" * found[0].count("\n"), path.read_text(), flags=re.DOTALL)
    yield from enumerate(text.splitlines(), 1)


def tool_descriptions():
    """The docstrings of tools are descriptions that AI clients read."""
    for path in python_files("app/connectors", "app/mcp_server/tools", "app/memory"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and any(
                isinstance(mark, ast.Call) and getattr(mark.func, "id", "") == "tool"
                for mark in node.decorator_list
            ):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", ast.get_docstring(node) or ""


def read_by_people():
    for path in python_files("app"):
        if not str(path.relative_to(ROOT)).startswith(_NOT_OURS):
            yield from ((f"{path.relative_to(ROOT)}:{n}", text) for n, text in sentences_in_code(path))
    for path in sorted((ROOT / "templates").rglob("*.html")):
        yield from ((f"{path.relative_to(ROOT)}:{n}", text) for n, text in sentences_on_pages(path))
    for path in (*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"):
        yield from (
            (f"{path.relative_to(ROOT)}:{n}", text) for n, text in enumerate(path.read_text().splitlines(), 1)
        )
    yield from tool_descriptions()


def test_no_sentence_uses_words_of_our_own():
    wrong = [
        f"{place}: “{found[0]}”, write: {instead}"
        for place, text in read_by_people()
        for pattern, instead in _PATTERNS.items()
        if (found := pattern.search(text))
    ]
    assert not wrong, "Write what people in the field say (docs/glossary.md):\n" + "\n".join(wrong)


@pytest.mark.parametrize(
    "text", ["Wait for a yes", "E-mail it", "This cannot be taken back", "Sign-in ends in 6 days"]
)
def test_a_private_phrase_would_be_found(text):
    assert any(pattern.search(text) for pattern in _PATTERNS)
