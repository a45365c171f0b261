"""Which services can be connected by values alone, and which way in the values somebody sent belong to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.config import Settings
from app.connectors import availability, endpoints, registry
from app.connectors.connector import Connector
from app.connectors.credential_forms import Form
from app.connectors.endpoints import Endpoints
from app.onboarding.forms import Refused
from app.web import json_body

_NO_FIELDS = {"service", "way"}


@dataclass(frozen=True)
class Chosen:
    """A service, the way in, and what was filled in for it."""

    connector: Connector
    where: Endpoints
    form: Form
    values: Mapping[str, str] = field(repr=False)


def choose(settings: Settings, body: dict[str, Any]) -> Chosen:
    """What a request to activate means. Raises Refused, which lists what is possible."""
    slug, way = json_body.text(body, "service"), json_body.text(body, "way")
    open_here = _open(settings)
    if slug not in open_here:
        possible = {name: _describe(forms) for name, (_, _, forms) in open_here.items()}
        says = "There is no such service to activate here." if slug else "Say which service to connect."
        raise _refused({"service": f"{says} Possible: {', '.join(possible)}."}, services=possible)
    connector, where, forms = open_here[slug]
    given = {name: json_body.text(body, name) for name in body if name not in _NO_FIELDS}
    if way and way not in {form.key for form in forms}:
        ways = ", ".join(form.key for form in forms)
        raise _refused(
            {"way": f"{connector.name} has no such way in. Possible: {ways}."}, ways=_describe(forms)
        )
    form = _meant([form for form in forms if way in {"", form.key}], given)
    values = {blank.name: blank.taken(given.get(blank.name, "")) for blank in form.blanks}
    problems = {
        blank.name: problem for blank in form.blanks if (problem := blank.problem_with(values[blank.name]))
    }
    takes = ", ".join(blank.name for blank in form.blanks)
    problems |= {
        name[:80]: f"{connector.name} takes no such field here. It takes {takes}."
        for name in given
        if name not in values
    }
    if problems:
        raise _refused(problems, ways=_describe(forms))
    return Chosen(connector, where, form, values)


def _open(settings: Settings) -> dict[str, tuple[Connector, Endpoints, list[Form]]]:
    """The services with a form that is open here, in the catalogue's order."""
    found = {}
    for slug, connector in registry.CONNECTORS.items():
        where = (
            endpoints.resolve(connector, settings)
            if availability.offer_of(settings, connector) == "yes"
            else None
        )
        forms = [form for form in connector.forms if where and form.key in where.ways]
        if where and forms:
            found[slug] = (connector, where, forms)
    return found


def _meant(forms: list[Form], given: Mapping[str, str]) -> Form:
    """The form most of the given fields belong to, and of equal ones that which lacks least."""

    def fit(form: Form) -> tuple[int, int]:
        names = {blank.name for blank in form.blanks}
        return len(names & given.keys()), -sum(
            blank.required and not given.get(blank.name) for blank in form.blanks
        )

    return max(forms, key=fit)  # the first of equal ones


def _describe(forms: list[Form]) -> list[dict[str, Any]]:
    """The ways in as a program reads them."""
    return [
        {
            "way": form.key,
            "title": form.title,
            "fields": [
                {"name": b.name, "label": b.label, "required": b.required, "secret": b.secret}
                for b in form.blanks
            ],
        }
        for form in forms
    ]


def _refused(problems: Mapping[str, str], **possible: Any) -> Refused:
    refused = Refused(problems)
    refused.details |= possible
    return refused
