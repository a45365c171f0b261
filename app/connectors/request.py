"""One request to a service's API, as often as it is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from app.errors import ObjectNotFound


@dataclass(frozen=True)
class Request:
    """What is sent, apart from the token. `path` is the template, `url` what became of it."""

    method: str
    path: str
    url: str
    params: Any
    json: Any
    form: Any
    headers: Mapping[str, str]
    guarded: bool
    told: bool = False  # it goes to a host the service told us of


def path_parts(parts: Mapping[str, Any], name: str) -> dict[str, str]:
    """The parts quoted for a path. Raises ObjectNotFound for one that would name another path: empty, `.`
    or `..`.
    """
    texts = {key: str(value) for key, value in parts.items()}
    if not all(text.strip(".") for text in texts.values()):
        raise ObjectNotFound(
            f"{name} does not know that record. List the records again and use an id from there."
        )
    return {key: quote(text, safe="") for key, text in texts.items()}
