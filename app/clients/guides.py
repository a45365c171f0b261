"""How each AI client is pointed at us: the steps, with the address filled in. Facts are in
docs/ai-clients.md.
"""

import base64
import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from app.clients import snippets
from app.config import Settings


@dataclass(frozen=True)
class Step:
    """One thing to do: a sentence, and what to paste or where to click."""

    sentence: str
    code: str = ""
    link: str = ""
    link_label: str = ""


@dataclass(frozen=True)
class Way:
    """One way to connect a client, from the first step to the last."""

    title: str
    steps: tuple[Step, ...]
    needs_token: bool = False


@dataclass(frozen=True)
class Guide:
    """A client's guide. `matches` is a pattern for the names its grants come under; None: it brings a
    token made by hand.
    """

    key: str
    name: str
    icon: str
    matches: str | None
    ways: tuple[Way, ...]
    from_the_cloud: bool = False  # it calls us from its maker's servers, so our address has to be public


@dataclass(frozen=True)
class Place:
    """What a guide is written for: the address, and the name our server gets in the client's
    configuration.
    """

    url: str
    name: str
    title: str

    @property
    def token_variable(self) -> str:
        """The environment variable that snippets read the token from."""
        return self.name.upper().replace("-", "_") + "_TOKEN"


def place_of(settings: Settings) -> Place:
    """The place this installation's guides are written for."""
    plain = unicodedata.normalize("NFKD", settings.brand_name).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "patchbay"
    return Place(settings.mcp_url, name, settings.brand_name)


def is_public(url: str) -> bool:
    """False when only this computer can open the address."""
    return urlsplit(url).hostname not in {"localhost", "127.0.0.1", "::1"}


def all_guides(place: Place) -> tuple[Guide, ...]:
    """Every client's guide, in the order of the page."""
    return tuple(make(place) for make in _GUIDES)


def find(place: Place, key: str) -> Guide:
    """The guide with that key; the first one for a key there is not."""
    guides = all_guides(place)
    return next((guide for guide in guides if guide.key == key), guides[0])


def _claude(place: Place) -> Guide:
    steps = (
        Step(
            "Open the connectors in Claude's settings.",
            link="https://claude.ai/settings/connectors",
            link_label="Open Claude's settings",
        ),
        Step(
            f"Choose “Add custom connector”, call it {place.title}, and paste this address:", code=place.url
        ),
        Step(
            "Choose “Connect”, sign in here, allow Claude, and continue. It then works on the web, the "
            "desktop and the phone."
        ),
    )
    return Guide(
        "claude", "Claude", "claude", r"^claude(?! (code|desktop))", (Way("", steps),), from_the_cloud=True
    )


def _claude_code(place: Place) -> Guide:
    sign_in = (
        Step("Run this in a terminal:", code=f"claude mcp add --transport http {place.name} {place.url}"),
        Step(
            f"In Claude Code type /mcp, choose {place.name}, and sign in. Or stay in the terminal:",
            code=f"claude mcp login {place.name}",
        ),
    )
    token = (
        _put_token(place),
        Step(
            "Run this in a terminal:",
            code=f"claude mcp add --transport http {place.name} {place.url} {_header(place)}",
        ),
    )
    return Guide(
        "claude-code",
        "Claude Code",
        "claude code",
        r"^claude code",
        (Way("", sign_in), Way("With a token", token, True)),
    )


def _claude_desktop(place: Place) -> Guide:
    bridge = {"mcpServers": {place.name: {"command": "npx", "args": ["-y", "mcp-remote", place.url]}}}
    steps = (
        Step(
            "In Claude Desktop open Settings, Developer, “Edit Config”, and add:",
            code=json.dumps(bridge, indent=2),
        ),
        Step("Restart Claude Desktop. A browser opens: sign in here, allow it, and continue."),
        Step(
            "If this address is public, the connector of the guide for Claude needs no bridge and no Node.js."
        ),
    )
    return Guide(
        "claude-desktop",
        "Claude Desktop",
        "claude",
        r"^(claude desktop|mcp cli proxy|mcp-remote)",
        (Way("", steps),),
    )


