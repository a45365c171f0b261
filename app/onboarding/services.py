"""Which services can be connected by credentials alone, and which of their forms a request fills in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.config import Settings
from app.connectors import availability, endpoints
from app.connectors.connector import Connector
from app.connectors.credential_forms import Form
from app.connectors.endpoints import Endpoints
from app.connectors.services import services_of
from app.onboarding.forms import InvalidFields
from app.vault import connection_settings
from app.web import json_body

_NO_FIELDS = {"service", "way", "permission"}


@dataclass(frozen=True)
class ServiceChoice:
    """A service, one of its forms, the values for it, and what AI clients may do there: a level, or None for
    the level of every new connection.
    """

    connector: Connector
    where: Endpoints
    form: Form
    values: Mapping[str, str] = field(repr=False)
    permission: str | None = None


def choose(settings: Settings, body: dict[str, Any]) -> ServiceChoice:
    """Return the service, form and values of an activation request.

    Raises InvalidFields, which lists what is possible.
    """
    slug, auth_method = json_body.text(body, "service"), json_body.text(body, "way")
    permission = _permission(body)
    enabled = _open(settings)
    if slug not in enabled:
        possible = {name: _describe(forms) for name, (_, _, forms) in enabled.items()}
        says = "That service can't be activated here." if slug else "Name the service to connect."
        raise _refused({"service": f"{says} Possible: {', '.join(possible)}."}, services=possible)
    connector, where, forms = enabled[slug]
    sent = {name: json_body.text(body, name) for name in body if name not in _NO_FIELDS}
    if auth_method and auth_method not in {form.key for form in forms}:
        auth_methods = ", ".join(form.key for form in forms)
        problem = f"{connector.name} can't be connected this way. Possible: {auth_methods}."
        raise _refused({"way": problem}, ways=_describe(forms))
    form = _best_match([form for form in forms if auth_method in {"", form.key}], sent)
    values = {entry.name: entry.taken(sent.get(entry.name, "")) for entry in form.fields}
    problems = {
        entry.name: problem for entry in form.fields if (problem := entry.problem_with(values[entry.name]))
    }
    takes = ", ".join(entry.name for entry in form.fields)
    problems |= {
        name[:80]: f"{connector.name} doesn't take this field. It takes {takes}."
        for name in sent
        if name not in values
    }
    if problems:
        raise _refused(problems, ways=_describe(forms))
    return ServiceChoice(connector, where, form, values, permission)


def _permission(body: dict[str, Any]) -> str | None:
    """Return the requested level, or None if none was. Raises InvalidFields."""
    if body.get("permission") is None:
        return None
    level = json_body.text(body, "permission")
    if level not in connection_settings.LEVELS:
        possible = ", ".join(connection_settings.LEVELS)
        raise _refused(
            {"permission": f"That is no permission level. Possible: {possible}; without it: read."},
            permissions=list(connection_settings.LEVELS),
        )
    return level


def _open(settings: Settings) -> dict[str, tuple[Connector, Endpoints, list[Form]]]:
    """Return the services that have an enabled form, in the catalogue's order."""
    enabled = {}
    for connector in services_of(None):
        where = (
            endpoints.resolve(connector, settings)
            if availability.offer_of(settings, connector) == "yes"
            else None
        )
        forms = [form for form in connector.forms if where and form.key in where.auth_methods]
        if where and forms:
            enabled[connector.slug] = (connector, where, forms)
    return enabled


def _best_match(forms: list[Form], sent: Mapping[str, str]) -> Form:
    """Return the form that most given fields belong to; of equal ones, that with fewest fields missing."""

    def fit(form: Form) -> tuple[int, int]:
        names = {entry.name for entry in form.fields}
        return len(names & sent.keys()), -sum(
            entry.required and not sent.get(entry.name) for entry in form.fields
        )

    return max(forms, key=fit)  # the first of equal ones


def _describe(forms: list[Form]) -> list[dict[str, Any]]:
    """Describe the forms for a program."""
    return [
        {
            "way": form.key,
            "title": form.title,
            "fields": [
                {"name": b.name, "label": b.label, "required": b.required, "secret": b.secret}
                for b in form.fields
            ],
        }
        for form in forms
    ]


def _refused(problems: Mapping[str, str], **possible: Any) -> InvalidFields:
    refused = InvalidFields(problems)
    refused.details |= possible
    return refused
