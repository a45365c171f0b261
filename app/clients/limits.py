"""What AI clients can take: how many tools, how long names, how large results. The page warns by this table,
and the tests hold the tool list to it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ClientLimits:
    """The limits of one client, each None where it documents none. `key` is its guide's, "" without one."""

    key: str
    name: str
    source: str  # where the limits are documented or reported
    tools: int | None = None  # of all servers together
    tools_note: str = ""  # what the number depends on
    name_characters: int | None = None  # of a tool's full name, with what the client puts before it
    name_prefix: str = ""
    result_tokens: int | None = None  # a longer result is cut or refused


# By how many tools they take, the fewest first.
CLIENTS = (
    ClientLimits(
        "cursor",
        "Cursor",
        "https://github.com/Snowflake-Labs/mcp/issues/77, https://github.com/ComposioHQ/composio/issues/2788",
        tools=40,
        tools_note="80 in newer versions",
        name_characters=59,  # 60 are too many
        name_prefix="patchbay:",
    ),
    ClientLimits("", "Windsurf", "https://docs.windsurf.com/windsurf/cascade/mcp", tools=100),
    ClientLimits(
        "vs-code",
        "VS Code",
        "https://code.visualstudio.com/docs/copilot/agents/agent-tools",
        tools=128,
        name_characters=64,
        name_prefix="mcp_patchbay_",
    ),
    ClientLimits(
        "openai",
        "OpenAI's API",
        "https://platform.openai.com/docs/api-reference/chat/create",
        tools=128,
        name_characters=64,
    ),
    ClientLimits(
        "gemini",
        "Gemini",
        "https://ai.google.dev/api/caching#FunctionDeclaration, "
        "https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling",
        tools=512,
        name_characters=63,
        name_prefix="mcp_patchbay_",
    ),
    ClientLimits(
        "claude-code",
        "Claude Code",
        "https://code.claude.com/docs/en/mcp",
        name_characters=64,
        name_prefix="mcp__patchbay__",
        result_tokens=25_000,
    ),
)


def too_many_for(tools: int) -> tuple[ClientLimits, ...]:
    """The clients that cannot take a list of so many tools."""
    return tuple(client for client in CLIENTS if client.tools is not None and tools > client.tools)
