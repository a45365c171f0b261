"""Service Fusion, imitated: two companies with a client id and secret each, the API v1 in its own shapes.

Start with `demo.py` (companies and credentials), then the views here and in `customers.py`, then `wire.py`.
Levers of its own: `limit` (`{"per_minute": 5}` per token, null to count only), `wrap_errors` (`{"wrapped":
true}`: the token endpoint wraps its errors in an array, as seen at times) and `object_errors` (`{"object":
true}`: a 422 is an object of fields). The real list of jobs hangs without a sort; here it is a 504.
"""

from typing import Any

from flask import Blueprint, Response, g, jsonify, make_response, request

from app.sandbox import rules
from app.sandbox.current import Here, here
from app.sandbox.grants import digest
from app.sandbox.service import DemoCompany, ImitatedService
from app.sandbox.services.servicefusion import customers
from app.sandbox.services.servicefusion.demo import COMPANIES, CONSUMERS, add_customer, add_work, seed
from app.sandbox.services.servicefusion.wire import (
    Matcher,
    body,
    book,
    check_lines,
    created,
    day_range,
    equal,
    expanded,
    invalid,
    moment_range,
    one,
    one_of,
    page,
    part_of,
    refused,
    same,
    too_many,
)
from app.sandbox.traffic import count_call, limit_of, set_limit

_PER_MINUTE = 60
_WORK_PARTS = ("techs_assigned", "notes", "products", "services")
_WORK_FILTERS: dict[str, Matcher] = {
    "status": one_of("status"),
    "number": part_of("number"),
    "customer_name": part_of("customer_name"),
    "category": one_of("category"),
    "city": part_of("city"),
    "zip_code": equal("postal_code"),
    "start_date": day_range("start_date"),
    "end_date": day_range("end_date"),
}
# The members of a request body (typ.JobBody, typ.EstimateBody) that this service knows.
_COMMON_BODY = (
    *("description", "tech_notes", "duration", "time_frame_promised_start", "time_frame_promised_end"),
    *("start_date", "customer_name", "status", "category", "po_number", "note_to_customer", "techs_assigned"),
    *("tasks", "notes", "products", "services", "custom_fields"),
)
_BODIES = {
    "job": frozenset([*_COMMON_BODY, "priority", "end_date", "completion_notes"]),
    "estimate": frozenset([*_COMMON_BODY, "opportunity_rating", "tags"]),
}

bp = Blueprint("servicefusion", __name__)
bp.register_blueprint(customers.bp)


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


@bp.get("/v1/jobs")
def jobs() -> Response:
    """Jobs. 504 without a sort."""
    if "sort" not in request.args:
        raise refused(504)
    return page(
        book().all("job"),
        {
            **_WORK_FILTERS,
            "updated_date": moment_range("updated_at"),
            "closed_date": moment_range("closed_at"),
        },
        _WORK_PARTS,
    )


@bp.get("/v1/estimates")
def estimates() -> Response:
    """Estimates: like jobs, without the filters that only jobs have."""
    return page(
        book().all("estimate"),
        {**_WORK_FILTERS, "requested_date": moment_range("requested_date")},
        (*_WORK_PARTS, "tags"),
    )


@bp.get("/v1/job-statuses")
def statuses() -> Response:
    """The statuses of the company."""
    return page(book().all("status"), {}, ())


@bp.get("/v1/jobs/<id_>", defaults={"kind": "job"})
@bp.get("/v1/estimates/<id_>", defaults={"kind": "estimate"})
def work(id_: str, kind: str) -> Response:
    """One job or estimate."""
    return jsonify(expanded(one(kind, id_), _WORK_PARTS))


@bp.post("/v1/jobs", defaults={"kind": "job"})
@bp.post("/v1/estimates", defaults={"kind": "estimate"})
def create_work(kind: str) -> Response:
    """Create a job or estimate. `customer_name` is an id or a name; an unknown name creates a customer."""
    given, records = body(), book()
    # like Yii, which it is built with: members that the record does not have are passed over
    given = {member: value for member, value in given.items() if member in _BODIES[kind]}
    check_lines(given)
    if (status := given.get("status")) and not any(
        same(status, each["name"]) or str(status) == str(each["id"]) for each in records.all("status")
    ):
        raise invalid(status="Status is invalid.")
    name = str(given.get("customer_name") or "").strip()
    if not name:
        raise invalid(customer_name="Customer Name cannot be blank.")
    known = records.find("customer", name) or records.first("customer", customer_name=name)
    if known is None and name.isdigit():
        raise invalid(customer_name="Customer Name is invalid.")
    for assigned in given.get("techs_assigned") or ():
        tech = records.find("tech", assigned.get("id"))
        if tech is None:
            raise invalid(techs_assigned="Technician is invalid.")
        assigned |= {part: tech[part] for part in ("id", "first_name", "last_name")}
    owner = known or add_customer(records, {"customer_name": name}, here().now())
    return created(expanded(add_work(records, kind, owner, given, here().now()), _WORK_PARTS))


@bp.get("/v1/techs")
def technicians() -> Response:
    """The technicians."""
    return page(
        book().all("tech"), {name: part_of(name) for name in ("first_name", "last_name", "email")}, ()
    )


@bp.get("/v1/techs/<id_>")
def technician(id_: str) -> Response:
    """One technician."""
    return jsonify(expanded(one("tech", id_), ()))


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


def _object_errors(at: Here, given: dict[str, Any]) -> None:
    at.grants.book.put("errors", "object", {}) if given["object"] else at.grants.book.remove(
        "errors", "object"
    )


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
    levers={"limit": set_limit, "wrap_errors": _wrap_errors, "object_errors": _object_errors},
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
