"""Turns an authorization request into a waiting flow: checks it and asks the person for consent once.

RFC 6749 sections 4.1.1 and 4.1.2.1. There are two kinds of refusal. Until client and redirect URI are known
to belong together, our own error page. Afterwards an OAuth error for the client, which a person who never
allowed that client sees on our page first.
"""

from dataclasses import dataclass

from authlib.oauth2.rfc6749 import OAuth2Error
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from app import audit, clock
from app.crypto import digest
from app.database import reading, transaction
from app.errors import PatchbayError
from app.oauth_server import (
    attempt_log,
    client_documents,
    consent_choice,
    consents,
    flows,
    redirects,
    rfc9207_issuer,
    scopes,
    server,
)
from app.oauth_server.consent_choice import ConsentChoice, ConsentTicks
from app.oauth_server.models import Client, Flow
from app.oauth_server.rfc6749_client import KnownClient
from app.oauth_server.selections import Selection
from app.workspaces.guard import Member, current_member

_WAITING_PER_PERSON = 20


class UntrustedRequest(PatchbayError):
    """The client or its redirect URI is unknown, so nothing may be sent there (RFC 6749 section 4.1.2.1)."""

    code = "INVALID_REQUEST"
    status = 400


@dataclass(frozen=True)
class CheckedRequest:
    """An authorization request with matching client and redirect URI. `error` holds any other fault."""

    client: Client
    redirect_uri: str
    request: flows.AuthorizationRequest | None
    error: OAuth2Error | None = None

    @property
    def error_url(self) -> str:
        """The client's redirect URI with the error, `state` and `iss`."""
        assert self.error is not None
        return rfc9207_issuer.answer(
            self.redirect_uri,
            [
                ("error", self.error.error),
                ("error_description", self.error.description),
                ("state", self.error.state),
            ],
        )


@dataclass(frozen=True)
class ConsentView:
    """What the consent page displays."""

    flow_id: str
    client_name: str
    redirect_host: str
    redirect_target_for_csp: str
    known: bool
    local: bool
    sentences: tuple[str, ...]
    choice: ConsentChoice


def read() -> CheckedRequest:
    """Checks the current request. Raises UntrustedRequest when no response may leave our own pages."""
    authorization = server.current()
    try:
        grant = authorization.get_consent_grant()
    except OAuth2Error as error:
        payload = authorization.create_oauth2_request().payload
        client = authorization.query_client(payload.client_id) if payload.client_id else None
        attempt_log.mark_browser()
        attempt_log.note_refusal(
            "/authorize",
            payload.client_id,
            error,
            more=_where(client, payload.redirect_uri),
            user_id=_signed_in(),
        )
        if client is None or not error.redirect_uri:
            raise UntrustedRequest(_sentence_of(error)) from None
        return CheckedRequest(client.row, error.redirect_uri, None, error)
    given = grant.request.payload
    client = grant.request.client
    request = flows.AuthorizationRequest(
        client_id=client.client_id,
        client_name=client.row.name,
        redirect_uri=grant.redirect_uri,
        redirect_uri_sent=given.redirect_uri is not None,
        state=given.state,
        scope=grant.request.scope,
        resource=grant.request.resource,
        code_challenge=given.data["code_challenge"],
    )
    return CheckedRequest(client.row, grant.redirect_uri, request)


def _where(client: KnownClient | None, redirect_uri: str | None) -> str:
    """For the log: the redirect URI a client sent, when it is not one of those it registered."""
    if client is None or not redirect_uri or client.check_redirect_uri(redirect_uri):
        return ""
    expected = ", ".join(_bare(uri) for uri in client.row.redirect_uris[:4])
    return f"{client.row.name} asked to return to {_bare(redirect_uri)}, but is registered for {expected}."


def _bare(uri: str) -> str:
    """A URI without its query and fragment, which may hold anything."""
    return uri.partition("?")[0].partition("#")[0][:120]


def _signed_in() -> str | None:
    found = current_member()
    return found.user.id if found else None


def _sentence_of(error: OAuth2Error) -> str:
    advice = "Nothing was connected. Remove the connector in the AI client and add it again."
    return f"The AI client sent an invalid request. {error.description} {advice}"


