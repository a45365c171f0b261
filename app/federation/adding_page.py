"""The view models of adding a server: the form for its address, and what was found there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from app import database
from app.config import Settings
from app.connectors.services import services_of
from app.federation import differences, hygiene, lookup, presets, registration, schema_gate, wording
from app.federation.definitions import may_only_read
from app.federation.discovery import Found
from app.federation.models import McpServer
from app.federation.presets import ServerPreset
from app.federation.typed_choice import TypedChoice
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
    title: str
    code: str
    description: str
    arguments: tuple[tuple[str, str], ...]
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
        return urlsplit(self.found.oauth.authorization_endpoint).netloc if self.found.oauth else ""

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
        _facts_of(found),
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


def _facts_of(found: Found) -> tuple[tuple[str, str], ...]:
    facts = (
        ("Address", found.url),
        ("Protocol", wording.revision_words(found.revision)),
        ("Sign-in", wording.access_words(found.access)),
        ("Sign-in page", found.oauth.authorization_endpoint.partition("?")[0] if found.oauth else ""),
    )
    return tuple((term, differences.visible(words)) for term, words in facts if words)


def _tools_of(member: Member, definitions: Iterable[Any]) -> Iterable[DiscoveredTool]:
    listed = [each for each in definitions if isinstance(each, Mapping) and isinstance(each.get("name"), str)]
    findings = hygiene.inspect(listed, services_of(member.workspace.id).tool_names)
    for definition in listed:
        name = definition["name"]
        problem = schema_gate.check(definition)
        mine = findings.get(name, ())
        yield DiscoveredTool(
            name,
            wording.title_of(definition, name),
            differences.visible(name),
            differences.visible(str(definition.get("description") or "")),
            wording.arguments_of(definition),
            may_only_read(definition),
            (*([problem] if problem else ()), *(each.sentence for each in mine)),
            bool(problem) or any(each.is_hard for each in mine),
        )
