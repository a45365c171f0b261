"""An entry of the trail in words: "Alice connected Xero: Demo Company (AU)"."""

import re
from collections.abc import Mapping
from typing import Any

from app.audit import AuditEntry
from app.connectors.services import services_of

GONE = "Somebody whose account was deleted"
OURSELVES = "The hub"
_LEVELS = {"off": "off", "read": "read only", "ask": "ask before writing", "write": "read and write"}
_LONGEST = 300

# {who} and {whom} are people, {service} is a service with its account, {client} an AI client; other names
# are details.
_SENTENCES = {
    "person.signed_in": "{who} signed in{by}",
    "person.sign_in_failed": "Somebody tried to sign in as {whom} and did not know the {secret}",
    "person.signed_out": "{who} signed out",
    "person.signed_out_everywhere": "{who} signed out everywhere",
    "person.signed_out_elsewhere": "{who} signed out another browser",
    "person.registered": "{who} created an account",
    "person.renamed": "{who} changed their name",
    "person.password_changed": "{who} changed the password",
    "person.email_changed": "{who} changed the e-mail address",
    "person.disabled": "{whom} was kept out by the operator",
    "person.enabled": "{whom} was let in again by the operator",
    "person.deleted": "{who} deleted their account",
    "person.google_linked": "{who} linked a Google account to sign in with",
    "person.google_unlinked": "{who} unlinked the Google account",
    "connection.connected": "{who} connected {service}",
    "connection.reconnected": "{who} reconnected {service}",
    "connection.reconnect_needed": "{service} ended the sign-in and must be reconnected",
    "connection.recovered": "{service} works again without being reconnected",
    "connection.disconnected": "{who} disconnected {service}",
    "connection.permission_changed": "{who} set {service} to “{level_words}”",
    "connection.renamed": "{who} renamed {service}{new_label}",
    "connection.visibility_changed": "{who} made {service} {visibility}",
    "connection.handed_over": "{service} was handed over",
    "connection.revoked": "{service} confirmed that the access has ended",
    "connection.revocation_not_needed": "The access at {service} had nothing left to end",
    "connection.revocation_abandoned": "{service} did not confirm that the access has ended",
    "client.allowed": "{who} allowed {client}, which returns to {host}",
    "client.denied": "{who} did not allow {client}, which returns to {host}",
    "grant.created": "{who} let {client} in",
    "grant.revoked": "{who} ended the access of {client}",
    "token.created": "{who} made the token “{name}”",
    "token.exchanged": "{client} of {who} showed an identity token, or prolonged its access by one",
    "identity.linked": "{who} used a Firebase login for the first time",
    "identity.forgotten": "The operator forgot the Firebase login of {whom}",
    "setup.confirmed": "An address was confirmed to set up a company by API",
    "token.revoked": "{client} of {who} gave back a token",
    "tool.called": "{client} of {who} used “{title}”{of_service}",
    "approval.requested": "{client} of {who} asked to be allowed “{tool}”",
    "approval.approved": "{who} approved “{tool}”",
    "approval.rejected": "{who} rejected “{tool}”",
    "approval.expired": "Nobody decided about “{tool}” in time",
    "approval.carried_out": "“{tool}” was done as approved",
    "approval.did_not_work": "“{tool}” was approved, but did not work",
    "approval.not_carried_out": "“{tool}” was approved, could not be done, and waits again",
    "approval.outcome_unknown": "“{tool}” was approved, and may or may not have been done",
    "member.joined": "{who} joined the workspace",
    "member.left": "{who} left the workspace",
    "member.removed": "{who} removed {whom} from the workspace",
    "member.role_changed": "{who} made {whom} {after}",
    "member.access_ended": "The AI clients and connections of {whom} were ended",
    "invitation.sent": "{who} invited {email}",
    "invitation.sent_again": "{who} invited {email} again",
    "invitation.withdrawn": "{who} took the invitation of {email} back",
    "invitation.accepted": "{who} accepted an invitation",
    "workspace.created": "{who} created the workspace",
    "workspace.deleted": "{who} deleted the workspace",
    "workspace.changed": "{who} changed the settings of the workspace",
    "workspace.handed_over": "{who} handed the workspace over to {whom}",
    "workspace.limits_changed": "{who} changed the limits of the workspace",
    "workspace.activated": "{who} activated the workspace",
    "workspace.deactivated": "{who} deactivated the workspace",
    "api_key.created": "{who} made the API key “{name}”",
    "api_key.moved": "An API key of {who} went from workspace {before} to {after}",
    "api_key.left": "An API key of {who} left the workspace",
    "api_key.came": "An API key of {who} came to the workspace",
    "client.blocked": "{who} blocked {client}",
    "client.unblocked": "{who} unblocked {client}",
    "connector.changed": "{who} changed how {service_named} is offered",
    "person.made_operator": "{whom} was made an operator",
    "person.stood_down_as_operator": "{whom} is no operator any more",
    "budget.spent": "Something was tried too often: {subject}",
    "audit.chain_began": "The trail of the workspace {subject} was begun",
}
_REFUSED = "{client} of {who} wanted to use “{title}”{of_service}, which did not work ({outcome})"