def is_previously_allowed(checked: CheckedRequest, member: Member) -> bool:
    """True when the person allowed this client before, so that an error may go straight back to it (R10)."""
    with reading() as db:
        return consents.is_client_allowed(db, member.user.id, checked.client, checked.redirect_uri)


def begin(checked: CheckedRequest, member: Member) -> tuple[str, bool]:
    """Stores the request as a flow. Returns the flow's id, and whether the person must still be asked."""
    assert checked.request is not None
    with transaction() as db:
        ask = not consents.is_remembered(
            db, member.user.id, checked.client, checked.redirect_uri, checked.request.scope
        )
        _forget_oldest_waiting(db, member.user.id)
        flow_id = flows.start(db, checked.request, member, allowed=not ask)
        sentence = (f"{checked.client.name} asked for access; ") + (
            "the consent page opened." if ask else "allowed before, so the hub opened."
        )
        attempt_log.record(
            db, "authorize", sentence, client_id=checked.client.client_id, user_id=member.user.id
        )
    return flow_id, ask


def _forget_oldest_waiting(db: Session, user_id: str) -> None:
    """Caps the waiting flows per person, so that a page that reloads itself cannot fill the table."""
    waiting = select(col(Flow.id_digest)).where(col(Flow.user_id) == user_id, col(Flow.spent_at).is_(None))
    old = list(db.scalars(waiting.order_by(col(Flow.created_at).desc()).offset(_WAITING_PER_PERSON - 1)))
    if old:
        db.execute(delete(Flow).where(col(Flow.id_digest).in_(old)))


def describe(flow_id: str, checked: CheckedRequest, member: Member) -> ConsentView:
    """The consent page of a request."""
    assert checked.request is not None
    with reading() as db:
        flow = flows.get(db, flow_id, member, allowed=False)
        choice = consent_choice.load(db, member, flow)
    return ConsentView(
        flow_id=flow_id,
        client_name=checked.client.name,
        redirect_host=redirects.host_of(checked.redirect_uri),
        redirect_target_for_csp=redirects.form_target(checked.redirect_uri),
        known=redirects.is_known(checked.redirect_uri),
        local=redirects.is_local(checked.redirect_uri),
        sentences=tuple(scopes.describe(checked.request.scope)),
        choice=choice,
    )


def allow(flow_id: str, member: Member, ticks: ConsentTicks) -> None:
    """Records the person's "Allow" with what they ticked, and opens the flow; idempotent. Raises FlowGone."""
    try:
        _allow(flow_id, member, ticks)
    # Another tab stored the same "Allow" first: add to that row.
    except IntegrityError:
        _allow(flow_id, member, ticks)


def _allow(flow_id: str, member: Member, ticks: ConsentTicks) -> None:
    with transaction() as db:
        flow = flows.get(db, flow_id, member, allowed=False)
        client = db.get(Client, flow.client_id) or client_documents.pinned(flow.client_id)
        if client is None:
            raise flows.FlowGone()
        db.add(client)  # a pinned one gets its row now, so that operators see it
        if flow.allowed_at is not None:
            return
        before, may_write = Selection.of_json(flow.selection), consent_choice.can_write(flow)
        selection = ticks.selection(before, may_write=may_write)
        db.execute(
            update(Flow)
            .where(col(Flow.id_digest) == digest(flow_id))
            .values(allowed_at=clock.now(), selection=selection.as_json())
        )
        consents.remember(db, member.user.id, client, flow.redirect_uri, flow.scope)
        attempt_log.record(
            db, "consent", "Allowed on the consent page.", client_id=flow.client_id, user_id=member.user.id
        )
        host = redirects.host_of(flow.redirect_uri)
        details = {"client": flow.client_name, "host": host, "scope": flow.scope}
        audit.record(
            db, "client.allowed", workspace_id=member.workspace.id, user_id=member.user.id, **details
        )


def refuse(flow_id: str, member: Member) -> str:
    """Records the person's "Cancel" and returns the client's redirect URL with the error. Raises FlowGone."""
    with transaction() as db:
        return flows.cancel(db, flows.get(db, flow_id, member, allowed=False))
