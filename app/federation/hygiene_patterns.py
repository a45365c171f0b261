"""The patterns of `hygiene_patterns.txt`, compiled: what a definition of a tool has no reason to say.

They see a text in lower case with single spaces (`hygiene_decoding.simple` and `latin`). Repetitions of more
than a character are bounded, so none takes long on a hostile text. A benign text that one catches belongs
into the corpus of the tests, and then the pattern is narrowed.
"""

import re
from pathlib import Path

_FILE = Path(__file__).with_suffix(".txt")
_DEFINITION = re.compile(r"([A-Z]+) = (.+)")


def _read() -> dict[str, list[str]]:
    """The lines of each section, with the definitions filled in."""
    sections: dict[str, list[str]] = {}
    definitions: dict[str, str] = {}
    lines = [line for line in _FILE.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    for line in lines:
        if defined := _DEFINITION.fullmatch(line):
            definitions[defined[1]] = defined[2]
        elif re.fullmatch(r"\[[a-z_]+\]", line):
            section = sections.setdefault(line.strip("[]"), [])
        else:
            section.append(re.sub(r"@([A-Z]+)@", lambda name: definitions[name[1]], line))
    return sections


_sections = _read()


def _compiled(section: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(line) for line in _sections[section])


OVERRIDES = _compiled("overrides")  # orders to the AI client
OVERRIDES_IN_OTHER_SCRIPTS = _compiled("overrides_in_other_scripts")  # for `simple` alone
OVERRIDES_IN_LETTERS = _compiled("overrides_in_letters")  # for `letters`
REQUESTS = _compiled("requests")  # for data that is none of the tool's
ASIDES = _compiled("asides")  # names of arguments beside the point
ASKS_FOR_CONTEXT = _compiled("asks_for_context")  # what those then ask for
SHELL = _compiled("shell")  # programs
MARKUP = _compiled("markup")  # what a client would draw, and so send
PIECES = _compiled("pieces")  # texts that only mean something together
OTHER_TOOLS = _compiled("other_tools")  # names of built-in tools, and names as other clients write them
# worth a look, but common: with a sentence each
NOTES = tuple(
    (re.compile(pattern), sentence)
    for pattern, _, sentence in (line.partition(" => ") for line in _sections["notes"])
)


def finds(patterns: tuple[re.Pattern[str], ...], text: str) -> bool:
    """Whether one of them is in the text."""
    return any(pattern.search(text) for pattern in patterns)
