"""From an authorization request to a flow: check it, ask the person once, and let it wait.

RFC 6749 section 4.1.1 and 4.1.2.1. Two kinds of refusal: while client and redirect URI are not known to
belong together, our own error page; afterwards an error for the client, which a person who never allowed
that client sees on our page first.
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
from app.oauth_server import attempt_log, consents, flows, redirects, rfc9207_issuer, scopes, server
from app.oauth_server.models import Client, Flow
from app.oauth_server.rfc6749_client import KnownClient
from app.workspaces.guard import Member, current_member

_WAITING_PER_PERSON = 20


class UntrustedRequest(PatchbayError):
    """The client or its redirect URI is not known, so nothing may be sent there (RFC 6749 section
    4.1.2.1).
    """

    code = "INVALID_REQUEST"
    status = 400


@dataclass(frozen=True)
class Asked:
    """An authorization request whose client and redirect URI belong together. `error` says what else is
    wrong with it.
    """

    client: Client
    redirect_uri: str
    request: flows.Request | None
    error: OAuth2Error | None = None

    @property
    def error_url(self) -> str:
        """Where the error goes: back to the client, with state and issuer."""
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
    """What the consent page says."""

    flow_id: str
    client_name: str
    redirect_host: str
    redirect_target_for_csp: str
    known: bool
    local: bool
    sentences: tuple[str, ...]


def read() -> Asked:
    """The current request, checked. Raises UntrustedRequest when no answer may leave our own pages."""
    authorization = server.current()
    try:
        grant = authorization.get_consent_grant()
    except OAuth2Error as error:
        asked = authorization.create_oauth2_request()
        client = authorization.query_client(asked.payload.client_id) if asked.payload.client_id else None
        attempt_log.note_refusal(
            "/authorize",
            asked.payload.client_id,
            error,
            more=_where(client, asked.payload.redirect_uri),
            user_id=_signed_in(),
        )
        if client is None or not error.redirect_uri:
            raise UntrustedRequest(_in_words(error)) from None
        return Asked(client.row, error.redirect_uri, None, error)
    given = grant.request.payload
    client = grant.request.client
    request = flows.Request(
        client_id=client.client_id,
        client_name=client.row.name,
        redirect_uri=grant.redirect_uri,
        redirect_uri_sent=given.redirect_uri is not None,
        state=given.state,
        scope=grant.request.scope,
        resource=grant.request.resource,
        code_challenge=given.data["code_challenge"],
    )
    return Asked(client.row, grant.redirect_uri, request)


def _where(client: KnownClient | None, redirect_uri: str | None) -> str:
    """For the trail: where a client wanted to go back to, when it is not where it said it would."""
    if client is None or not redirect_uri or client.check_redirect_uri(redirect_uri):
        return ""
    expected = ", ".join(_bare(uri) for uri in client.row.redirect_uris[:4])
    return (
        f"{client.row.name} wanted to come back to {_bare(redirect_uri)}, but it is registered for "
        f"{expected}."
    )


def _bare(uri: str) -> str:
    """An address without its query, which may hold anything."""
    return uri.partition("?")[0].partition("#")[0][:120]


def _signed_in() -> str | None:
    found = current_member()
    return found.user.id if found else None


def _in_words(error: OAuth2Error) -> str:
    advice = "Nothing was connected. Remove the connector in the AI client and add it again."
    return f"The AI client sent a request we cannot answer. {error.description} {advice}"


def has_met(asked: Asked, member: Member) -> bool:
    """True when the person allowed this client before, so that an error may go straight back to it (R10)."""
    with reading() as db:
        return consents.has_seen(db, member.user.id, asked.client, asked.redirect_uri)


def begin(asked: Asked, member: Member) -> tuple[str, bool]:
    """Let the request wait. Gives the flow's id, and whether the person must still be asked."""
    assert asked.request is not None
    with transaction() as db:
        ask = not consents.is_remembered(
            db, member.user.id, asked.client, asked.redirect_uri, asked.request.scope
        )
        _forget_oldest_waiting(db, member.user.id)
        flow_id = flows.start(db, asked.request, member, allowed=not ask)
        sentence = (f"{asked.client.name} asked for access; ") + (
            "the person is asked." if ask else "allowed before, so on to the hub."
        )
        attempt_log.record(
            db, "authorize", sentence, client_id=asked.client.client_id, user_id=member.user.id
        )
    return flow_id, ask


def _forget_oldest_waiting(db: Session, user_id: str) -> None:
    """A page that reloads itself must not fill the table."""
    waiting = select(col(Flow.id_digest)).where(col(Flow.user_id) == user_id, col(Flow.spent_at).is_(None))
    old = list(db.scalars(waiting.order_by(col(Flow.created_at).desc()).offset(_WAITING_PER_PERSON - 1)))
    if old:
        db.execute(delete(Flow).where(col(Flow.id_digest).in_(old)))


def describe(flow_id: str, asked: Asked) -> ConsentView:
    """The consent page of a request."""
    assert asked.request is not None
    return ConsentView(
        flow_id=flow_id,
        client_name=asked.client.name,
        redirect_host=redirects.host_of(asked.redirect_uri),
        redirect_target_for_csp=redirects.form_target(asked.redirect_uri),
        known=redirects.is_known(asked.redirect_uri),
        local=redirects.is_local(asked.redirect_uri),
        sentences=tuple(scopes.in_words(asked.request.scope)),
    )


def allow(flow_id: str, member: Member) -> None:
    """The person's "Allow": remember it and open the flow. A second click changes nothing. Raises
    FlowGone.
    """
    try:
        _allow(flow_id, member)
    # the same "Allow" in another tab was a moment faster: now remember it on top of that one
    except IntegrityError:
        _allow(flow_id, member)


def _allow(flow_id: str, member: Member) -> None:
    with transaction() as db:
        flow = flows.get(db, flow_id, member, allowed=False)
        client = db.get(Client, flow.client_id)
        if client is None:
            raise flows.FlowGone()
        if flow.allowed_at is not None:
            return
        db.execute(update(Flow).where(col(Flow.id_digest) == digest(flow_id)).values(allowed_at=clock.now()))
        consents.remember(db, member.user.id, client, flow.redirect_uri, flow.scope)
        attempt_log.record(
            db, "consent", "The person allowed it.", client_id=flow.client_id, user_id=member.user.id
        )
        host = redirects.host_of(flow.redirect_uri)
        details = {"client": flow.client_name, "host": host, "scope": flow.scope}
        audit.record(
            db, "client.allowed", workspace_id=member.workspace.id, user_id=member.user.id, **details
        )


def refuse(flow_id: str, member: Member) -> str:
    """The person's "Cancel". Gives the URL that tells the client. Raises FlowGone."""
    with transaction() as db:
        return flows.cancel(db, flows.get(db, flow_id, member, allowed=False))
