"""Scopes: what a token may do, and the sentences that say so (RFC 6749 section 3.3)."""

from collections.abc import Collection, Iterable

READ = "tools:read"
WRITE = "tools:write"
OFFLINE = "offline_access"
# FlowPOS has its own scopes, for its tools only; each is contained in one of ours.
POS_READ = "pos:read"
POS_WRITE = "pos:write"
REPORTS_READ = "reports:read"
PSA_READ = "psa:read"
POS_INTENTS = "pos:intents"

NARROW = (POS_READ, POS_WRITE, REPORTS_READ, PSA_READ, POS_INTENTS)
NARROW_SERVICE = "flowpos"

SUPPORTED = (READ, WRITE, OFFLINE, *NARROW)
DEFAULT = (READ, WRITE)

# A scope covers itself and these.
_INSIDE: dict[str, frozenset[str]] = {
    # FlowPOS intents are summaries: they only read
    READ: frozenset({POS_READ, REPORTS_READ, PSA_READ, POS_INTENTS}),
    WRITE: frozenset({READ, POS_READ, POS_WRITE, REPORTS_READ, PSA_READ, POS_INTENTS}),
    POS_WRITE: frozenset({POS_READ}),
}
_WORDS = {
    READ: "Read data from the services you connect",
    WRITE: "Make changes in the services you connect, where you allow it",
    OFFLINE: "Stay connected while you are away",
    POS_READ: "Read products, inventory and orders in FlowPOS",
    POS_WRITE: "Change inventory and orders in FlowPOS",
    REPORTS_READ: "Read sales reports in FlowPOS",
    PSA_READ: "Read boards and items in FlowPOS",
    POS_INTENTS: "See daily summaries and health checks in FlowPOS",
}


def covers(scopes: Collection[str], needed: str) -> bool:
    """True when `scopes` allow `needed`: write implies read, and FlowPOS' scopes are contained in ours."""
    return needed in scopes or any(needed in _INSIDE.get(scope, ()) for scope in scopes)


def suffice(scopes: Collection[str], needed: str, also: Iterable[str] = ()) -> bool:
    """True when `scopes` allow `needed`, or hold one of `also`: a scope, or several that are enough together
    (space separated).
    """
    return covers(scopes, needed) or any(split(each) <= set(scopes) for each in also)


def is_narrow(scopes: Collection[str]) -> bool:
    """True when only FlowPOS' own scopes are held."""
    return not covers(scopes, READ) and any(name in scopes for name in NARROW)


def reaches(scopes: Collection[str], slug: str) -> bool:
    """Whether a service is visible at all: FlowPOS' own scopes alone reach FlowPOS only."""
    return slug == NARROW_SERVICE or covers(scopes, READ)


def split(text: str | None) -> frozenset[str]:
    """The names in a space-separated list."""
    return frozenset((text or "").split(" ")) - {""}


def join(names: Iterable[str]) -> str:
    """The known names in canonical order, space separated: equal sets have equal text."""
    chosen = set(names)
    return " ".join(name for name in SUPPORTED if name in chosen)


def known(text: str | None) -> frozenset[str]:
    """The names we know in a `scope` parameter. Unknown ones are dropped at every endpoint, as section 3.3
    allows: clients send `openid`, `profile` or a list of their own out of habit, also when they refresh.
    """
    return split(text) & frozenset(SUPPORTED)


def granted_for(requested: str | None) -> str:
    """The scope to grant for a `scope` parameter; the response names what was granted.

    A parameter that is absent, or names no access we know, means the default.
    """
    names = known(requested)
    return join(names if names - {OFFLINE} else names | set(DEFAULT))


def narrowed(requested: str | None, held: str) -> str | None:
    """The scope of a token that is requested with less than `held` (section 6); `held` when the parameter
    names no access we know. None when it exceeds `held`.
    """
    had = split(held)
    names = known(requested) - ({OFFLINE} - had)
    if not names - {OFFLINE}:
        return held
    return join(names) if all(covers(had, name) for name in names) else None


def describe(scope: str) -> list[str]:
    """One plain sentence per thing a grant allows. Omits what a wider sentence already covers."""
    names = split(scope)
    if WRITE in names:
        names |= {READ}
    return [
        _WORDS[name]
        for name in SUPPORTED
        if name in names and (name in (READ, WRITE) or not covers(names - {name}, name))
    ]
