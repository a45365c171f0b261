"""How each AI client connects to us: steps with the address filled in. Facts: docs/ai-clients.md."""

import base64
import ipaddress
import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from app.clients import snippets
from app.config import Settings


@dataclass(frozen=True)
class SetupStep:
    """One step: a sentence, and what to paste or where to click."""

    sentence: str
    code: str = ""
    link: str = ""
    link_label: str = ""


@dataclass(frozen=True)
class SetupPath:
    """One path to connect a client, from the first step to the last."""

    title: str
    steps: tuple[SetupStep, ...]
    needs_token: bool = False


@dataclass(frozen=True)
class Guide:
    """A client's guide. `matches` is a pattern for its grants' names; None: it uses a personal token."""

    key: str
    name: str
    icon: str
    matches: str | None
    paths: tuple[SetupPath, ...]
    from_the_cloud: bool = False  # it calls us from its maker's servers, so our address has to be public


@dataclass(frozen=True)
class ServerEntry:
    """Our server as an entry in a client's configuration: its address and its name."""

    url: str
    name: str
    title: str

    @property
    def token_variable(self) -> str:
        """The environment variable that snippets read the token from."""
        return self.name.upper().replace("-", "_") + "_TOKEN"


def server_entry(settings: Settings) -> ServerEntry:
    """The entry for this installation's guides."""
    plain = unicodedata.normalize("NFKD", settings.brand_name).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "patchbay"
    return ServerEntry(settings.mcp_url, name, settings.brand_name)


def is_public(url: str) -> bool:
    """False when only this computer or its network can open the address."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".local", ".localhost", ".internal", ".lan"))


def all_guides(server: ServerEntry) -> tuple[Guide, ...]:
    """Every client's guide, in the order of the page: on a local address those that can reach it first."""
    guides = [make(server) for make in _GUIDES]
    if not is_public(server.url):
        guides.sort(key=lambda guide: guide.from_the_cloud)
    return tuple(guides)


def find(server: ServerEntry, key: str) -> Guide:
    """The guide with that key; the first one if there is none."""
    guides = all_guides(server)
    return next((guide for guide in guides if guide.key == key), guides[0])


def _claude(server: ServerEntry) -> Guide:
    steps = (
        SetupStep(
            "Open the connectors in Claude's settings.",
            link="https://claude.ai/settings/connectors",
            link_label="Open Claude's settings",
        ),
        SetupStep(
            f"Choose “Add custom connector”, name it {server.title}, and paste this URL:", code=server.url
        ),
        SetupStep(
            "Choose “Connect”, sign in, allow Claude, and continue. It then works on the web, on desktop "
            "and on your phone."
        ),
    )
    return Guide(
        "claude",
        "Claude",
        "claude",
        r"^claude(?! (code|desktop))",
        (SetupPath("", steps),),
        from_the_cloud=True,
    )


def _claude_code(server: ServerEntry) -> Guide:
    sign_in = (
        SetupStep(
            "Run this in a terminal:", code=f"claude mcp add --transport http {server.name} {server.url}"
        ),
        SetupStep(
            f"In Claude Code, type /mcp, choose {server.name}, and sign in. Or sign in from the terminal:",
            code=f"claude mcp login {server.name}",
        ),
    )
    token = (
        _put_token(server),
        SetupStep(
            "Run this in a terminal:",
            code=f"claude mcp add --transport http {server.name} {server.url} {_header(server)}",
        ),
    )
    return Guide(
        "claude-code",
        "Claude Code",
        "claude code",
        r"^claude code",
        (SetupPath("", sign_in), SetupPath("With a token", token, True)),
    )


def _claude_desktop(server: ServerEntry) -> Guide:
    bridge = {"mcpServers": {server.name: {"command": "npx", "args": ["-y", "mcp-remote", server.url]}}}
    with_token = {
        "command": "npx",
        "args": ["-y", "mcp-remote", server.url, "--header", "Authorization:${AUTH_HEADER}"],
        "env": {"AUTH_HEADER": "Bearer …"},
    }
    where = "In Claude Desktop, open Settings, Developer, “Edit Config”, and add:"
    steps = (
        SetupStep(where, code=json.dumps(bridge, indent=2)),
        SetupStep("Restart Claude Desktop. A browser opens: sign in, allow it, and continue."),
        SetupStep("With a public address, follow the guide for Claude instead: it needs no Node.js."),
    )
    token = (
        SetupStep(
            where, code=json.dumps({"mcpServers": {server.name: with_token}}, indent=2, ensure_ascii=False)
        ),
        SetupStep("Generate a token below, put it in place of “…”, and restart Claude Desktop."),
    )
    return Guide(
        "claude-desktop",
        "Claude Desktop",
        "claude",
        r"^(claude desktop|mcp cli proxy|mcp-remote)",
        (SetupPath("", steps), SetupPath("With a token", token, True)),
    )


