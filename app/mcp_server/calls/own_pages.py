"""No question of an MCP server leads to a page of this installation.

Where people are signed in, a page can be one that allows something: a server would only have to choose the
address.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from app.config import Settings
from app.connectors.api import Api
from app.connectors.patience import PatientPerson
from app.mcp_client.questions import Person
from app.mcp_server.calls.question_form import QuestionUnanswered

_PORTS = {"http": 80, "https": 443}


class PersonWithoutOwnPages(PatientPerson):
    """A person who is not asked to open pages of ours. Raises QuestionUnanswered for one."""

    def __init__(self, person: Person, api: Api, settings: Settings) -> None:
        super().__init__(person, api)
        self._name = api.service.name
        self._settings = settings

    def answer(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The person's answer."""
        self._check(params)
        return super().answer(method, params)

    def answer_all(
        self, questions: Mapping[str, Mapping[str, Any]], state: str | None
    ) -> Mapping[str, Mapping[str, Any]]:
        """The person's answers."""
        for each in questions.values():
            self._check(each.get("params") or {})
        return super().answer_all(questions, state)

    def _check(self, params: Mapping[str, Any]) -> None:
        here = {_place_of(f"https://{host}") for host in self._settings.allowed_hosts}
        here.add(_place_of(self._settings.public_url))
        if isinstance(url := params.get("url"), str) and _place_of(url) in here - {None}:
            brand = self._settings.brand_name
            raise QuestionUnanswered(
                f"{self._name} asked to open a page of {brand} itself, which is never passed on: the page "
                f"could allow something. Use another of its tools, or open {brand} yourself."
            )


def _place_of(url: str) -> tuple[str, int] | None:
    """Host and port of an address; None if it has none."""
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (host, port) if host and port else None
