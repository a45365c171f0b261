"""Flows: an authorization request waits in the database while its person looks at the hub.

A flow belongs to one person and one signed-in browser, lives 30 minutes and ends once: with a code, or with
`access_denied`. It is a row, so it survives restarts and any host can continue it.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update
from sqlmodel import Session, col

from app import audit, clock
from app.crypto import digest, new_id, new_token
from app.errors import PatchbayError
from app.oauth_server import attempt_log, redirects, rfc9207_issuer, selection_store
from app.oauth_server.models import AuthorizationCode, Flow, Grant
from app.workspaces.guard import Member

FLOW_PREFIX = "flw_"
CODE_PREFIX = "pbc_"
_FLOW_MINUTES = 30
_CODE_MINUTES = 10
_FAMILY_DAYS = 365  # the absolute end of a grant, however often it is refreshed


class FlowGone(PatchbayError):
    """The flow belongs to somebody else, was used, or has expired: the response is the same for all three."""

    code = "FLOW_GONE"
    status = 400
    message = (
        "This step of connecting your AI client has expired or was already finished. Go back to the "
        "AI client and connect again."
    )


@dataclass(frozen=True)
class FlowView:
    """What a page displays about a flow."""

    client_name: str
    redirect_host: str
    redirect_target_for_csp: str
    known: bool
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class AuthorizationRequest:
    """A checked authorization request."""

    client_id: str
    client_name: str
    redirect_uri: str
    redirect_uri_sent: bool
    state: str | None
    scope: str
    resource: str
    code_challenge: str


def start(db: Session, request: AuthorizationRequest, member: Member, *, allowed: bool = True) -> str:
    """Stores a request for its person, who has allowed it or is asked next.

    It begins with what the person selected for this client before. Returns the flow's id, which is stored
    only as a digest.
    """
    at = clock.now()
    before = selection_store.find_earlier(
        db, member, request.client_id, request.client_name, request.redirect_uri
    )
    flow_id = new_token(FLOW_PREFIX)
    db.add(
        Flow(
            id_digest=digest(flow_id),
            user_id=member.user.id,
            workspace_id=member.workspace.id,
            session_digest=member.session.id_digest,
            **vars(request),
            created_at=at,
            expires_at=at + timedelta(minutes=_FLOW_MINUTES),
            allowed_at=at if allowed else None,
            selection=before.as_json(),
        )
    )
    return flow_id


def get(db: Session, flow_id: str, member: Member, *, allowed: bool = True) -> Flow:
    """The waiting flow of this person in this browser; with `allowed=False` also one without consent yet.

    Raises FlowGone otherwise.
    """
    query = select(Flow).where(
        col(Flow.id_digest) == digest(flow_id),
        col(Flow.user_id) == member.user.id,
        col(Flow.session_digest) == member.session.id_digest,
        col(Flow.spent_at).is_(None),
        col(Flow.expires_at) > clock.now(),
    )
    flow = db.scalars(query).first()
    if flow is None or (allowed and flow.allowed_at is None):
        raise FlowGone()
    return flow


def describe(flow: Flow) -> FlowView:
    """The flow for a page: which client, where it returns to, what it may do."""
    return FlowView(
        client_name=flow.client_name,
        redirect_host=redirects.host_of(flow.redirect_uri),
        redirect_target_for_csp=redirects.form_target(flow.redirect_uri),
        known=redirects.is_known(flow.redirect_uri),
        scopes=tuple(flow.scope.split()),
    )


def complete(db: Session, flow: Flow, member: Member) -> str:
    """Spends the flow on an authorization code (RFC 6749 section 4.1.2). Returns the URL to redirect the
    browser to.

    The grant belongs to the workspace the person is in now. Raises FlowGone if the flow ended in the
    meantime.
    """
    _spend(db, flow)
    at = clock.now()
    before = selection_store.find_earlier(db, member, flow.client_id, flow.client_name, flow.redirect_uri)
    grant = Grant(
        id=new_id("grt"),
        kind="oauth",
        user_id=member.user.id,
        workspace_id=member.workspace.id,
        client_id=flow.client_id,
        client_name=flow.client_name,
        redirect_host=redirects.host_of(flow.redirect_uri),
        scope=flow.scope,
        resource=flow.resource,
        created_at=at,
        expires_at=at + timedelta(days=_FAMILY_DAYS),
        selection=before.as_json(),
    )
    code = new_token(CODE_PREFIX)
    db.add(grant)
    db.flush()
    selection_store.save(db, grant, selection_store.of_finished(db, flow, member, before), by=member.user.id)
    db.add(
        AuthorizationCode(
            code_digest=digest(code),
            grant_id=grant.id,
            client_id=flow.client_id,
            redirect_uri=flow.redirect_uri,
            redirect_uri_sent=flow.redirect_uri_sent,
            scope=flow.scope,
            resource=flow.resource,
            code_challenge=flow.code_challenge,
            created_at=at,
            expires_at=at + timedelta(minutes=_CODE_MINUTES),
        )
    )
    details = {"client": flow.client_name, "scope": grant.scope}
    audit.record(db, "grant.created", **audit.about(grant, grant.user_id), **details)
    attempt_log.record(
        db,
        "code issued",
        f"The browser returned to {grant.redirect_host} with a code.",
        client_id=flow.client_id,
        user_id=member.user.id,
    )
    return rfc9207_issuer.answer(flow.redirect_uri, [("code", code), ("state", flow.state)])


def cancel(db: Session, flow: Flow) -> str:
    """Spends the flow on a refusal (RFC 6749 section 4.1.2.1). Returns the URL to redirect the browser to."""
    _spend(db, flow)
    details = {"client": flow.client_name, "host": redirects.host_of(flow.redirect_uri)}
    audit.record(db, "client.denied", workspace_id=flow.workspace_id, user_id=flow.user_id, **details)
    attempt_log.record(
        db,
        "cancelled",
        "Access was not granted: cancelled on the consent page or in the hub.",
        client_id=flow.client_id,
        user_id=flow.user_id,
        outcome="access_denied",
    )
    return rfc9207_issuer.answer(
        flow.redirect_uri,
        [
            ("error", "access_denied"),
            ("error_description", "Access was not granted."),
            ("state", flow.state),
        ],
    )


def _spend(db: Session, flow: Flow) -> None:
    """Ends the flow. Of two concurrent clicks only one finds it unspent; the other raises FlowGone."""
    at = clock.now()
    spent = db.execute(
        update(Flow)
        .where(col(Flow.id_digest) == flow.id_digest, col(Flow.spent_at).is_(None), col(Flow.expires_at) > at)
        .values(spent_at=at)
        .execution_options(synchronize_session=False)
    )
    if spent.rowcount != 1:  # type: ignore[attr-defined]
        raise FlowGone()
