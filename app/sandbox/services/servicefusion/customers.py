"""Customers and their equipment."""

from typing import Any

from flask import Blueprint, Response, jsonify

from app.sandbox.current import here
from app.sandbox.services.servicefusion.demo import add_customer
from app.sandbox.services.servicefusion.wire import (
    Matcher,
    body,
    book,
    created,
    day_range,
    expanded,
    invalid,
    one,
    page,
    part_of,
    refused,
)

bp = Blueprint("customers", __name__)

_CUSTOMER_PARTS = ("contacts", "contacts.phones", "contacts.emails", "locations", "custom_fields")


@bp.get("/v1/customers")
def customers() -> Response:
    """Customers. Their filters have other names than those of jobs."""
    filters: dict[str, Matcher] = {
        "name": part_of("customer_name"),
        "email": lambda record, wanted, end: any(
            e["email"] == wanted for c in record["contacts"] for e in c.get("emails", ())
        ),
        "phone": lambda record, wanted, end: any(
            wanted in p["phone"] for c in record["contacts"] for p in c.get("phones", ())
        ),
        "contact_last_name": lambda record, wanted, end: any(
            c["lname"].lower() == wanted.lower() for c in record["contacts"]
        ),
        "address": lambda record, wanted, end: any(
            wanted.lower() in place["street_1"].lower() for place in record["locations"]
        ),
        "city": lambda record, wanted, end: any(
            wanted.lower() == place.get("city", "").lower() for place in record["locations"]
        ),
        "postal_code": lambda record, wanted, end: any(
            wanted == place.get("postal_code") for place in record["locations"]
        ),
        "last_serviced_date": day_range("last_serviced_date"),
    }
    return page(book().all("customer"), filters, _CUSTOMER_PARTS)


@bp.get("/v1/customers/<id_>")
def customer(id_: str) -> Response:
    """One customer."""
    return jsonify(expanded(one("customer", id_), _CUSTOMER_PARTS))


@bp.post("/v1/customers")
def create_customer() -> Response:
    """Create a customer; names need not be unique."""
    given = body()
    _check(given)
    return created(expanded(add_customer(book(), given, here().now()), _CUSTOMER_PARTS))


@bp.get("/v1/customers/<id_>/equipment")
def equipment(id_: str) -> Response:
    """The equipment of a customer. No filters."""
    mine = one("customer", id_)["id"]
    return page(
        [record for record in book().all("equipment") if record["customer_id"] == mine],
        {},
        ("custom_fields",),
    )


@bp.get("/v1/customers/<id_>/equipment/<equipment_id>")
def one_equipment(id_: str, equipment_id: str) -> Response:
    """One piece of equipment of the customer."""
    record = one("equipment", equipment_id)
    if str(record["customer_id"]) != id_:
        raise refused(404)
    return jsonify(expanded(record, ("custom_fields",)))


def _check(given: dict[str, Any]) -> None:
    if not str(given.get("customer_name") or "").strip():
        raise invalid(customer_name="Customer Name cannot be blank.")
    if any(not contact.get("fname") or not contact.get("lname") for contact in given.get("contacts") or ()):
        raise invalid(contacts="First Name and Last Name cannot be blank.")
    if any(not place.get("street_1") for place in given.get("locations") or ()):
        raise invalid(locations="Street 1 cannot be blank.")
