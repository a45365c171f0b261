"""Service Fusion, imitated: two companies with a client id and secret each, the API v1 in its own shapes.

Start with `demo.py` (companies and credentials), then the views here, then `wire.py`. Levers of its own:
`limit` (`{"per_minute": 5}` per token, null to count only) and `wrap_errors` (`{"wrapped": true}`: the token
endpoint wraps its errors in an array, as seen at times). The real list of jobs hangs without a sort; this one
returns 504 at once.
"""

from typing import Any

from flask import Blueprint, Response, g, jsonify, make_response, request

from app.sandbox import rules
from app.sandbox.current import Here, here
from app.sandbox.grants import digest
from app.sandbox.service import DemoCompany, ImitatedService
from app.sandbox.services.servicefusion.demo import COMPANIES, CONSUMERS, add_customer, add_work, seed
from app.sandbox.services.servicefusion.wire import (
    Matcher,
    body,
    equal,
    expanded,
    invalid,
    page,
    part_of,
    refused,
    too_many,
)
from app.sandbox.store import Book, Record
from app.sandbox.traffic import count_call, limit_of, set_limit

_PER_MINUTE = 60
_CUSTOMER_PARTS = ("contacts", "contacts.phones", "contacts.emails", "locations", "custom_fields")
_WORK_PARTS = ("techs_assigned", "notes", "products", "services")
_WORK_FILTERS: dict[str, Matcher | str] = {
    "status": equal("status"),
    "number": part_of("number"),
    "customer_name": part_of("customer_name"),
    "category": equal("category"),
    "city": part_of("city"),
    "zip_code": equal("postal_code"),
    "start_date": "start_date",
    "end_date": "end_date",
}

bp = Blueprint("servicefusion", __name__)


@bp.before_request
def enter() -> Response | None:
    """Check the token and the rate limit."""
    if "/v1/" not in request.path:
        return None
    at = here()
    access = at.access()
    if access is None:
        return refused(401).answer
    g.company, g.book = at.service.company(access.company), at.book(access.company)
    return _count(at)


@bp.after_request
def add_limit_headers(response: Response) -> Response:
    """Add the limit headers to every response of the API."""
    if "fusion_left" in g:
        response.headers.setdefault("X-Rate-Limit-Limit", str(_PER_MINUTE))
        response.headers.setdefault("X-Rate-Limit-Remaining", str(g.fusion_left))
        response.headers.setdefault("X-Rate-Limit-Reset", str(int(here().now().timestamp()) + 60))
    return response


@bp.route("/v1/<path:_rest>", methods=["PUT", "PATCH", "DELETE"])
def unchangeable(_rest: str) -> Response:
    """405: records cannot be changed or deleted."""
    raise refused(405)


@bp.get("/v1/me")
def me() -> Response:
    """The owner of the credentials."""
    company: DemoCompany = g.company
    first, last = company.facts["name"]
    return jsonify(
        id=company.facts["id"], first_name=first, last_name=last, email=company.person, _expandable=[]
    )


@bp.get("/v1/customers")
def customers() -> Response:
    """Customers. Their filters have other names than those of jobs."""
    filters: dict[str, Matcher | str] = {
        "name": part_of("customer_name"),
        "email": lambda record, wanted: any(
            e["email"] == wanted for c in record["contacts"] for e in c.get("emails", ())
        ),
        "phone": lambda record, wanted: any(
            wanted in p["phone"] for c in record["contacts"] for p in c.get("phones", ())
        ),
        "contact_last_name": lambda record, wanted: any(
            c["lname"].lower() == wanted.lower() for c in record["contacts"]
        ),
        "address": lambda record, wanted: any(
            wanted.lower() in place["street_1"].lower() for place in record["locations"]
        ),
        "city": lambda record, wanted: any(
            wanted.lower() == place.get("city", "").lower() for place in record["locations"]
        ),
        "postal_code": lambda record, wanted: any(
            wanted == place.get("postal_code") for place in record["locations"]
        ),
        "last_serviced_date": "last_serviced_date",
    }
    return page(_book().all("customer"), filters, _CUSTOMER_PARTS)


@bp.get("/v1/customers/<id_>")
def customer(id_: str) -> Response:
    """One customer."""
    return jsonify(expanded(_one("customer", id_), _CUSTOMER_PARTS))


@bp.post("/v1/customers")
def create_customer() -> Response:
    """Create a customer; names need not be unique."""
    given = body()
    _check_customer(given)
    return _created(expanded(add_customer(_book(), given, here().today()), ()))


@bp.get("/v1/customers/<id_>/equipment")
def equipment(id_: str) -> Response:
    """The equipment of a customer. No filters."""
    mine = _one("customer", id_)["id"]
    return page(
        [record for record in _book().all("equipment") if record["customer_id"] == mine],
        {},
        ("custom_fields",),
    )


