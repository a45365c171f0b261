"""Sends all draft invoices, as an owner does on a Saturday morning. It checks no weekday.

People trust this tool with their clients' mailboxes. So it shows before it sends, trusts only an invoice's
own state (FreshBooks silently ignores several filters), takes no recipient from a model, reads each invoice
again just before sending it, and stops when FreshBooks says stop. A repeated run finds only the remaining
drafts, so nobody gets two emails.
"""

from collections.abc import Iterable, Iterator
from datetime import time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from app.connectors.api import Api
from app.connectors.freshbooks.business_time import moment, today
from app.connectors.freshbooks.families import all_accounting, list_business
from app.connectors.freshbooks.invoice_sending import mail
from app.connectors.freshbooks.invoices import PATH, WRITE, Invoice, read_invoice
from app.connectors.freshbooks.time_tracking import ENTRIES, hours
from app.connectors.freshbooks.values import Id, add_up, read_as
from app.connectors.function_tool import tool
from app.connectors.lookups import mailbox, money
from app.connectors.money import Money, MoneyRow
from app.connectors.preview import Preview, amount, counted, facts, listed
from app.connectors.rows import Row
from app.errors import (
    InvalidArguments,
    ObjectNotFound,
    OutcomeUnknown,
    PermissionDenied,
    ProviderError,
    ToolError,
)

_MOST_LISTED = 200
_MOST_FACTS = 50
Outcome = Literal["would_send", "sent", "skipped", "failed", "unknown", "not_tried"]


class SaturdayInvoice(MoneyRow):
    """One draft and what became of it."""

    invoice_id: int
    invoice_number: str = ""
    client: str = ""
    amount: Money | None = None
    currency: str | None = None
    recipient: str = Field("", description="The client's own address on file.")
    outcome: Outcome
    reason: str | None = Field(None, description="Why it was skipped or failed.")


class CurrencyTotal(MoneyRow):
    """A sum in one currency."""

    currency: str
    amount: Money


class SaturdayRun(Row):
    """What a run would do or did."""

    dry_run: bool = Field(description="true: nothing was sent.")
    invoices: list[SaturdayInvoice]
    counts: dict[str, int] = Field(description="How many invoices per outcome.")
    totals: list[CurrencyTotal] = Field(description="Of the invoices sent, or to be sent, per currency.")
    stopped: str | None = Field(None, description="Why the run ended early.")
    unbilled_hours_this_week: float | None = Field(
        None, description="Billable time since Monday, not invoiced yet."
    )


def _preview_of_run(
    api: Api, dry_run: bool, invoice_ids: list[int] | None, max_invoices: int, **_more: Any
) -> Preview:
    """Preview of `send_saturday_invoices`: what is ready now. Raises InvalidArguments for too many."""
    drafts, skipped = _sort_out(api, invoice_ids)
    if not dry_run:
        _check_number(drafts, max_invoices)
    sums = _totals((draft.currency, draft.amount) for draft in drafts)
    total = listed((amount(each.amount, each.currency) for each in sums), most=20)
    number = counted(len(drafts), "draft invoice")
    parts = f"{number}, {total}," if total else number
    addresses = {draft.recipient.casefold() for draft in drafts}
    to = f"to {counted(len(addresses), 'email address', 'email addresses')}"
    later = "" if invoice_ids else " Drafts that are ready when you approve are included."
    return Preview(
        f"Check {parts} without sending anything" if dry_run else f"Email {parts} {to}",
        "Check drafts" if dry_run else f"Send {counted(len(drafts), 'invoice')}",
        facts(
            *(
                (draft.invoice_number or "Draft", _recipient_and_amount(draft))
                for draft in drafts[:_MOST_FACTS]
            ),
            ("Skipped", listed(map(_skipped, skipped), most=10)),
        ),
        frozenset({"dry_run"}),
        "" if dry_run else f"Sends to {counted(len(addresses), 'person', 'people')}.{later}",
    )


@tool(title="Send all draft invoices", destructive=True, needs_scopes=WRITE, preview=_preview_of_run)
def send_saturday_invoices(
    api: Api,
    dry_run: Annotated[bool, Field(description="false: send now.")] = True,
    invoice_ids: Annotated[
        list[Id] | None, Field(min_length=1, max_length=200, description="Only these drafts.")
    ] = None,
    max_invoices: Annotated[int, Field(ge=1, le=50, description="Send nothing when more are ready.")] = 25,
) -> SaturdayRun:
    """Email every draft invoice to its client (the weekly Saturday run). First call it with dry_run true and
    show the person the list and totals; pass false only after they agree.

    Empty invoices and clients without an email address are skipped.
    """
    drafts, skipped = _sort_out(api, invoice_ids)
    if dry_run:
        rows = [_row(draft, "would_send") for draft in drafts]
        api.say(f"{len(drafts)} drafts would be sent; nothing was sent.")
        return _report(True, [*rows, *skipped], unbilled=_unbilled_hours(api))
    _check_number(drafts, max_invoices)
    rows, stopped = _send(api, drafts)
    api.say(f"{sum(row.outcome == 'sent' for row in rows)} of {len(drafts)} drafts were sent.")
    return _report(False, [*rows, *skipped], stopped=stopped)


# --- finding drafts ---


