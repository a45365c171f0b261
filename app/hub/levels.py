"""The permission levels as people read them: the words of the menu, and a line that explains each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Level:
    """One level of the menu."""

    words: str
    explanation: str


LEVELS = {
    "off": Level("Off", "AI clients can't use this connection."),
    "read": Level("Read only", "AI clients can read. Nothing can be changed."),
    "ask": Level(
        "Ask before writing",
        "AI clients can read. Each change waits for your approval. To keep a program from approving its own "
        "changes, turn on “Approve only on this site” on the connection's page.",
    ),
    "write": Level("Read and write", "AI clients can read and make changes without asking."),
}
