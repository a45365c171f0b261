"""Requests to ServiceFusion, held to its reference. No package ships one: this is written from
https://docs.servicefusion.com (RAML, API v1), by its traits and types, in the text copy of 2026-04-10.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

DESCRIPTION = "the reference at docs.servicefusion.com, API v1, as of 2026-04-10"

_DAY = r"\d{4}-\d\d-\d\d"
_MOMENT = rf"{_DAY}T\d\d:\d\d:\d\d[+-]\d\d:\d\d"  # RFC 3339 as it writes it: Y-m-d\TH:i:sP
_ANY = r"(?s).+"
_WORK_FILTERS = {
    **dict.fromkeys(["status", "number", "po_number", "customer_name", "parent_customer_name"], _ANY),
    **dict.fromkeys(["contact_first_name", "contact_last_name", "address", "city", "zip_code"], _ANY),
    **dict.fromkeys(["phone", "email", "category", "source"], _ANY),
    **{f"{day}][{end}": _DAY for day in ("start_date", "end_date") for end in ("lte", "gte")},
}
# tra.*-filtrable: the format of each filter
_FILTERS: dict[str, Mapping[str, str]] = {
    "customers": {
        **dict.fromkeys(["name", "contact_first_name", "contact_last_name", "address", "city"], _ANY),
        **dict.fromkeys(["postal_code", "phone", "email", "tags"], _ANY),
        **{f"last_serviced_date][{end}": _DAY for end in ("lte", "gte")},
    },
    "jobs": {
        **_WORK_FILTERS,
        "invoice_number": _ANY,
        **{f"{at}][{end}": _MOMENT for at in ("updated_date", "closed_date") for end in ("lte", "gte")},
    },
    "estimates": {**_WORK_FILTERS, **{f"requested_date][{end}": _MOMENT for end in ("lte", "gte")}},
    "techs": dict.fromkeys(["first_name", "last_name", "email"], _ANY),
}
# tra.*-sortable, those that matter here
_SORTS = {
    "customers": {"id", "customer_name"},
    "jobs": {"id", "number", "start_date", "created_at", "updated_at", "customer_name", "status"},
    "estimates": {"id", "number", "start_date", "created_at", "updated_at", "customer_name", "status"},
    "techs": {"id", "first_name", "last_name"},
    "equipment": {"id", "type", "make", "model"},
    "job-statuses": {"id", "code", "name"},
}
_WORK_PARTS = {"techs_assigned", "tasks", "notes", "products", "services", "custom_fields", "agents"}
_PARTS = {
    "customers": {"contacts", "contacts.phones", "contacts.emails", "locations", "custom_fields"},
    "jobs": {*_WORK_PARTS, "visits", "visits.techs_assigned", "invoices", "payments"},
    "estimates": {*_WORK_PARTS, "tags"},
    "equipment": {"custom_fields"},
}
_TEXT, _WHOLE, _NUMBER, _FLAG = (str,), (int,), (int, float), (bool,)
_LINE = {"name": _TEXT, "description": _TEXT, "multiplier": _WHOLE, "rate": _NUMBER, "cost": _NUMBER}
_WORK_BODY: dict[str, Any] = {
    **dict.fromkeys(
        ["description", "tech_notes", "start_date", "customer_name", "status", "category"], _TEXT
    ),
    **dict.fromkeys(["po_number", "note_to_customer", "source"], _TEXT),
    "duration": _WHOLE,
    "techs_assigned": [{"id": _WHOLE, "first_name": _TEXT, "last_name": _TEXT}],
    "notes": [{"notes": _TEXT}],
    "products": [{**_LINE, "product": _TEXT}],
    "services": [{**_LINE, "service": _TEXT}],
}
# typ.CustomerBody, typ.JobBody, typ.EstimateBody
_BODIES: dict[str, Any] = {
    "customers": {
        **dict.fromkeys(["customer_name", "account_number", "private_notes", "public_notes"], _TEXT),
        "contacts": [
            {
                **dict.fromkeys(["prefix", "fname", "lname", "contact_type", "job_title"], _TEXT),
                "is_primary": _FLAG,
                "phones": [{"phone": _TEXT, "ext": _WHOLE, "type": _TEXT}],
                "emails": [{"email": _TEXT, "class": _TEXT, "types_accepted": _TEXT}],
            }
        ],
        "locations": [
            {
                **dict.fromkeys(["street_1", "street_2", "city", "state_prov", "postal_code"], _TEXT),
                **dict.fromkeys(["country", "nickname", "gate_instructions"], _TEXT),
                **dict.fromkeys(["is_primary", "is_gated", "is_bill_to"], _FLAG),
            }
        ],
    },
    "jobs": {**_WORK_BODY, "priority": _TEXT, "end_date": _TEXT},
    "estimates": {**_WORK_BODY, "opportunity_rating": _WHOLE, "tags": [{"tag": _TEXT}]},
}


def check(request: Any) -> list[str]:
    """What the reference does not know of this request."""
    if "/v1/" not in request.path:
        return [] if request.path.endswith("/oauth/access_token") else [f"no such path: {request.path}"]
    place = request.path.partition("/v1/")[2].split("/")
    resource = "equipment" if "equipment" in place else place[0]
    is_list = request.method == "GET" and not place[-1].isdigit()
    problems = [p for name, value in request.params for p in _parameter(resource, is_list, name, value)]
    if is_list and resource != "me" and "sort" not in dict(request.params):
        problems.append("a list without a sort")
    if request.method == "POST":
        problems += _body(_BODIES.get(resource, {}), request.json, "body")
    elif request.method != "GET":
        problems.append(f"no such method: {request.method}")
    return problems


def _parameter(resource: str, is_list: bool, name: str, value: str) -> Iterable[str]:
    parts = value.split(",")
    if name == "expand":
        yield from (f"cannot expand {part}" for part in parts if part not in _PARTS.get(resource, set()))
    elif not is_list:
        yield f"unknown parameter {name}"
    elif name == "sort":
        known = _SORTS.get(resource, set())
        yield from (f"cannot sort by {part}" for part in parts if part.removeprefix("-") not in known)
    elif name in {"page", "per-page"}:
        if not value.isdigit() or (name == "per-page" and not 1 <= int(value) <= 50):
            yield f"{name} {value}"
    else:
        found = re.fullmatch(r"filters\[(.+)\]", name)
        form = _FILTERS.get(resource, {}).get(found[1]) if found else None
        if form is None:
            yield f"unknown parameter {name}"
        elif not re.fullmatch(form, value):
            yield f"{name} has another format: {value}"


def _body(known: Any, sent: Any, place: str) -> Iterable[str]:
    if isinstance(known, Mapping):
        if not isinstance(sent, Mapping):
            yield f"{place} is no object"
            return
        for name, value in sent.items():
            if name in known:
                yield from _body(known[name], value, f"{place}.{name}")
            else:
                yield f"{place} has no member {name}"
    elif isinstance(known, list):
        if not isinstance(sent, list):
            yield f"{place} is no list"
            return
        for element in sent:
            yield from _body(known[0], element, f"{place}[]")
    elif not isinstance(sent, known) or (isinstance(sent, bool) and known != _FLAG):
        yield f"{place} has another type: {sent!r}"
