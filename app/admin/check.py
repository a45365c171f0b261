"""One check of the health page."""

from dataclasses import dataclass
from typing import Literal

Tone = Literal["good", "warning", "bad", ""]


@dataclass(frozen=True)
class Check:
    """One check. `advice` says what to do when it fails."""

    name: str
    tone: Tone
    state: str
    facts: str = ""
    advice: str = ""
