"""What Xero's refusals mean, in our words.

Xero's own text never becomes part of a sentence: it may quote what a stranger wrote into an
invoice. It travels, cleaned and bounded, in `details`, where it is data.
https://developer.xero.com/documentation/api/accounting/responsecodes
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from app.connectors import api_errors
from app.connectors.api_errors import reasons_of, retry_after, slow_down
from app.errors import InvalidArguments, MissingRight, PermissionDenied, ProviderRateLimited, ToolError
from app.outbound import Response

# Xero's own numbers of what is wrong with a request as a whole; its words add nothing to them.
_BY_NUMBER: Mapping[int, tuple[str, str]] = {
    14: ("arguments", "Xero could not read the record: check its values"),
    16: ("arguments", "Xero could not read the filters: check dates, ids and the type"),
    17: ("arguments", "Xero found no record in the request: check its values"),
}
# Whole words in Xero's reason, the argument it is about, and our advice. The first match counts.
_HINTS: tuple[tuple[str, str, str], ...] = (
    (
        r"contact name|already assigned",
        "name",
        "a contact with that name already exists: find it with xero_list_contacts",
    ),
    (
        r"lock dates?",
        "date",
        "the date is in a period that is locked in Xero: use a later one, or have the lock date "
        "changed there",
    ),
    (
        r"rate limit|email limit",
        "invoice_id",
        "this organisation has reached its email limit for today (a demo company may send none)",
    ),
    (
        r"limit of invoices",
        "status",
        "the organisation's Xero plan allows no more approved invoices for now: create a DRAFT",
    ),
    (r"payments? can only be made", "invoice_id", "only an AUTHORISED invoice or bill can be paid"),
    (r"due ?date", "due_date", "an approved invoice needs a due date on or after its date"),
    # Before accounts, as a contact has one too: "The contact's account has been archived."
    (r"e-?mails?( ?address(es)?)?|emailed", "email", "check the contact's email address"),
    (
        # the noun, not "please contact support"
        r"(?<!please )contacts?( ?id)?(?! (us|xero|your|support|customer))",
        "contact_id",
        "use the id of an active contact from xero_list_contacts",
    ),
    (
        r"accounts?( ?codes?)?",
        "account_code",
        "use a code from xero_list_accounts; payments need a bank account or one that takes payments",
    ),
    (r"tax ?(types?|rates?|codes?)", "tax_type", "use the tax type of the account, or leave it out"),
    (
        r"line ?items?|descriptions?|quantity|unit ?amounts?",
        "line_items",
        "every line needs a description, quantity, unit amount and account code",
    ),
    (
        r"amounts?|overpaid|overpayments?|outstanding",
        "amount",
        "pay no more than what is still due, in the currency of the invoice",
    ),
    (r"status", "status", "the invoice is not in a state that allows this"),
    (r"idempotency(-key)?", "arguments", "this request was mixed up with another one: call again"),
    (r"dates?", "date", "check the date"),
)
_RULES = tuple(
    (re.compile(rf"\b(?:{words})\b", re.IGNORECASE), argument, advice) for words, argument, advice in _HINTS
)
# What Xero quotes, such as a name, may hold any word.
_QUOTED = re.compile(r"""(?<!\w)(?:'[^']*'|"[^"]*")(?!\w)""")


def token_is_stale(answer: Response) -> bool:
    """Whether a fresh token helps: any 401 but a missing scope, which Xero also answers with 401."""
    return answer.status == 401 and not _lacks_scope(answer)


def read_error(answer: Response) -> ToolError | None:
    """The error an answer means, or None for none or when its status is enough."""
    if answer.status == 401 and _lacks_scope(answer):
        return MissingRight(
            "The Xero connection lacks permission for this. Reconnect Xero on the Integrations page and "
            "allow it."
        )
    if answer.status == 403:
        return PermissionDenied(
            "This connection can't open this Xero organisation: it was removed from the app in Xero, or the "
            "person's role there does not allow it. Check in Xero, or reconnect Xero on the Integrations "
            "page and choose the organisation again."
        )
    if answer.status == 429:
        return _over_limit(answer)
    if answer.status == 400:
        body = answer.json()
        if not isinstance(body, Mapping):
            return refused([])
        return refused(list(_reasons(body)), body.get("ErrorNumber"))
    return None


def refused_record(record: Mapping[str, Any]) -> InvalidArguments | None:
    """The error of a record that came back with status 200 but was not saved, or None.

    Xero answers so when it does not summarise errors (`summarizeErrors=false`).
    """
    if (
        record.get("StatusAttributeString") == "ERROR"
        or record.get("HasErrors") is True
        or record.get("HasValidationErrors") is True
    ):
        return refused(list(_reasons(record)))
    return None


def refused(reasons: list[str], number: Any = None) -> InvalidArguments:
    """The error for a refused request, with advice on the arguments that its number or reasons are about."""
    hints: dict[str, str] = {}
    if isinstance(number, int) and number in _BY_NUMBER:
        argument, advice = _BY_NUMBER[number]
        hints[argument] = advice
    else:
        for reason in reasons:
            words = _QUOTED.sub("", reason)
            for rule, argument, advice in _RULES:
                if rule.search(words):
                    hints.setdefault(argument, advice)
                    break
    return api_errors.refused("Xero", hints, reasons_of(dict.fromkeys(reasons)), unexplained=not reasons)


def _lacks_scope(answer: Response) -> bool:
    body = answer.json()
    detail = str(body.get("Detail", "")) if isinstance(body, Mapping) else ""
    return "AuthorizationUnsuccessful" in detail or "insufficient_scope" in answer.headers.get(
        "WWW-Authenticate", ""
    )


def _over_limit(answer: Response) -> ProviderRateLimited:
    """Only `minute` and `day` were seen on the wire; others report longer words, so this matches loosely."""
    limit = answer.headers.get("X-Rate-Limit-Problem", "").lower()
    seconds = retry_after(answer)
    if "day" in limit:
        return ProviderRateLimited(
            "Xero's daily limit for this organisation is used up. It opens again within a day; until then "
            "no call can help.",
            retry_after_seconds=3600 if seconds is None else seconds,
        )
    if "concurrent" in limit:
        return ProviderRateLimited(
            "Xero is already answering five calls for this organisation. Please try again in a moment.",
            retry_after_seconds=seconds,
        )
    return slow_down("Xero", answer, default=60)


def _reasons(body: Mapping[str, Any]) -> Iterator[str]:
    """Every reason in a ValidationException, or the message of any other refusal."""
    found = False
    stack: list[Any] = [body]
    while stack:
        node = stack.pop(0)
        if isinstance(node, Mapping):
            errors = node.get("ValidationErrors")
            for error in errors if isinstance(errors, list) else ():
                if isinstance(error, Mapping) and isinstance(error.get("Message"), str):
                    found = True
                    yield error["Message"]
            stack.extend(
                value
                for key, value in node.items()
                if key != "ValidationErrors" and isinstance(value, (Mapping, list))
            )
        elif isinstance(node, list):
            stack.extend(node)
    if not found:
        for key in ("Message", "Detail"):
            if isinstance(body.get(key), str) and body[key]:
                yield body[key]
                return
