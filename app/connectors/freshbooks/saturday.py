"""Sends all draft invoices, as an owner does on a Saturday morning. It checks no weekday.

People trust this tool with their clients' mailboxes. So it shows before it sends, trusts only an invoice's
own state (FreshBooks silently ignores several filters), takes no recipient from a model, reads each invoice
again just before mailing it, and stops when FreshBooks says stop. A repeated run finds only the remaining
drafts, so nobody is mailed twice.
"""

from collections.abc import Iterator
from datetime import time, timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from app.connectors.api import Api
from app.connectors.freshbooks.business_time import moment, today
from app.connectors.freshbooks.families import all_accounting, list_business
from app.connectors.freshbooks.invoice_sending import mail
from app.connectors.freshbooks.invoices import PATH, WRITE, Invoice, read_invoice
from app.connectors.freshbooks.time_tracking import ENTRIES, hours
from app.connectors.freshbooks.values import Id, add_up, read_as
from app.connectors.function_tool import tool
from app.connectors.money import Money, MoneyRow
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
        None, description="Billable time since Monday that is on no invoice yet."
    )


@tool(title="Send all draft invoices (Saturday run)", destructive=True, needs_scopes=WRITE)
def send_saturday_invoices(
    api: Api,
    dry_run: Annotated[bool, Field(description="false: send now.")] = True,
    invoice_ids: Annotated[
        list[Id] | None, Field(min_length=1, max_length=200, description="Only these drafts.")
    ] = None,
    max_invoices: Annotated[int, Field(ge=1, le=50, description="Send nothing when more are ready.")] = 25,
) -> SaturdayRun:
    """Mail every draft invoice to its client, the weekly Saturday run. Call it with dry_run true first, show
    the person list and totals, and only after a clear yes with false.

    Empty invoices and clients without an address are skipped.
    """
    drafts, skipped = _sort_out(api, invoice_ids)
    if dry_run:
        rows = [_row(draft, "would_send") for draft in drafts]
        api.say(f"{len(drafts)} drafts would be sent; nothing was sent.")
        return _report(True, [*rows, *skipped], unbilled=_unbilled_hours(api))
    if len(drafts) > max_invoices:
        raise InvalidArguments(
            f"Nothing was sent: {len(drafts)} drafts are ready, more than max_invoices ({max_invoices}). "
            "Name invoice_ids, or raise max_invoices (50 at most).",
            details={"ready": len(drafts), "max_invoices": max_invoices},
        )
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
                    invoice_id=missing, outcome="skipped", reason="It is no draft of this business."
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


def _reason_to_skip(invoice: Invoice) -> str | None:
    if not _has_total(invoice):
        return "Its total is zero." if invoice.amount is not None else "Its total is unknown."
    return None if invoice.recipient else "The client has no e-mail address on file."


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
                    "FreshBooks did not confirm it. Look at its state before sending it again.",
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
        return _row(draft, "skipped", "It is no draft any more.")
    if not _has_total(now) or not now.recipient:
        return _row(draft, "skipped", "It changed meanwhile and cannot be sent.")
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
    counted = (
        (row.currency or "", row.amount or Decimal(0))
        for row in rows
        if row.outcome in {"would_send", "sent"}
    )
    return SaturdayRun(
        dry_run=dry_run,
        invoices=rows[:_MOST_LISTED],
        counts=counts,
        totals=[
            CurrencyTotal(currency=currency, amount=amount) for currency, amount in add_up(counted).items()
        ],
        stopped=stopped,
        unbilled_hours_this_week=unbilled,
    )
