"""Names that people choose and others read in mail: of a company, of a person.

Decided: a name holds no link. An invitation goes to an address that its sender chose, under our own name, so
a company called "Your invoice: https://evil.example" would make us send phishing. Mail programs turn text
into links, so what looks like one counts, also with look-alike characters. "Acme.com" is a name and stays
possible; "acme.com/pay" is not.
"""

import re
import unicodedata

# What is read as one of these, beyond what NFKC folds.
_LOOK_ALIKES = str.maketrans(
    {
        **dict.fromkeys("\u3002\uff61\u0701\u0702\ua4f8\ua60e", "."),
        **dict.fromkeys("\u2044\u2215\u29f8\u2571\u27cb\u3033\\\u2216\u29f5\u29f9", "/"),
        **dict.fromkeys("\u2236\ua789\u02d0\u02f8\u0589\u05c3\u0703\u0704\ufe13\ufe30\ua4fd", ":"),
    }
)
_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
_LINK = re.compile(
    rf"""
      /\s*/                                                       # any scheme, or none: //evil.example
    | \bhttps?\s*:
    | \b(?:ftps?|mailto|tel|sms|javascript|data|file|ms-[a-z]+):\S
    | \bwww\d*\s*\.
    | \b(?:{_LABEL}\.)+(?:[^\W\d_]{{2,}}|xn--[a-z0-9-]+)(?:/|:\d|[?\#]\S)  # a host with a path, port or query
    | \b\d{{1,3}}(?:\.\d{{1,3}}){{3}}\s*[/:]
    """,
    re.VERBOSE,
)
_LINE_BREAK = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def problem_with(name: str) -> str | None:
    """Return why a name is refused, as a sentence, or None."""
    if _LINE_BREAK.search(name):
        return "Write the name on one line."
    if _LINK.search(_as_read(name)):
        return "Leave web addresses out of the name. A domain alone, such as acme.com, is fine."
    return None


def in_mail(name: str, otherwise: str) -> str:
    """Return a name for a mail, or `otherwise` if it holds a link: it may be older than the rule, or a
    program's own name for itself.
    """
    return otherwise if problem_with(name) else "".join(c for c in name if c.isprintable())


def _as_read(name: str) -> str:
    """Return the name as a reader takes it: no invisible characters, one form per character, no accents on
    signs.
    """
    folded = unicodedata.normalize("NFKC", name).translate(_LOOK_ALIKES)
    return "".join(c for c in folded if unicodedata.category(c) not in {"Cf", "Mn", "Me"}).casefold()