class _Values(dict[str, str]):
    """Details for a sentence; a missing one is "something"."""

    def __missing__(self, name: str) -> str:
        return "something"


def sentence(entry: AuditEntry, names: Mapping[str, str]) -> str:
    """What happened. `names` maps user ids to names; an action without a sentence shows its own name."""
    form = _SENTENCES.get(entry.action)
    if entry.action == "tool.called" and entry.details.get("outcome") not in {"ok", None}:
        form = _REFUSED
    who = _person(entry.user_id, names)
    text = (
        form.format_map(_values(entry, who, names))
        if form
        else f"{who}: {entry.action.replace('.', ' ').replace('_', ' ')}"
    )
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return text[0].upper() + text[1:] if text.startswith(("a ", "an ", "somebody ")) else text


def facts(entry: AuditEntry) -> list[tuple[str, str]]:
    """The details one by one, in words."""
    rows = [("Action", entry.action)]
    details = sorted(
        (name, value) for name, value in entry.details.items() if value not in ("", None) and name != "slug"
    )
    if slug := entry.details.get("slug"):
        rows.append(("Service", _service(entry, str(slug))))
    rows += [(name.replace("_", " ").capitalize(), _describe(value)) for name, value in details]
    if entry.subject:
        rows.append(("Concerns", entry.subject))
    if entry.seq:
        rows.append(("Entry", f"{entry.seq:,}"))
    return rows


def _values(entry: AuditEntry, who: str, names: Mapping[str, str]) -> _Values:
    details = entry.details
    values = _Values({name: _describe(value) for name, value in details.items() if value not in ("", None)})
    slug = str(details.get("slug") or "")
    service = _service(entry, slug) if slug else "a service"
    account = details.get("account")
    values |= {
        "who": who,
        "whom": _person(entry.subject or None, names, nobody="somebody unknown"),
        "subject": entry.subject,
        "service_named": _service(entry, entry.subject),
        "service": f"{service}: {account}" if account else service,
        "of_service": f" in {service}" if slug else "",
        "client": values.get("client") or "an AI client",
        "by": {"code": " by a mailed code", "password": " by password", "google": " with Google"}.get(
            str(details.get("how")), ""
        ),
        "secret": "code" if details.get("how") == "code" else "password",
        "level_words": _LEVELS.get(str(details.get("level")), str(details.get("level"))),
        "new_label": f" to “{details['label']}”" if details.get("label") else "",
    }
    return values


def _service(entry: AuditEntry, slug: str) -> str:
    connector = services_of(entry.workspace_id or None).find(slug)
    return connector.name if connector else slug


def _person(user_id: str | None, names: Mapping[str, str], nobody: str = OURSELVES) -> str:
    return names.get(user_id, GONE) if user_id else nobody


def _describe(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_describe(part)}" for name, part in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(_describe(part) for part in value) or "none"
    return re.sub(r"\s+", " ", str(value))