def _sort_out(api: Api, invoice_ids: list[int] | None) -> tuple[list[Invoice], list[SaturdayInvoice]]:
    """The drafts that can be sent, oldest first, and rows for those that cannot."""
    drafts, skipped = [], []
    for invoice in _drafts(api):
        if invoice_ids is not None and invoice.invoice_id not in invoice_ids:
            continue
        reason = _reason_to_skip(invoice)
        if reason:
            skipped.append(_row(invoice, "skipped", reason))
        else:
            drafts.append(invoice)
    seen = {invoice.invoice_id for invoice in drafts} | {row.invoice_id for row in skipped}
    for missing in dict.fromkeys(invoice_ids or ()):
        if missing not in seen:
            skipped.append(
                SaturdayInvoice(
                    invoice_id=missing, outcome="skipped", reason="This business has no such draft."
                )
            )
    return sorted(drafts, key=lambda invoice: invoice.invoice_id), skipped


def _drafts(api: Api) -> Iterator[Invoice]:
    seen = set()
    for record in all_accounting(api, PATH, "invoices", search={"v3_status": "draft"}, include="lines"):
        invoice = read_as(Invoice, record)
        # Only the row's own state counts: FreshBooks answers an unknown filter with every invoice.
        if invoice.is_draft and invoice.invoice_id not in seen:
            seen.add(invoice.invoice_id)
            yield invoice


def _check_number(drafts: list[Invoice], most: int) -> None:
    """Raises InvalidArguments for more drafts than the caller expects."""
    if len(drafts) > most:
        raise InvalidArguments(
            f"Nothing was sent: {len(drafts)} drafts are ready, more than max_invoices ({most}). Pass "
            "invoice_ids, or raise max_invoices (50 at most).",
            details={"ready": len(drafts), "max_invoices": most},
        )


def _reason_to_skip(invoice: Invoice) -> str | None:
    if not _has_total(invoice):
        return "Its total is zero." if invoice.amount is not None else "Its total is unknown."
    return None if invoice.recipient else "The client has no email address on file."


def _has_total(invoice: Invoice) -> bool:
    return invoice.amount is not None and invoice.amount > 0


def _unbilled_hours(api: Api) -> float | None:
    """This week's billable hours on no invoice, as a reminder; None when they may not be read."""
    now = today(api)
    monday = now - timedelta(days=now.weekday())
    filters = {"billable": True, "billed": False, "started_from": moment(api, monday, time(0))}
    try:
        meta = list_business(api, ENTRIES, "time_entries", page=1, filters=filters).meta
    except (PermissionDenied, ObjectNotFound):
        return None
    seconds = meta.get("total_unbilled")
    return hours(seconds) if isinstance(seconds, int) else None


# --- sending ---


def _send(api: Api, drafts: list[Invoice]) -> tuple[list[SaturdayInvoice], str | None]:
    """Mails the drafts in turn. Returns one row per draft and the reason for stopping early, if any.

    Raises the error itself when nothing was sent before it.
    """
    rows: list[SaturdayInvoice] = []
    for number, draft in enumerate(drafts):
        try:
            api.progress(number, len(drafts), f"Sending {number + 1} of {len(drafts)}")
            rows.append(_send_one(api, draft))
        except (InvalidArguments, ObjectNotFound, ProviderError) as error:
            rows.append(_row(draft, "failed", error.message))
        except OutcomeUnknown as error:
            rows.append(
                _row(
                    draft,
                    "unknown",
                    "FreshBooks did not confirm it. Check its status before sending it again.",
                )
            )
            return [*rows, *_untried(drafts, number + 1)], error.message
        # not allowed, rate limited, access ended, unreachable, out of time: the next one would fail too
        except ToolError as error:
            if all(row.outcome == "failed" for row in rows):
                raise
            return [*rows, *_untried(drafts, number)], error.message
    return rows, None


def _send_one(api: Api, draft: Invoice) -> SaturdayInvoice:
    now = read_invoice(api, draft.invoice_id)
    if not now.is_draft:
        return _row(draft, "skipped", "It is no longer a draft.")
    if not _has_total(now) or not now.recipient:
        return _row(draft, "skipped", "It changed meanwhile and can't be sent.")
    if mail(api, draft.invoice_id).is_draft:
        return _row(now, "failed", "FreshBooks kept it as a draft.")
    return _row(now, "sent")


def _untried(drafts: list[Invoice], after: int) -> list[SaturdayInvoice]:
    return [_row(draft, "not_tried") for draft in drafts[after:]]


# --- the report ---


def _row(invoice: Invoice, outcome: Outcome, reason: str | None = None) -> SaturdayInvoice:
    return SaturdayInvoice(
        invoice_id=invoice.invoice_id,
        invoice_number=invoice.invoice_number,
        client=invoice.client,
        amount=invoice.amount,
        currency=invoice.currency,
        recipient=invoice.recipient,
        outcome=outcome,
        reason=reason,
    )


def _report(
    dry_run: bool, rows: list[SaturdayInvoice], *, stopped: str | None = None, unbilled: float | None = None
) -> SaturdayRun:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.outcome] = counts.get(row.outcome, 0) + 1
    return SaturdayRun(
        dry_run=dry_run,
        invoices=rows[:_MOST_LISTED],
        counts=counts,
        totals=_totals((row.currency, row.amount) for row in rows if row.outcome in {"would_send", "sent"}),
        stopped=stopped,
        unbilled_hours_this_week=unbilled,
    )


def _totals(amounts: Iterable[tuple[str | None, Decimal | None]]) -> list[CurrencyTotal]:
    """One sum per currency."""
    sums = add_up((currency or "", value or Decimal(0)) for currency, value in amounts)
    return [CurrencyTotal(currency=currency, amount=value) for currency, value in sums.items()]


def _recipient_and_amount(draft: Invoice) -> str:
    return f"{money(draft.amount, draft.currency)} to {mailbox(draft.client, draft.recipient)}"


def _skipped(row: SaturdayInvoice) -> str:
    return f"{row.invoice_number or 'a draft'} ({(row.reason or '').rstrip('.')})"
