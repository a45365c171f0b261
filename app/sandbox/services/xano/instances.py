"""The accounts, and the account API: the caller and their instances."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, jsonify, request

from app.sandbox.current import Here, here
from app.sandbox.rules import Access
from app.sandbox.service import DemoCompany
from app.sandbox.services.xano.wire import not_found, refusal, short_list

bp = Blueprint("instances", __name__)
ONLY = "only:"  # in a token's scopes: the prefix of the only instance it opens


@dataclass(frozen=True)
class DemoInstance:
    """An instance. Its host does not depend on its name."""

    name: str
    display: str
    host: str
    custom_domain: str
    owner: str  # key of the company
    free: bool = False


@dataclass(frozen=True)
class XanoUser:
    """The owner of an account at Xano."""

    id: int
    name: str
    email: str


INSTANCES = (
    DemoInstance("x8ab-12cd-sim1", "Northwind", "xk41-77qe-2p9d.n7.xano.io", "", "northwind"),
    DemoInstance(
        "x3fe-90ab-sim2",
        "Northwind Warehouse",
        "xz07-5h2m-c8wt.n7c.xano.io",
        "data.northwind.example",
        "northwind",
    ),
    DemoInstance("x5bb-31ff-sim3", "Birch Studio", "xb19-4d6n-j3vr.n7e.xano.io", "", "birch", free=True),
)
BY_NAME = {instance.name: instance for instance in INSTANCES}
PEOPLE = {
    "northwind": XanoUser(4821, "Ana Silva", "ana@northwind.example"),
    "birch": XanoUser(5177, "Ben Birch", "ben@birch.example"),
}
CHOICES = (
    DemoCompany(
        "northwind", "Northwind", PEOPLE["northwind"].email, "Two instances, one under a domain of its own"
    ),
    DemoCompany(
        "birch", "Birch Studio", PEOPLE["birch"].email, "One free instance: 10 requests in 20 seconds"
    ),
)


def address(instance: DemoInstance) -> str:
    """The base URL of an instance: under its own domain if it has one."""
    return f"{request.host_url}xano/{instance.custom_domain or instance.host}/api:meta"


def signed_in(at: Here) -> Access:
    """The caller's access. Raises RequestRefused."""
    access = at.access()
    if access is None:
        raise refusal(401, "ERROR_CODE_UNAUTHORIZED", "This token is expired.")
    return access


def reached(at: Here, company: str) -> list[DemoInstance]:
    """The instances of an account."""
    return [i for i in INSTANCES if i.owner == company and at.grants.book.find("unlisted", i.name) is None]


def made_for(access: Access) -> DemoInstance | None:
    """The only instance of a token, or None if it opens all of its account."""
    return next(
        (BY_NAME[scope.removeprefix(ONLY)] for scope in access.scopes if scope.startswith(ONLY)), None
    )


@bp.get("/api:meta/auth/me")
def me() -> Response:
    """The owner of the token."""
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
    return short_list([_resource(instance) for instance in reached(at, signed_in(at).company)])


@bp.get("/api:meta/instance/<name>")
def one_instance(name: str) -> Response:
    """One instance of the account."""
    at = here()
    found = next((i for i in reached(at, signed_in(at).company) if i.name == name), None)
    if found is None:
        raise not_found()
    return jsonify(_resource(found))


def _resource(instance: DemoInstance) -> dict[str, Any]:
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
