"""Who has an account, and the account's own API: who signed in, and which instances they reach."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, jsonify, request

from app.sandbox.current import Here, here
from app.sandbox.rules import Access
from app.sandbox.service import Company
from app.sandbox.services.xano.wire import Refused, not_found, short_list

bp = Blueprint("instances", __name__)
ONLY = "only:"  # in a token's scopes, before the name of the one instance it was made for


@dataclass(frozen=True)
class Instance:
    """An instance. Its host is not made of its name."""

    name: str
    display: str
    host: str
    custom_domain: str
    owner: str  # key of the company
    free: bool = False


@dataclass(frozen=True)
class Person:
    """Somebody with an account at Xano."""

    id: int
    name: str
    email: str


INSTANCES = (
    Instance("x8ab-12cd-sim1", "Northwind", "xk41-77qe-2p9d.n7.xano.io", "", "northwind"),
    Instance(
        "x3fe-90ab-sim2",
        "Northwind Warehouse",
        "xz07-5h2m-c8wt.n7c.xano.io",
        "data.northwind.example",
        "northwind",
    ),
    Instance("x5bb-31ff-sim3", "Birch Studio", "xb19-4d6n-j3vr.n7e.xano.io", "", "birch", free=True),
)
BY_NAME = {instance.name: instance for instance in INSTANCES}
PEOPLE = {
    "northwind": Person(4821, "Ana Silva", "ana@northwind.example"),
    "birch": Person(5177, "Ben Birch", "ben@birch.example"),
}
CHOICES = (
    Company(
        "northwind", "Northwind", PEOPLE["northwind"].email, "Two instances, one under a domain of its own"
    ),
    Company("birch", "Birch Studio", PEOPLE["birch"].email, "One free instance: 10 requests in 20 seconds"),
)


def address(instance: Instance) -> str:
    """Where the instance is reached: under its own domain if it has one."""
    return f"{request.host_url}xano/{instance.custom_domain or instance.host}/api:meta"


def signed_in(at: Here) -> Access:
    """Who calls. Raises Refused."""
    access = at.access()
    if access is None:
        raise Refused(401, "ERROR_CODE_UNAUTHORIZED", "This token is expired.")
    return access


def reached(at: Here, company: str) -> list[Instance]:
    """The instances of an account."""
    return [i for i in INSTANCES if i.owner == company and at.grants.book.find("unlisted", i.name) is None]


def made_for(access: Access) -> Instance | None:
    """The one instance a token opens, or None when it opens all of its account's."""
    return next(
        (BY_NAME[scope.removeprefix(ONLY)] for scope in access.scopes if scope.startswith(ONLY)), None
    )


@bp.get("/api:meta/auth/me")
def me() -> Response:
    """Whose token it is."""
    access = signed_in(here())
    person, only = PEOPLE[access.company], made_for(access)
    extras = (
        {"instance": {"id": 77, "name": only.name, "display": only.display, "membership": {}}} if only else {}
    )
    return jsonify(id=person.id, name=person.name, email=person.email, extras=extras)


@bp.get("/api:meta/instance")
def list_instances() -> Response:
    """The instances of the account."""
    at = here()
    return short_list([_shown(instance) for instance in reached(at, signed_in(at).company)])


@bp.get("/api:meta/instance/<name>")
def one_instance(name: str) -> Response:
    """One instance of the account."""
    at = here()
    found = next((i for i in reached(at, signed_in(at).company) if i.name == name), None)
    if found is None:
        raise not_found()
    return jsonify(_shown(found))


def _shown(instance: Instance) -> dict[str, Any]:
    there = address(instance)
    return {
        "name": instance.name,
        "display": instance.display,
        "xano_domain": instance.host,
        "custom_domain": instance.custom_domain,
        "rate_limit": instance.free,
        "meta_api": there,
        "meta_swagger": there.removesuffix("/api:meta") + "/apispec:meta?type=json",
    }
