"""Connecting by a form of ours: API keys, client credentials, a login (`app/connectors/credential_forms.py`).

The form is a handshake like any other (`handshake.py`), so that it retains its flow, its chat and the
connection to reconnect; it ends once something is connected. The input is checked with the service before it
is stored, and a refusal appears beside its field. Secrets are never displayed again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from sqlmodel import Session

from app import database
from app.accounts import budgets
from app.accounts.budgets import Rule
from app.config import Settings
from app.connectors.connector import Connector
from app.connectors.credential_forms import OAUTH, Field, Form
from app.connectors.endpoints import Endpoints
from app.errors import PatchbayError
from app.hub import flow_return, handshake_state, refusals
from app.hub import handshake as handshakes
from app.hub.handshake import ConnectIntent, HandshakeGone
from app.hub.models import Handshake
from app.vault import access, form_exchange
from app.vault.access import TokenNotAccepted
from app.vault.token_endpoint import TokenRefused
from app.workspaces.guard import Member

_LIFE = timedelta(hours=1)  # time to create a key at the service
# We would be responsible for somebody trying passwords at a service through us.
_ATTEMPTS = Rule("form-sign-in", limit=30, seconds=600)


@dataclass(frozen=True)
class CredentialForm:
    """The page with the form. `problems` are sentences by field name, "" for the whole form."""

    connector: Connector
    form: Form
    state: str
    choices: tuple[tuple[str, str], ...]  # key and title of each auth method, if there are several
    reconnects: bool
    sandbox: bool
    flow_id: str = ""
    client_name: str = ""
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    problems: Mapping[str, str] = field(default_factory=dict)
    status: int = 200

    @property
    def deed(self) -> str:
        """The label of the button."""
        return "Reconnect" if self.reconnects else "Connect"


def begin(
    db: Session,
    settings: Settings,
    member: Member,
    connector: Connector,
    where: Endpoints,
    auth_method: str,
    intent: ConnectIntent,
) -> CredentialForm:
    """Stores the handshake and returns the form: empty, or in the sandbox with values it accepts."""
    handshake, state = handshakes.create(db, settings, member, connector, intent, _LIFE)
    return _page(settings, connector, where, form_of(connector, where, auth_method), handshake, state)


def submit(
    settings: Settings, member: Member, connector: Connector, where: Endpoints, given: Mapping[str, str]
) -> Handshake | CredentialForm:
    """Checks the input with the service and stores the result. Returns the finished handshake, or the form
    with its problems.

    Raises HandshakeGone. Idempotent: sent twice, it connects once.
    """
    state = given.get("state", "")
    handshake = handshakes.find(member, connector, state)
    if handshake.outcome:
        return handshake
    form = form_of(connector, where, given.get("way", ""))
    values = {entry.name: entry.taken(given.get(entry.name, "")) for entry in form.fields}
    problems = {
        entry.name: problem for entry in form.fields if (problem := entry.problem_with(values[entry.name]))
    }
    if problems:
        return _page(settings, connector, where, form, handshake, state, values, problems)
    try:
        with database.transaction() as db:
            budgets.take(db, settings, _ATTEMPTS, member.user.id, connector.slug)
        tokens = form_exchange.obtain(connector, where, form, values)
        account = access.probe(
            settings, connector, where, tokens, {name: values[name] for name in form.facts}
        )
        return handshakes.store_tokens(
            settings,
            member,
            handshake,
            connector,
            account,
            tokens,
            _warning(form, values),
            visibility=handshake_state.visibility_of(state),
        )
    except (TokenRefused, TokenNotAccepted):
        return _page(
            settings,
            connector,
            where,
            form,
            handshake,
            state,
            values,
            {form.blamed_field: f"{connector.name} {form.refused}"},
        )
    except PatchbayError as error:
        refused = {"": refusals.describe(connector, error)}
        return _page(settings, connector, where, form, handshake, state, values, refused, error.status)


def form_of(connector: Connector, where: Endpoints, auth_method: str) -> Form:
    """The form of that auth method, or the first one open here. Raises HandshakeGone if there is none."""
    forms = [form for form in connector.forms if form.key in where.auth_methods]
    if not forms:
        raise HandshakeGone()
    return next((form for form in forms if form.key == auth_method), forms[0])


def _page(
    settings: Settings,
    connector: Connector,
    where: Endpoints,
    form: Form,
    handshake: Handshake,
    state: str,
    values: Mapping[str, str] | None = None,
    problems: Mapping[str, str] | None = None,
    status: int = 422,
) -> CredentialForm:
    titles = {each.key: each.title for each in connector.forms} | {OAUTH: f"Sign in at {connector.name}"}
    return CredentialForm(
        connector,
        form,
        state,
        choices=tuple((auth_method, titles[auth_method]) for auth_method in where.auth_methods)
        if len(where.auth_methods) > 1
        else (),
        reconnects=handshake.connection_id is not None,
        sandbox=where.sandbox,
        flow_id=flow_return.flow_of(settings, handshake) or "",
        client_name=handshake.client_name,
        values={
            entry.name: _prefilled(entry, (values or {}).get(entry.name, ""), sandbox=where.sandbox)
            for entry in form.fields
        },
        problems=problems or {},
        status=status if problems else 200,
    )


def _prefilled(entry: Field, value: str, *, sandbox: bool) -> str:
    """The value in a field: never a secret that was typed; the sandbox's demo values are no secrets."""
    if value and not entry.secret:
        return value
    return entry.demo if sandbox else ""


def _warning(form: Form, values: Mapping[str, str]) -> str:
    found = (
        says
        for entry in form.fields
        for pattern, says in entry.warnings
        if re.fullmatch(pattern, values[entry.name])
    )
    return " ".join(found)
