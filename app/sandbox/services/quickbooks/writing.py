"""POST: create, update (full or sparse), void and delete records; send an invoice."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from app.sandbox.refusals import RequestRefused
from app.sandbox.services.quickbooks import new_records
from app.sandbox.services.quickbooks.records import ENTITIES, amount, touched, voided, with_balances
from app.sandbox.services.quickbooks.request_checks import AuthorizedCall, company_only
from app.sandbox.services.quickbooks.wire import (
    broken_rule,
    envelope,
    missing,
    not_found,
    number,
    refusal,
    stamp,
)
from app.sandbox.store import Record

bp = Blueprint("writing", __name__)

_MAKERS = {"customer": new_records.customer, "invoice": new_records.invoice, "payment": new_records.payment}
_COMMON = ("Id", "SyncToken", "MetaData", "domain", "sparse", "Active")
_UNCHANGEABLE = (*_COMMON, "Balance", "TotalAmt", "DocNumber", "LinkedTxn", "Level", "Job")


@bp.post("/v3/company/<realm>/<any(customer, invoice, payment):kind>")
@company_only
def write(call: AuthorizedCall, kind: str) -> Response:
    """Create a record without an Id; update one with it, or apply `operation`."""
    sent = request.get_json(silent=True)
    if not isinstance(sent, Mapping):
        raise refusal(
            "2010",
            "Request has invalid or unsupported property",
            "Property Name:failed to parse json object is unsupported or invalid",
        )
    operation = request.args.get("operation", "")
    if not operation and "Id" not in sent:
        return _answer(call, kind, _MAKERS[kind](call, sent))
    record = _current(call, kind, sent)
    if operation == "delete":
        call.book.remove(kind, record["Id"])
        return envelope(**{ENTITIES[kind]: {"status": "Deleted", "domain": "QBO", "Id": record["Id"]}})
    if operation == "void" and kind == "invoice":
        return _answer(call, kind, _void(call, record))
    if operation not in {"", "update"}:
        raise refusal("4030", "Unsupported operation", f"Operation {operation} is not supported")
    before = (
        record
        if sent.get("sparse") is True
        else {name: record[name] for name in _UNCHANGEABLE if name in record}
    )
    changes = {name: value for name, value in sent.items() if name not in {"SyncToken", "sparse", "MetaData"}}
    return _answer(call, kind, touched({**before, **changes}, call.at.now()))


@bp.post("/v3/company/<realm>/invoice/<id_>/send")
@company_only
def send(call: AuthorizedCall, id_: str) -> Response:
    """Send an invoice by mail. A new address replaces the one of the invoice."""
    if request.mimetype != "application/octet-stream":
        raise refusal(
            "2010",
            "Request has invalid or unsupported property",
            "Content-Type must be application/octet-stream",
        )
    record = call.book.find("invoice", id_)
    if record is None:
        return not_found()
    to = request.args.get("sendTo") or record.get("BillEmail", {}).get("Address")
    if not to:
        raise broken_rule("The email address is missing", element="BillEmail")
    new_records.check_email(to)
    today = call.at.now().date().isoformat()
    sent = call.book.find("mails", today) or {"count": 0}
    if sent["count"] >= call.company.mails_per_day:
        raise broken_rule("The daily limit of e-mails from this sandbox company is reached")
    call.book.put("mails", today, {"count": sent["count"] + 1})
    delivery = {"DeliveryType": "Email", "DeliveryTime": stamp(call.at.now())}
    outcome = call.book.find("settings", "delivery") or {}
    if error := outcome.get("error"):
        delivery["DeliveryErrorType"] = error
    elif not outcome.get("queued"):
        call.at.mailed(
            company=call.company.name,
            to=to,
            subject=f"Invoice {record['DocNumber']} from {call.company.name}",
        )
    changes = (
        {"EmailStatus": "NeedToSend"}
        if outcome.get("queued")
        else {"EmailStatus": "EmailSent", "DeliveryInfo": delivery}
    )
    return _answer(call, "invoice", touched(record, call.at.now(), BillEmail={"Address": to}, **changes))


def _current(call: AuthorizedCall, kind: str, sent: Mapping[str, Any]) -> Record:
    """The record to change. Raises RequestRefused unless its SyncToken is the latest."""
    if "Id" not in sent:
        raise missing("Id")
    if "SyncToken" not in sent:
        raise missing("SyncToken")
    record = call.book.find(kind, sent["Id"])
    if record is None:
        raise RequestRefused(not_found())
    if str(sent["SyncToken"]) != record["SyncToken"]:
        detail = (
            "Stale Object Error : You and Ada Byrd were working on this at the same time. Ada Byrd "
            "finished before you did."
        )
        raise refusal("5010", "Stale Object Error", detail)
    return record


def _void(call: AuthorizedCall, record: Record) -> Record:
    """Void an invoice: its payments become credit."""
    for id_, payment in call.book.items("payment"):
        lines = [
            line
            for line in payment["Line"]
            if not any(linked["TxnId"] == record["Id"] for linked in line["LinkedTxn"])
        ]
        freed = sum(
            (amount(line, "Amount") for line in payment["Line"] if line not in lines),
            amount(payment, "UnappliedAmt"),
        )
        if len(lines) < len(payment["Line"]):
            call.book.put(
                "payment", id_, touched(payment, call.at.now(), Line=lines, UnappliedAmt=number(freed))
            )
    return touched(record, call.at.now(), **voided(record))


def _answer(call: AuthorizedCall, kind: str, record: Record) -> Response:
    call.book.put(kind, record["Id"], record)
    return envelope(**{ENTITIES[kind]: with_balances(kind, call.book, record)})
