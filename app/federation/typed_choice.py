"""What somebody typed about a server: its name, how to sign in, an app of their own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

from app.errors import InvalidInput
from app.federation.registration import PastedClient

_PARAMETER = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_LONGEST_VALUE = 500


@dataclass(frozen=True)
class TypedChoice:
    """What stands in the fields of the second step. Never a secret."""

    name: str = ""
    visibility: str = "shared"
    access: str = ""
    key_header: str = ""
    client_id: str = ""
    client_auth: str = ""
    scopes: str = ""
    extra_parameters: str = ""
    reads_only: frozenset[str] | None = None  # None: every tool that says so


def read(form: MultiDict[str, str], access: str) -> TypedChoice:
    """What was typed. `access` is what was found, unless the person prefers a key or a server account."""
    preferred = form.get("access", "")
    return TypedChoice(
        name=form.get("name", ""),
        visibility="personal" if form.get("visibility") == "personal" else "shared",
        access=preferred if preferred in {"key", "client"} else access,
        key_header=form.get("key_header", "").strip(),
        client_id=form.get("client_id", "").strip(),
        client_auth=form.get("client_auth", ""),
        scopes=form.get("scopes", "").strip(),
        extra_parameters=form.get("extra_parameters", "").strip(),
        reads_only=frozenset(form.getlist("reads_only")),
    )


def pasted_client(form: Mapping[str, str], typed: TypedChoice) -> PastedClient:
    """The app that was pasted, with its secret. Raises InvalidInput."""
    if not typed.client_id:
        raise InvalidInput("Enter the client ID of your app.")
    return PastedClient(
        typed.client_id,
        form.get("client_secret", "").strip(),
        typed.client_auth,
        typed.scopes,
        _parameters(typed.extra_parameters),
    )


def _parameters(text: str) -> dict[str, str]:
    """Lines such as `audience=api`. Raises InvalidInput."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if not line.strip():
            continue
        if not equals or not _PARAMETER.fullmatch(name) or len(value) > _LONGEST_VALUE:
            raise InvalidInput("Write extra parameters one per line, such as audience=api.")
        found[name] = value
    return found