def _cursor(place: Place) -> Guide:
    config = base64.b64encode(json.dumps({"url": place.url}).encode()).decode()
    link = f"cursor://anysphere.cursor-deeplink/mcp/install?name={quote(place.name)}&config={quote(config)}"
    by_hand = json.dumps({"mcpServers": {place.name: {"url": place.url}}}, indent=2)
    steps = (
        Step(
            "Let Cursor add it, then choose “Connect” in its settings and sign in:",
            link=link,
            link_label="Add to Cursor",
        ),
        Step("Or put this into .cursor/mcp.json of a project, or ~/.cursor/mcp.json for all:", code=by_hand),
    )
    return Guide("cursor", "Cursor", "cursor", r"^cursor", (Way("", steps),))


def _vs_code(place: Place) -> Guide:
    entry = {"name": place.name, "type": "http", "url": place.url}
    link = "vscode:mcp/install?" + quote(json.dumps(entry))
    by_hand = json.dumps({"servers": {place.name: {"type": "http", "url": place.url}}}, indent=2)
    steps = (
        Step("Let VS Code add it, then choose “Start” and sign in:", link=link, link_label="Add to VS Code"),
        Step("Or put this into .vscode/mcp.json of a project:", code=by_hand),
    )
    return Guide("vs-code", "VS Code", "vs code", r"^(visual studio code|vs ?code)", (Way("", steps),))


def _chatgpt(place: Place) -> Guide:
    steps = (
        Step(
            "In ChatGPT open Settings, “Apps & Connectors”, “Advanced settings”, and switch on developer "
            "mode.",
            link="https://chatgpt.com/#settings/Connectors",
            link_label="Open ChatGPT's settings",
        ),
        Step(
            f"Choose “Create”, call it {place.title}, choose OAuth, and paste this address:", code=place.url
        ),
        Step("Sign in here, allow ChatGPT, and continue. In a chat switch it on under “+”."),
    )
    return Guide(
        "chatgpt", "ChatGPT", "chatgpt", r"^(chatgpt|openai)", (Way("", steps),), from_the_cloud=True
    )


def _gemini(place: Place) -> Guide:
    cli = (
        Step(
            "Run this in a terminal:",
            code=f"gemini mcp add --scope user --transport http {place.name} {place.url}",
        ),
        Step("Start Gemini CLI, type this, and sign in:", code=f"/mcp auth {place.name}"),
    )
    token = (
        _put_token(place),
        Step(
            "Run this in a terminal:",
            code=f"gemini mcp add --scope user --transport http {_header(place)} {place.name} {place.url}",
        ),
    )
    ways = (
        Way("Gemini CLI", cli),
        Way("Gemini CLI with a token", token, True),
        _script("LangChain", place, snippets.LANGCHAIN),
    )
    return Guide("gemini", "Gemini", "gemini", r"^gemini", ways)


def _openai(place: Place) -> Guide:
    ways = (
        _script("Agents SDK", place, snippets.OPENAI_AGENTS),
        _script("Responses API", place, snippets.OPENAI_RESPONSES),
    )
    return Guide("openai", "OpenAI API", "openai", None, ways)


def _python(place: Place) -> Guide:
    return Guide("python", "Python", "python", None, (_script("", place, snippets.PYTHON),))


def _put_token(place: Place) -> Step:
    return Step("Put a token, made below, into the environment:", code=f"export {place.token_variable}=…")


def _header(place: Place) -> str:
    return f'--header "Authorization: Bearer ${place.token_variable}"'


def _script(title: str, place: Place, snippet: snippets.Snippet) -> Way:
    code = (
        snippet.code.replace("URL", json.dumps(place.url))
        .replace("TOKEN", place.token_variable)
        .replace("NAME", json.dumps(place.name))
    )
    steps = (
        Step("Install the packages:", code=f"pip install {snippet.packages}"),
        _put_token(place),
        Step("Run this:", code=code),
    )
    return Way(title, steps, needs_token=True)


_GUIDES: tuple[Callable[[Place], Guide], ...] = (
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
