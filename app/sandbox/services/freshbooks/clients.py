"""The accounting family: clients."""

from typing import Any

from flask import Blueprint, Response, request

from app.sandbox.current import here
from app.sandbox.services.freshbooks.answers import (
    accounting_page,
    enter_account,
    no_such,
    problem,
    result,
    sent,
)
from app.sandbox.services.freshbooks.records import add_client
from app.sandbox.store import Record

_A = "/accounting/account/<account>/users/clients"
_WRITABLE = ("organization", "fname", "lname", "email", "currency_code", "vis_state")


def install(bp: Blueprint) -> None:
    """Add the addresses."""
    bp.add_url_rule(_A, "list_clients", list_clients, methods=["GET"])
    bp.add_url_rule(_A, "create_client", create_client, methods=["POST"])
    bp.add_url_rule(f"{_A}/<number>", "get_client", get_client, methods=["GET"])
    bp.add_url_rule(f"{_A}/<number>", "change_client", change_client, methods=["PUT"])


def _passes(client: Record) -> bool:
    """The filters that work: an exact e-mail address and parts of names."""
    if (email := request.args.get("search[email]")) is not None and client["email"].lower() != email.lower():
        return False
    for key, member in (
        ("organization_like", "organization"),
        ("fname_like", "fname"),
        ("lname_like", "lname"),
    ):
        part = request.args.get(f"search[{key}]")
        if part is not None and part.lower() not in client[member].lower():
            return False
    # https://www.freshbooks.com/api/clients: in the first name, the last name or the organization
    part = request.args.get("search[user_like]", "").lower()
    return any(part in client[member].lower() for member in ("organization", "fname", "lname"))


def list_clients(account: str) -> Response:
    """Clients, sorted by organization."""
    book = enter_account(account, "user:clients:read")
    rows = [c for c in book.all("client") if c["vis_state"] != 1 and _passes(c)]
    return accounting_page("clients", sorted(rows, key=lambda c: (c["organization"].lower(), c["id"])))


def get_client(account: str, number: str) -> Response:
    """One client."""
    client = enter_account(account, "user:clients:read").find("client", number)
    return (
        result(client=client) if client and client["vis_state"] != 1 else no_such("userid", "client", number)
    )


def _given() -> dict[str, Any]:
    return {k: v for k, v in sent("client").items() if k in _WRITABLE and v is not None}


def _refuse(given: dict[str, Any]) -> Response | None:
    email, code = given.get("email"), given.get("currency_code")
    if email and ("@" not in email or " " in email):
        return problem(1004, "email", "Invalid email address.", object_="client", value=email, status=422)
    if code and not (isinstance(code, str) and len(code) == 3 and code.isupper()):
        return problem(1004, "currency_code", "Unknown currency.", object_="client", value=code, status=422)
    return None


def create_client(account: str) -> Response:
    """Create a client, which needs some name or address."""
    book = enter_account(account, "user:clients:write")
    given = _given()
    if not any(given.get(name) for name in ("organization", "fname", "lname", "email")):
        return problem(1001, "organization", "Required field: organization", object_="client", status=422)
    if refused := _refuse(given):
        return refused
    return result(client=add_client(book, {**given, "updated": here().now().strftime("%Y-%m-%d %H:%M:%S")}))


def change_client(account: str, number: str) -> Response:
    """Change a client; `vis_state` 1 deletes."""
    book = enter_account(account, "user:clients:write")
    client = book.find("client", number)
    if client is None or client["vis_state"] == 1:
        return no_such("userid", "client", number)
    given = _given()
    return _refuse(given) or result(client=book.put("client", number, {**client, **given}))
