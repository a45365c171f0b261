"""Recipients as people and AI clients write them.

`a@b.example`, `Doe, John <a@b.example>` with or without quotes, and several in one entry, with commas or
semicolons between them as in a mail program.
"""

import re
from email.headerregistry import Address

from email_validator import EmailNotValidError, validate_email

from app.errors import InvalidArguments

_NAMED = re.compile(r"""((?:"(?:[^"\\]|\\.)*"|[^<>"])*)<\s*([^<>\s]+)\s*>""")
_BETWEEN = re.compile(r"[,;\s]+")
_PARTS = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^,;"])+')


def addresses(entry: str) -> list[Address]:
    """The addresses in one entry, checked. Raises InvalidArguments for anything else in it."""
    found: list[Address] = []
    at = 0
    while named := _NAMED.match(entry, at):
        bare, name = _names_before(named[1])
        found += [*map(_address, bare), _address(named[2], name)]
        at = named.end()
    found += [_address(text) for text in _BETWEEN.split(entry[at:]) if text]
    if not found:
        raise _no_address()
    return found


def _names_before(text: str) -> tuple[list[str], str]:
    """What is before `<`: addresses without a name, then the name, which may hold commas itself."""
    parts = [part.strip() for part in _PARTS.findall(text) if part.strip()]
    ends_with_name = not text.rstrip().endswith((",", ";"))
    bare: list[str] = []
    while len(parts) > ends_with_name and "@" in parts[0] and not parts[0].startswith('"'):
        bare += parts.pop(0).split()
    if len(parts) == 1 and parts[0].startswith('"') and parts[0].endswith('"'):
        return bare, re.sub(r"\\(.)", r"\1", parts[0][1:-1])
    return bare, ", ".join(parts)


def _address(text: str, name: str = "") -> Address:
    try:
        checked = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise _no_address() from None
    return Address(
        display_name=name, username=checked.local_part, domain=checked.ascii_domain or checked.domain
    )


def _no_address() -> InvalidArguments:
    return InvalidArguments(
        "One of the recipients isn't an email address. Write each as a@b.example or Name <a@b.example>."
    )