def _cursor(server: ServerEntry) -> Guide:
    config = base64.b64encode(json.dumps({"url": server.url}).encode()).decode()
    link = f"cursor://anysphere.cursor-deeplink/mcp/install?name={quote(server.name)}&config={quote(config)}"
    by_hand = json.dumps({"mcpServers": {server.name: {"url": server.url}}}, indent=2)
    steps = (
        SetupStep(
            "Add it to Cursor, then choose “Connect” in its settings and sign in:",
            link=link,
            link_label="Add to Cursor",
        ),
        SetupStep(
            "Or add this to .cursor/mcp.json in a project, or to ~/.cursor/mcp.json for all projects:",
            code=by_hand,
        ),
    )
    entry = {"url": server.url, "headers": {"Authorization": "Bearer …"}}
    token = (
        SetupStep(
            "Generate a token below, put it in place of “…”, and add this to ~/.cursor/mcp.json:",
            code=json.dumps({"mcpServers": {server.name: entry}}, indent=2, ensure_ascii=False),
        ),
        SetupStep("Keep the token out of files that you share or commit."),
    )
    paths = (SetupPath("", steps), SetupPath("With a token", token, True))
    return Guide("cursor", "Cursor", "cursor", r"^cursor", paths)


def _vs_code(server: ServerEntry) -> Guide:
    entry = {"name": server.name, "type": "http", "url": server.url}
    link = "vscode:mcp/install?" + quote(json.dumps(entry))
    by_hand = json.dumps({"servers": {server.name: {"type": "http", "url": server.url}}}, indent=2)
    steps = (
        SetupStep(
            "Add it to VS Code, then choose “Start” and sign in:", link=link, link_label="Add to VS Code"
        ),
        SetupStep("Or add this to .vscode/mcp.json in a project:", code=by_hand),
    )
    return Guide("vs-code", "VS Code", "vs code", r"^(visual studio code|vs ?code)", (SetupPath("", steps),))


def _chatgpt(server: ServerEntry) -> Guide:
    steps = (
        SetupStep(
            "In ChatGPT, open Settings, “Apps & Connectors”, “Advanced settings”, and turn on developer "
            "mode.",
            link="https://chatgpt.com/#settings/Connectors",
            link_label="Open ChatGPT's settings",
        ),
        SetupStep(
            f"Choose “Create”, name it {server.title}, choose OAuth, and paste this URL:", code=server.url
        ),
        SetupStep("Sign in, allow ChatGPT, and continue. In a chat, turn it on under “+”."),
    )
    return Guide(
        "chatgpt", "ChatGPT", "chatgpt", r"^(chatgpt|openai)", (SetupPath("", steps),), from_the_cloud=True
    )


def _gemini(server: ServerEntry) -> Guide:
    cli = (
        SetupStep(
            "Run this in a terminal:",
            code=f"gemini mcp add --scope user --transport http {server.name} {server.url}",
        ),
        SetupStep("Start Gemini CLI, type this, and sign in:", code=f"/mcp auth {server.name}"),
    )
    token = (
        _put_token(server),
        SetupStep(
            "Run this in a terminal:",
            code=f"gemini mcp add --scope user --transport http {_header(server)} {server.name} {server.url}",
        ),
    )
    paths = (
        SetupPath("Gemini CLI", cli),
        SetupPath("Gemini CLI with a token", token, True),
        _script("LangChain", server, snippets.LANGCHAIN),
    )
    return Guide("gemini", "Gemini", "gemini", r"^gemini", paths)


def _openai(server: ServerEntry) -> Guide:
    paths = (
        _script("Agents SDK", server, snippets.OPENAI_AGENTS),
        _script("Responses API", server, snippets.OPENAI_RESPONSES),
    )
    return Guide("openai", "OpenAI API", "openai", None, paths)


def _python(server: ServerEntry) -> Guide:
    return Guide("python", "Python", "python", None, (_script("", server, snippets.PYTHON),))


def _put_token(server: ServerEntry) -> SetupStep:
    return SetupStep(
        "Generate a token below and set it in your environment:", code=f"export {server.token_variable}=…"
    )


def _header(server: ServerEntry) -> str:
    return f'--header "Authorization: Bearer ${server.token_variable}"'


def _script(title: str, server: ServerEntry, snippet: snippets.Snippet) -> SetupPath:
    code = (
        snippet.code.replace("URL", json.dumps(server.url))
        .replace("TOKEN", server.token_variable)
        .replace("NAME", json.dumps(server.name))
    )
    steps = (
        SetupStep("Install the packages:", code=f"pip install {snippet.packages}"),
        _put_token(server),
        SetupStep("Run this:", code=code),
    )
    return SetupPath(title, steps, needs_token=True)


_GUIDES: tuple[Callable[[ServerEntry], Guide], ...] = (
    _claude,
    _claude_code,
    _claude_desktop,
    _cursor,
    _vs_code,
    _chatgpt,
    _gemini,
    _openai,
    _python,
)
