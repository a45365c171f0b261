"""The view models of adding a server: the form for its address, and what was found there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from app import database
from app.config import Settings
from app.connectors.services import services_of
from app.federation import hygiene, lookup, pinned_rows, presets, registration, wording
from app.federation.definition_texts import visible
from app.federation.definitions import may_only_read
from app.federation.discovery import Found
from app.federation.models import McpServer
from app.federation.presets import ServerPreset
from app.federation.typed_choice import TypedChoice
from app.federation.wording import ToolText
from app.workspaces.guard import Member


@dataclass(frozen=True)
class AddressPage:
    """The first step. `problem` is why the address that was typed cannot be added."""

    presets: Sequence[ServerPreset]
    url: str = ""
    problem: str = ""


@dataclass(frozen=True)
class DiscoveredTool:
    """A tool that was found. Texts of the server are written out with what is hidden in them."""

    name: str
    code: str
    text: ToolText
    says_it_reads: bool
    findings: tuple[str, ...]  # about its text
    is_held: bool  # it is not allowed together with the others


@dataclass(frozen=True)
class FoundPage:
    """The second step: what is at the address, and what adding it means."""

    found: Found
    signed: str
    preset: ServerPreset | None
    facts: tuple[tuple[str, str], ...]
    tools: tuple[DiscoveredTool, ...]
    redirect: str  # to register with an app of one's own
    typed: TypedChoice
    here: Sequence[McpServer] = ()  # servers of the workspace at the same address
    problems: Mapping[str, str] = field(default_factory=dict)  # by field; "": of the whole

    @property
    def host(self) -> str:
        """Where the server is."""
        return urlsplit(self.found.url).netloc

    @property
    def sign_in_host(self) -> str:
        """Whose page asks for consent; "" without one."""
        return wording.sign_in_host(self.found.oauth) if self.found.oauth else ""

    @property
    def is_cut(self) -> bool:
        """Whether the server lists more tools than one server can have."""
        return len(self.tools) == pinned_rows.MOST_TOOLS < len(self.found.tools or ())

    @property
    def held(self) -> int:
        """How many tools wait for a review although they were seen here."""
        return sum(tool.is_held for tool in self.tools)

    def accepts_reading(self, tool: DiscoveredTool) -> bool:
        """Whether the box of that tool is ticked."""
        return self.typed.reads_only is None or tool.name in self.typed.reads_only


def address_page(settings: Settings, url: str = "", problem: str = "") -> AddressPage:
    """The first step."""
    return AddressPage(presets.offered(settings), url, problem)


def found_page(
    settings: Settings,
    member: Member,
    found: Found,
    signed: str,
    preset_key: str = "",
    typed: TypedChoice | None = None,
    problems: Mapping[str, str] | None = None,
) -> FoundPage:
    """The second step, with what was typed before."""
    preset = next((each for each in presets.offered(settings) if each.key == preset_key), None)
    return FoundPage(
        found,
        signed,
        preset,
        wording.server_facts(found.url, found.revision, found.access, found.oauth),
        tuple(_tools_of(member, found.tools or ())),
        registration.redirect_of(settings, "pasted", ""),
        typed or _first_choice(found, preset),
        _at(member, found.url),
        problems or {},
    )


def _at(member: Member, url: str) -> Sequence[McpServer]:
    with database.reading() as db:
        return lookup.servers_at(db, member.workspace.id, url)


def _first_choice(found: Found, preset: ServerPreset | None) -> TypedChoice:
    name = preset.name if preset else found.name
    if preset is None:
        return TypedChoice(name=name, access=found.access)
    return TypedChoice(
        name=name,
        access=found.access,
        scopes=" ".join(preset.scopes),
        client_auth=preset.auth_method,
        extra_parameters="\n".join(f"{key}={value}" for key, value in preset.extra_parameters.items()),
    )


def _tools_of(member: Member, definitions: Sequence[Any]) -> Iterable[DiscoveredTool]:
    """The tools that adding the server stores."""
    listed = pinned_rows.by_name(definitions)
    findings = hygiene.inspect(list(listed.values()), services_of(member.workspace.id).tool_names)
    for name, definition in listed.items():
        problem = pinned_rows.problem_in(definition)
        mine, code = findings.get(name, ()), visible(name)
        yield DiscoveredTool(
            name,
            code,
            wording.text_of({} if problem else definition, name, code),
            may_only_read(definition),
            (*([problem] if problem else ()), *(each.sentence for each in mine)),
            bool(problem) or any(each.is_hard for each in mine),
        )
