"""Time during a call that is the person's, not the service's: its deadlines stand still meanwhile."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from app.connectors.api import Api
from app.mcp_client.questions import GivenAnswers, Person
from app.outbound import request_deadline

_PERSON_SECONDS = 600.0  # longer than anybody waits for a person


class PatientPerson:
    """A person whose time to answer does not count as the service's."""

    def __init__(self, person: Person, api: Api) -> None:
        self._person = person
        self._api = api

    @property
    def capabilities(self) -> Mapping[str, Any]:
        """The person's."""
        return self._person.capabilities

    @property
    def earlier(self) -> GivenAnswers | None:
        """The person's."""
        return self._person.earlier

    def answer(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The person's answer."""
        with self._waiting():
            return self._person.answer(method, params)

    def answer_all(
        self, questions: Mapping[str, Mapping[str, Any]], state: str | None
    ) -> Mapping[str, Mapping[str, Any]]:
        """The person's answers."""
        with self._waiting():
            return self._person.answer_all(questions, state)

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """The deadlines of the call and of the request that is being read stand still."""
        seconds_left = self._api.deadline - time.monotonic()
        self._api.deadline += _PERSON_SECONDS
        try:
            with request_deadline.paused(_PERSON_SECONDS):
                yield
        finally:
            self._api.deadline = time.monotonic() + seconds_left
