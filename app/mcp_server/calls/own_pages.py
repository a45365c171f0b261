"""No question of an MCP server leads to a page of this installation.

Where people are signed in, a page can be one that allows something: a server would only have to choose the
address.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from app.config import Settings
from app.mcp_client.questions import GivenAnswers, Person
from app.mcp_server.calls.question_form import QuestionUnanswered

_PORTS = {"http": 80, "https": 443}


class PersonWithoutOwnPages:
    """A person who is not asked to open pages of ours."""

    def __init__(self, person: Person, name: str, settings: Settings) -> None:
        self._person = person
        self._name = name
        self._settings = settings

    @property
    def capabilities(self) -> Mapping[str, Any]:
        """The person's."""
        return self._person.capabilities

    @property
    def earlier(self) -> GivenAnswers | None:
        """The person's."""
        return self._person.earlier

    def answer(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The person's answer. Raises QuestionUnanswered for a page of ours."""
        self._check(params)
        return self._person.answer(method, params)

    def answer_all(
        self, questions: Mapping[str, Mapping[str, Any]], state: str | None
    ) -> Mapping[str, Mapping[str, Any]]:
        """The person's answers. Raises QuestionUnanswered for a page of ours."""
        for each in questions.values():
            self._check(each.get("params") or {})
        return self._person.answer_all(questions, state)

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