@bp.get("/v1/customers/<id_>/equipment/<equipment_id>")
def one_equipment(id_: str, equipment_id: str) -> Response:
    """One piece of equipment of the customer."""
    record = _one("equipment", equipment_id)
    if str(record["customer_id"]) != id_:
        raise refused(404)
    return jsonify(expanded(record, ("custom_fields",)))


@bp.get("/v1/jobs")
def jobs() -> Response:
    """Jobs. 504 without a sort."""
    if "sort" not in request.args:
        raise refused(504)
    return page(
        _book().all("job"),
        {**_WORK_FILTERS, "updated_date": "updated_at", "closed_date": "closed_at"},
        _WORK_PARTS,
    )


@bp.get("/v1/estimates")
def estimates() -> Response:
    """Estimates: like jobs, without the filters that only jobs have."""
    return page(
        _book().all("estimate"), {**_WORK_FILTERS, "requested_date": "requested_date"}, (*_WORK_PARTS, "tags")
    )


@bp.get("/v1/jobs/<id_>", defaults={"kind": "job"})
@bp.get("/v1/estimates/<id_>", defaults={"kind": "estimate"})
def work(id_: str, kind: str) -> Response:
    """One job or estimate."""
    return jsonify(expanded(_one(kind, id_), _WORK_PARTS))


@bp.post("/v1/jobs", defaults={"kind": "job"})
@bp.post("/v1/estimates", defaults={"kind": "estimate"})
def create_work(kind: str) -> Response:
    """Create a job or estimate. `customer_name` is an id or a name; an unknown name creates a customer."""
    given, book = body(), _book()
    name = str(given.get("customer_name") or "").strip()
    if not name:
        raise invalid(customer_name="Customer Name cannot be blank.")
    known = book.find("customer", name) or book.first("customer", customer_name=name)
    if known is None and name.isdigit():
        raise invalid(customer_name="Customer Name is invalid.")
    for assigned in given.get("techs_assigned") or ():
        tech = book.find("tech", assigned.get("id"))
        if tech is None:
            raise invalid(techs_assigned="Technician is invalid.")
        assigned |= {part: tech[part] for part in ("id", "first_name", "last_name")}
    owner = known or add_customer(book, {"customer_name": name}, here().today())
    return _created(expanded(add_work(book, kind, owner, given, here().today()), ()))


@bp.get("/v1/techs")
def technicians() -> Response:
    """The technicians."""
    return page(
        _book().all("tech"), {name: part_of(name) for name in ("first_name", "last_name", "email")}, ()
    )


@bp.get("/v1/techs/<id_>")
def technician(id_: str) -> Response:
    """One technician."""
    return jsonify(expanded(_one("tech", id_), ()))


def _book() -> Book:
    book: Book = g.book
    return book


def _one(kind: str, id_: str) -> Record:
    record = _book().find(kind, id_)
    if record is None:
        raise refused(404)
    return record


def _created(record: Record) -> Response:
    return make_response(jsonify(record), 201)


def _check_customer(given: dict[str, Any]) -> None:
    if not str(given.get("customer_name") or "").strip():
        raise invalid(customer_name="Customer Name cannot be blank.")
    if any(not contact.get("fname") or not contact.get("lname") for contact in given.get("contacts") or ()):
        raise invalid(contacts="First Name and Last Name cannot be blank.")
    if any(not place.get("street_1") for place in given.get("locations") or ()):
        raise invalid(locations="Street 1 cannot be blank.")


def _count(at: Here) -> Response | None:
    """Count a call of a token. Returns a 429 over the limit per minute that the lever `limit` set."""
    limit = limit_of(at)
    calls, wait = count_call(at, digest(request.headers["Authorization"]), limit)
    if wait:
        return too_many(wait)
    g.fusion_left = max(0, (limit or _PER_MINUTE) - calls)
    return None


def _token_error(code: str, description: str) -> Response:
    body: Any = {"error": code, "error_description": description}
    return make_response(jsonify([body] if here().grants.book.find("errors", "wrapped") else body), 400)


def _wrap_errors(at: Here, given: dict[str, Any]) -> None:
    at.grants.book.put("errors", "wrapped", {}) if given["wrapped"] else at.grants.book.remove(
        "errors", "wrapped"
    )


SERVICE = ImitatedService(
    slug="servicefusion",
    name="Service Fusion",
    blueprint=bp,
    companies=COMPANIES,
    seed=seed,
    too_many=too_many,
    levers={"limit": set_limit, "wrap_errors": _wrap_errors},
    oauth=rules.Rules(
        authorize_path="/oauth/authorize",
        token_path="/oauth/access_token",
        revoke_path=None,
        scopes=frozenset(),
        access_seconds=3600,
        code_seconds=60,
        access_token=rules.opaque_token("sf-"),
        error=_token_error,
        consumers=CONSUMERS,
    ),
)
