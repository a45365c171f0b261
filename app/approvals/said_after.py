"""What a person is told right after they decided."""

from dataclasses import dataclass

from app.approvals import states
from app.approvals.page import Board, Card


@dataclass(frozen=True)
class Notice:
    """A sentence above the page. kind: good, bad, warning."""

    kind: str
    sentence: str


def sentence(board: Board) -> Notice:
    """What became of the one request the board is about, whoever decided it."""
    [card] = (*board.waiting, *board.running, *board.decided)
    by = "" if card.decided_by in {"", "you"} else f" {card.decided_by} had decided before you."
    kind, words = _told(card)
    return Notice(kind, words + by)


def _told(card: Card) -> tuple[str, str]:
    if card.state == states.WAITING:
        return "bad", f"{card.title} was not done. {card.problem or 'Please try again.'}"
    if card.state == states.RUNNING:
        return "good", f"{card.title} is being done now. This page shows how it ends."
    return {
        states.DONE: ("good", f"Done: {card.title}. {card.outcome}"),
        states.FAILED: ("bad", f"{card.title} did not work. {card.outcome}"),
        states.UNKNOWN: ("warning", f"{card.title}: {card.outcome}"),
        states.REJECTED: ("good", f"Rejected: {card.title}. Nothing was done."),
        states.EXPIRED: ("warning", f"{card.title} had expired, so nothing was done. Ask your AI client again."),
    }[card.state]
