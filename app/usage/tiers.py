"""How many calls a workspace may make (contract: limits and usage)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The tool calls a workspace may make. `per_day` None: no daily limit."""

    per_minute: int
    per_day: int | None


TIERS = {
    "free": Limits(per_minute=60, per_day=1_000),
    "pro": Limits(per_minute=600, per_day=50_000),
    "enterprise": Limits(per_minute=6_000, per_day=None),
}


def limits_of(tier: str, per_minute: int | None = None, per_day: int | None = None) -> Limits:
    """The limits of a tier with an operator's overrides. An unknown tier counts as free."""
    base = TIERS.get(tier, TIERS["free"])
    return Limits(
        base.per_minute if per_minute is None else per_minute, base.per_day if per_day is None else per_day
    )
