"""An entry of the trail in words: "Alice connected Xero: Demo Company (AU)"."""

import re
from collections.abc import Mapping
from typing import Any

from app.audit import AuditEntry
from app.connectors.services import services_of
from app.errors import ApprovalNeeded
from app.usage import outcomes

GONE = "Deleted account"
OURSELVES = "System"
_LEVELS = {"off": "off", "read": "read only", "ask": "ask before changes", "write": "read and write"}
_LONGEST = 300

# {who} and {whom} are people, {service} is a service with its account, {client} an AI client; other names
# are details.
_SENTENCES = {
    "person.signed_in": "{who} signed in{by}",
    "person.sign_in_failed": "Failed sign-in as {whom}: wrong {secret}",
    "person.signed_out": "{who} signed out",
    "person.signed_out_everywhere": "{who} signed out of all browsers",
    "person.signed_out_elsewhere": "{who} signed out another browser",
    "person.registered": "{who} created an account",
    "person.renamed": "{who} changed their name",
    "person.notifications_changed": "{who} changed which emails they get",
    "person.password_changed": "{who} changed their password",
    "person.email_changed": "{who} changed their email address",
    "person.disabled": "The operator disabled {whom}",
    "person.enabled": "The operator enabled {whom}",
    "person.deleted": "{who} deleted their account",
    "person.google_linked": "{who} linked a Google account",
    "person.google_unlinked": "{who} unlinked the Google account",
    "connection.connected": "{who} connected {service}",
    "connection.reconnected": "{who} reconnected {service}",
    "connection.reconnect_needed": "{service} ended our access",
    "connection.recovered": "{service} works again",
    "connection.disconnected": "{who} disconnected {service}",
    "connection.permission_changed": "{who} set {service} to {level_words}",
    "connection.tools_changed": "{who} changed which tools of {service} are on",
    "connection.approval_place_changed": "{who} changed where writes to {service} are approved",
    "connection.renamed": "{who} renamed {service}{new_label}",
    "connection.visibility_changed": "{who} made {service} {visibility}",
    "connection.handed_over": "{service} got a new owner",
    "connection.revoked": "{service} confirmed that access was revoked",
    "connection.revocation_not_needed": "{service} had no access left to revoke",
    "connection.revocation_abandoned": "{service} did not confirm that access was revoked",
    "mcp_server.client_obtained": "A client was obtained at the MCP server {name}",
    "client.allowed": "{who} allowed {client} to connect from {host}",
    "client.denied": "{who} denied {client} from {host}",
    "grant.created": "{who} connected {client}",
    "grant.revoked": "{who} revoked the access of {client}",
    "grant.selection_changed": "{who} changed what {client} can use",
    "token.created": "{who} created the token “{name}”",
    "token.exchanged": "{client} renewed its access for {who} with an identity token",
    "identity.linked": "{who} signed in with Firebase for the first time",
    "identity.removed": "The Firebase sign-in of {whom} was removed",
    "identity.allowed": "{who} allowed their Firebase sign-in again",
    "identity.forgotten": "The operator unlinked the Firebase sign-in of {whom}",
    "setup.confirmed": "An email address was confirmed for setup by API",
    "token.revoked": "{client} revoked a token of {who}",
    "installation.restored": "The installation was restored from a backup",
    "tool.called": "{client} used “{title}”{of_service} for {who}",
    "approval.requested": "{client} requested “{title}”{of_service} for {who}",
    "approval.approved": "{who} approved “{title}”{of_service}",
    "approval.rejected": "{who} rejected “{title}”{of_service}",
    "approval.expired": "“{title}”{of_service} expired without a decision",
    "approval.carried_out": "“{title}”{of_service} was approved and done",
    "approval.did_not_work": "“{title}”{of_service} was approved, but failed",
    "approval.not_carried_out": "“{title}”{of_service} could not start and is waiting again",
    "approval.outcome_unknown": "“{title}”{of_service} was approved. Its outcome is unknown",
    "member.joined": "{who} joined the workspace",
    "member.left": "{who} left the workspace",
    "member.removed": "{who} removed {whom} from the workspace",
    "member.role_changed": "{who} changed the role of {whom} to {after}",
    "member.access_ended": "Access of {whom} ended: AI clients, tokens and personal connections",
    "invitation.sent": "{who} invited {email}",
    "invitation.sent_again": "{who} resent the invitation to {email}",
    "invitation.withdrawn": "{who} withdrew the invitation to {email}",
    "invitation.accepted": "{who} accepted an invitation",
    "workspace.created": "{who} created the workspace",
    "workspace.deleted": "{who} deleted the workspace",
    "workspace.changed": "{who} changed the workspace settings",
    "workspace.handed_over": "{who} transferred ownership to {whom}",
    "workspace.limits_changed": "{who} changed the workspace limits",
    "workspace.activated": "{who} activated the workspace",
    "workspace.deactivated": "{who} deactivated the workspace",
    "api_key.created": "{who} created the API key “{name}”",
    "api_key.moved": "An API key of {who} moved from workspace {before} to {after}",
    "api_key.left": "An API key of {who} left the workspace",
    "api_key.came": "An API key of {who} joined the workspace",
    "client.blocked": "{who} blocked {client}",
    "client.unblocked": "{who} unblocked {client}",
    "connector.changed": "{who} changed the settings of {service_named}",
    "person.made_operator": "{whom} became an operator",
    "person.stood_down_as_operator": "{whom} is no longer an operator",
    "webhook.created": "{who} added the webhook to {host}",
    "webhook.changed": "{who} changed the webhook to {host}",
    "webhook.secret_rotated": "{who} rotated the secret of the webhook to {host}",
    "webhook.enabled": "{who} turned on the webhook to {host}",
    "webhook.disabled": "{who} turned off the webhook to {host}",
    "webhook.turned_off": "The webhook to {host} was turned off: {reason}",
    "webhook.deleted": "{who} deleted the webhook to {host}",
    "mcp_server.added": "{who} added the MCP server {name}",
    "mcp_server.renamed": "{who} renamed the MCP server {before} to {name}",
    "mcp_server.client_changed": "{who} replaced the OAuth app of {service}",
    "mcp_server.removed": "{who} removed the MCP server {name}",
    "mcp_server.tools_held": "{service} added or changed tools, which wait for review: {tools}",
    "mcp_server.tools_restored": "{service} lists {tools} again as they were allowed",
    "mcp_server.tools_gone": "{service} no longer lists {tools}",
    "mcp_server.tools_allowed": "{who} allowed tools of {service}: {tools}",
    "mcp_server.tools_turned_off": "{who} turned off tools of {service}: {tools}",
    "mcp_server.tools_turned_on": "{who} turned on tools of {service}: {tools}",
    "mcp_server.reads_accepted": "{who} counted tools of {service} as reading: {tools}",
    "mcp_server.reads_withdrawn": "{who} counted tools of {service} as changes: {tools}",
    "budget.spent": "Too many attempts: {subject}",
    "audit.chain_began": "The audit trail of workspace {subject} began",
}
_REFUSED = "{client} tried “{title}”{of_service} for {who}: {outcome_words}"

