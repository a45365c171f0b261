"""The business family: time entries and projects. Errors have other shapes, and `search[…]` does nothing."""

from datetime import datetime

from flask import Blueprint, Response, jsonify, make_response, request

from app.sandbox.current import here
from app.sandbox.services.freshbooks.answers import (
    business_page,
    enter_business,
    not_here,
    person_email,
    sent,
)
from app.sandbox.services.freshbooks.people import PEOPLE
from app.sandbox.services.freshbooks.records import put_time
from app.sandbox.store import Record

_T = "/timetracking/business/<business>/time_entries"
_P = "/projects/business/<business>/projects"
_LINKS = {"client_id": "client", "project_id": "project"}


def install(bp: Blueprint) -> None:
    """Add the addresses."""
    bp.add_url_rule(_T, "list_time", list_time, methods=["GET"])
    bp.add_url_rule(_T, "create_time", create_time, methods=["POST"])
    bp.add_url_rule(f"{_T}/<number>", "get_time", get_time, methods=["GET"])
    bp.add_url_rule(f"{_T}/<number>", "delete_time", delete_time, methods=["DELETE"])
    bp.add_url_rule(_P, "list_projects", list_projects, methods=["GET"])
    bp.add_url_rule(f"{_P[:-1]}/<number>", "get_project", get_project, methods=["GET"])


def _flag(name: str, value: bool) -> bool:
    """Whether a value passes the boolean filter of that name."""
    wanted = request.args.get(name)
    return wanted is None or (wanted.lower() in {"true", "1"}) == value


def _passes(entry: Record, identity_id: int) -> bool:
    args = request.args
    return (
        (args.get("team", "").lower() == "true" or entry["identity_id"] == identity_id)
        and _moment(args.get("started_from", "")) <= _moment(entry["started_at"])
        and (not args.get("started_to") or _moment(entry["started_at"]) <= _moment(args["started_to"]))
        and args.get("client_id") in {None, str(entry["client_id"])}
        and args.get("project_id") in {None, str(entry["project_id"])}
        and _flag("billable", entry["billable"])
        and _flag("billed", entry["billed"])
    )


def _moment(text: str) -> float:
    """A time of the API in Unix seconds; 0 for an invalid one, which does not filter."""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0


def list_time(business: str) -> Response:
    """The caller's entries, or with `team=true` all; newest first only with `sort=-started_at`."""
    book = enter_business(business, "user:time_entries:read")
    identity_id = PEOPLE[person_email("user:time_entries:read")].id
    rows = [e for e in book.all("time") if e["active"] and _passes(e, identity_id)]
    newest = request.args.get("sort") == "-started_at"
    rows.sort(key=lambda e: (e["started_at"], e["id"]) if newest else e["id"], reverse=newest)
    logged = sum(e["duration"] for e in rows)
    unbilled = sum(e["duration"] for e in rows if e["billable"] and not e["billed"])
    return business_page("time_entries", rows, total_logged=logged, total_unbilled=unbilled)


def create_time(business: str) -> Response:
    """Create a time entry of the caller."""
    book = enter_business(business, "user:time_entries:write")
    given = sent("time_entry")
    missing = [name for name in ("started_at", "duration", "is_logged") if given.get(name) in {None, ""}]
    if missing:
        return make_response(jsonify(errno=2001, error=dict.fromkeys(missing, "field required")), 422)
    if (
        not isinstance(given["duration"], int)
        or given["duration"] <= 0
        or not _moment(str(given["started_at"]))
    ):
        field = "started_at" if isinstance(given["duration"], int) and given["duration"] > 0 else "duration"
        return make_response(jsonify(errno=2001, error={field: "value is not valid"}), 422)
    for field, kind in _LINKS.items():
        if given.get(field) is not None and book.find(kind, given[field]) is None:
            return make_response(jsonify(errno=2001, error={field: "does not exist"}), 422)
    known = ("is_logged", "duration", "started_at", *_LINKS, "service_id", "note", "billable", "internal")
    entry = put_time(
        book,
        {
            **{k: given[k] for k in known if k in given},
            "identity_id": PEOPLE[person_email("user:time_entries:write")].id,
            "created_at": here().now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
    )
    return jsonify(time_entry=entry)


def get_time(business: str, number: str) -> Response:
    """One time entry."""
    entry = enter_business(business, "user:time_entries:read").find("time", number)
    return jsonify(time_entry=entry) if entry and entry["active"] else not_here()


def delete_time(business: str, number: str) -> Response:
    """Delete a time entry: 204."""
    book = enter_business(business, "user:time_entries:write")
    return make_response("", 204) if book.remove("time", number) else not_here()


def list_projects(business: str) -> Response:
    """Projects."""
    book = enter_business(business, "user:projects:read")
    return business_page("projects", [p for p in book.all("project") if _flag("active", p["active"])])


def get_project(business: str, number: str) -> Response:
    """One project."""
    found = enter_business(business, "user:projects:read").find("project", number)
    return jsonify(project=found) if found else not_here()
