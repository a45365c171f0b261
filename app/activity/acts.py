"""Entries of the trail as acts: what belongs together is one line, with its state and its steps.

A write that waited for approval leaves up to six entries: the call that was held, the request, the decision,
the call that was made, its outcome, and one per time the AI client asked meanwhile. Removing a member leaves
two, letting an AI client in too. The files hold every entry; the page shows what happened.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.activity.sentences import facts, sentence
from app.audit import AuditEntry
from app.errors import ApprovalNeeded
from app.usage import outcomes

# How far apart the entries of one approval can be: a day to decide, a day to fetch the outcome, and some.
APPROVAL_SPAN = timedelta(hours=49)
_AT_ONCE = timedelta(seconds=2)

_GOOD, _BAD, _WAITING, _NEUTRAL = "good", "error", "warning", ""
# The last entry of an approval, and the state it leaves it in: its words and how they are drawn.
_STATES = {
    "approval.requested": ("Waiting for approval", _WAITING),
    "approval.approved": ("Approved", _WAITING),
    "approval.rejected": ("Rejected", _NEUTRAL),
    "approval.expired": ("Expired", _NEUTRAL),
    "approval.carried_out": ("Done", _GOOD),
    "approval.did_not_work": ("Failed", _BAD),
    "approval.not_carried_out": ("Waiting for approval", _WAITING),
    "approval.outcome_unknown": ("Outcome unknown", _WAITING),
}
_STEPS = {
    "approval.requested": "Requested by {client} for {who}",
    "approval.approved": "Approved by {who}",
    "approval.rejected": "Rejected by {who}",
    "approval.expired": "Expired without a decision",
    "approval.carried_out": "Done",
    "approval.did_not_work": "Failed",
    "approval.not_carried_out": "Could not start, waiting for approval again",
    "approval.outcome_unknown": "Outcome unknown",
}
# An entry that only completes another: its action, those it completes, and what both have in common.
_COMPLETES = {
    "member.access_ended": ({"member.removed", "member.left"}, "subject"),
    "connection.revoked": ({"connection.disconnected"}, "subject"),
    "connection.revocation_not_needed": ({"connection.disconnected"}, "subject"),
    "connection.revocation_abandoned": ({"connection.disconnected"}, "subject"),
    "grant.created": ({"client.allowed"}, "client"),
}


@dataclass(frozen=True)
class ActStep:
    """One entry of an act that has several."""

    at: datetime
    words: str
    facts: list[tuple[str, str]]


@dataclass(frozen=True)
class Act:
    """One line of the page. `state` is "" for what simply happened; `kind` is how the state is drawn."""

    id: int
    at: datetime
    sentence: str
    state: str
    kind: str
    steps: list[ActStep]


@dataclass(frozen=True)
class _Group:
    """Entries that are one act, oldest first. `lead` names it; `at` is its place in the list."""

    at: datetime
    lead: AuditEntry
    entries: list[AuditEntry]


def approval_ids(groups: Iterable[_Group]) -> set[str]:
    """The approvals among these groups, to look up their headlines."""
    return {group.lead.subject for group in groups if group.lead.action in _STATES}


def group(
    entries: Sequence[AuditEntry],
    older: Sequence[AuditEntry],
    approvals: Sequence[AuditEntry],
    newer: set[int],
) -> list[_Group]:
    """The acts of a page, newest first.

    `entries` are the page, newest first, and `older` the next few, where steps of its acts may be;
    `approvals` every `approval.*` entry of about that time; `newer` the ids of those that stood on an
    earlier page, where their act is.
    """
    by_id: dict[str, list[AuditEntry]] = {}
    for entry in sorted(approvals, key=_position):
        by_id.setdefault(entry.subject, []).append(entry)
    # The approvals whose newest entry is on this page: each is one line, at that entry.
    here = {entry.subject for entry in entries if entry.action in _STATES} - {
        each.subject for each in approvals if each.id in newer
    }
    around = [*entries, *older]
    calls = {entry.id: _approval_of(entry, by_id) for entry in around if entry.action == "tool.called"}
    completed = {entry.id: _completed(entry, entries) for entry in entries if entry.action in _COMPLETES}
    groups: list[_Group] = []
    for entry in entries:
        if entry.action in _STATES and entry.subject in by_id:
            if entry.subject in here:
                here.discard(entry.subject)
                ran = [each for each in around if calls.get(each.id) == entry.subject and not _is_held(each)]
                steps = sorted([*by_id[entry.subject], *ran], key=_position)
                groups.append(_Group(entry.at, by_id[entry.subject][0], steps))
        elif not calls.get(entry.id) and completed.get(entry.id) is None:
            rest = [each for each in entries if completed.get(each.id) == entry.id]
            groups.append(_Group(entry.at, entry, sorted([entry, *rest], key=_position)))
    return groups


def describe(group: _Group, names: Mapping[str, str], headlines: Mapping[str, str]) -> Act:
    """An act in words. `names` maps user ids to names, `headlines` approvals to what their write does."""
    lead, entries = group.lead, group.entries
    state, kind = _state(group)
    return Act(
        id=lead.id or 0,
        at=group.at,
        sentence=sentence(_without_outcome(lead), names, headlines.get(lead.subject, "")),
        state=state,
        kind=kind,
        steps=[ActStep(each.at, _step_words(each, names, lead), _step_facts(each, lead)) for each in entries],
    )


def _state(group: _Group) -> tuple[str, str]:
    if group.lead.action in _STATES:
        decided = [entry for entry in group.entries if entry.action in _STATES]
        return _STATES[decided[-1].action]
    outcome = str(group.lead.details.get("outcome") or "ok")
    if group.lead.action == "tool.called" and outcome != "ok":
        return outcomes.describe(outcome), _WAITING if outcomes.is_fine(outcome) else _BAD
    if any(entry.action == "connection.revocation_abandoned" for entry in group.entries):
        return "Not confirmed by the service", _WAITING
    return "", _NEUTRAL


def _without_outcome(entry: AuditEntry) -> AuditEntry:
    """A call without its outcome, which the state says beside it."""
    if entry.action != "tool.called":
        return entry
    details = {**entry.details, "outcome": "ok"}
    return AuditEntry(**{**entry.model_dump(), "details": details})


def _step_words(entry: AuditEntry, names: Mapping[str, str], lead: AuditEntry) -> str:
    if entry.action in _STEPS:
        who = names.get(entry.user_id or "", "somebody")
        return _STEPS[entry.action].format(who=who, client=entry.details.get("client") or "An AI client")
    if entry.action == "tool.called" and lead.action in _STATES:
        outcome = str(entry.details.get("outcome"))
        return "Ran" if outcome == "ok" else f"Ran: {outcomes.describe(outcome).lower()}"
    return sentence(entry, names)


def _step_facts(entry: AuditEntry, lead: AuditEntry) -> list[tuple[str, str]]:
    """The details of a step that its first one does not have already."""
    if entry is lead:
        return facts(entry)
    known = {*facts(lead), ("Action", entry.action), ("Outcome", "ok")}
    left_out = {"Title", "ID", "Service", "Tool", "Connection"} if lead.action in _STATES else set()
    return [fact for fact in facts(entry) if fact not in known and fact[0] not in left_out]


def _approval_of(call: AuditEntry, approvals: Mapping[str, Sequence[AuditEntry]]) -> str | None:
    """The approval to which a call belongs: it was held for it, asked about it, or carries it out."""
    for approval_id, entries in approvals.items():
        first, last = entries[0], entries[-1]
        same = (first.user_id, first.details.get("tool"), first.details.get("connection")) == (
            call.user_id,
            call.details.get("tool"),
            call.subject,
        )
        end = last.at + (APPROVAL_SPAN if _STATES[last.action][1] == _WAITING else _AT_ONCE)
        begin = first.at - _AT_ONCE if _is_held(call) else _approved_at(entries)
        if same and begin is not None and begin <= call.at <= end:
            return approval_id
    return None


def _approved_at(entries: Sequence[AuditEntry]) -> datetime | None:
    return next((entry.at for entry in entries if entry.action == "approval.approved"), None)


def _is_held(call: AuditEntry) -> bool:
    return bool(call.details.get("outcome") == ApprovalNeeded.code)


def _completed(entry: AuditEntry, entries: Sequence[AuditEntry]) -> int | None:
    """The entry on this page that this one completes, or None."""
    actions, common = _COMPLETES[entry.action]
    for other in entries:
        if other.action in actions and abs(entry.at - other.at) < timedelta(hours=1):
            if common == "subject" and other.subject == entry.subject:
                return other.id
            same_client = other.details.get("client") == entry.details.get("client")
            if common == "client" and same_client and other.user_id == entry.user_id:
                return other.id
    return None


def _position(entry: AuditEntry) -> tuple[datetime, int]:
    return entry.at, entry.id or 0