_WITH_HEADLINE = "{client} for {who}: {headline}"
_NEEDS_APPROVAL = "{client} requested “{title}”{of_service} for {who}: approval needed"


class _Values(dict[str, str]):
    """Details for a sentence; a missing one is "something"."""

    def __missing__(self, name: str) -> str:
        return "something"


def sentence(entry: AuditEntry, names: Mapping[str, str], headline: str = "") -> str:
    """What happened. `names` maps user ids to names; an action without a sentence shows its own name.

    `headline` says what an approval's write does; without it the tool's title must do.
    """
    form = _WITH_HEADLINE if headline else _SENTENCES.get(entry.action)
    if entry.action == "tool.called" and entry.details.get("outcome") not in {"ok", None}:
        form = _NEEDS_APPROVAL if entry.details["outcome"] == ApprovalNeeded.code else _REFUSED
    who = _person(entry.user_id, names)
    text = (
        form.format_map(_values(entry, who, names, headline))
        if form
        else f"{who}: {entry.action.replace('.', ' ').replace('_', ' ')}"
    )
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return text[0].upper() + text[1:] if text.startswith(("a ", "an ")) else text


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
        rows.append(("ID", entry.subject))
    if entry.seq:
        rows.append(("Entry", f"{entry.seq:,}"))
    return rows


def _values(entry: AuditEntry, who: str, names: Mapping[str, str], headline: str) -> _Values:
    details = entry.details
    found = services_of(entry.workspace_id or None).find_tool(str(details.get("tool") or ""))
    values = _Values({name: _describe(value) for name, value in details.items() if value not in ("", None)})
    slug = str(details.get("slug") or (found[0].slug if found else ""))
    title = details.get("title") or (found[1].title if found else details.get("tool"))
    service = _service(entry, slug) if slug else "a service"
    account = details.get("account")
    values |= {
        "who": who,
        "whom": _person(entry.subject or None, names, nobody="an unknown address"),
        "subject": entry.subject,
        "service_named": _service(entry, entry.subject),
        "service": f"{service}: {account}" if account else service,
        "of_service": f" in {service}" if slug else "",
        "title": str(title or "a tool"),
        "headline": headline,
        "outcome_words": outcomes.describe(str(details.get("outcome"))).lower(),
        "client": values.get("client") or "an AI client",
        "by": {"code": " with an emailed code", "password": " with a password", "google": " with Google"}.get(
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
