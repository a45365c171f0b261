"""What a tool returns beside plain data."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ToolOutput:
    """Data, and further content for the AI client: MCP content blocks (image, audio, link, resource, text).

    `note` is a sentence of ours about it, for the envelope's message.
    """

    data: Any
    blocks: tuple[dict[str, Any], ...] = ()
    note: str = ""

    @property
    def text(self) -> str | None:
        """The data as text, if it is nothing but a text."""
        is_text = isinstance(self.data, dict) and self.data.keys() == {"text"}
        return self.data["text"] if is_text and isinstance(self.data["text"], str) else None
