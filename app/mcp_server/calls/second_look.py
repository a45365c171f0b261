"""Looks up again what a person judged, when they approve a write some time after it was requested.

An invoice may have been paid in the meantime. So nothing is sent if what the person read is no longer so: the
request waits with the new facts, and says which of them changed.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from app import clock
from app.approvals import stored_preview
from app.approvals.models import Approval
from app.approvals.stored_preview import StoredPreview
from app.config import Settings
from app.connectors.preview import defaults_of
from app.errors import ApprovalNeeded
from app.mcp_server.calls.accounting import Invocation
from app.mcp_server.calls.service_call import PreparedCall

_FRESH_FOR = timedelta(minutes=1)


def check(
    settings: Settings,
    invocation: Invocation,
    prepared: PreparedCall,
    approval: Approval,
    arguments: Mapping[str, Any],
) -> None:
    """Compare the stored preview with the service as it is now. No request if it is under a minute old.

    Raises ApprovalNeeded if anything changed; the new preview is stored by then. Raises the ToolError of the
    preview if the write can no longer work or the service can't be asked.
    """
    judged = stored_preview.preview_of(settings, approval)
    if judged.looked_up_at is None or clock.now() - judged.looked_up_at < _FRESH_FOR:
        return
    found = stored_preview.replace_if_changed(
        settings, approval, invocation.preview(prepared), arguments, defaults_of(prepared.tool.input_schema)
    )
    if found is not None:
        raise ApprovalNeeded(
            f"{_what_changed(judged, found)} at {approval.service} since approval was requested. Nothing was "
            "done. Check the new details and approve again."
        )


def _what_changed(judged: StoredPreview, found: StoredPreview) -> str:
    """ "Balance due and Status have changed". The labels are ours; what others wrote is not repeated."""
    before, now = ({fact.label: fact.value for fact in each.facts} for each in (judged, found))
    labels = [label for label in {**before, **now} if before.get(label) != now.get(label)]
    if not labels:
        return "The details have changed"
    named = labels if len(labels) < 4 else [*labels[:2], f"{len(labels) - 2} more details"]
    together = " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
    return f"{together} {'has' if len(labels) == 1 else 'have'} changed"
