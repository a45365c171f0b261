"""Connecting by a form filled in here: keys, client credentials, a login
(`app/connectors/credential_forms.py`).

The form is a trip like any other (`handshake`), so that it keeps its flow, its chat and the connection to
mend; it is over once something was connected. What was filled in is checked with the service before it
is kept, and a refusal is said beside the line it is about. Secrets are never shown again.
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
from app.connectors.credential_forms import OAUTH, Blank, Form
from app.connectors.endpoints import Endpoints
from app.errors import PatchbayError
from app.hub import handshake
from app.hub.handshake import HandshakeGone, Wish
from app.hub.models import Handshake
from app.vault import access, form_exchange
from app.vault.access import TokenNotAccepted
from app.vault.token_endpoint import TokenRefused
from app.workspaces.guard import Member

_LIFE = timedelta(hours=1)  # time to go and make a key
# Somebody trying passwords at a service through us would be our doing.
_TRIES = Rule("form-sign-in", limit=30, seconds=600)


@dataclass(frozen=True)
class Sheet:
    """The page with the form. `problems` are sentences by the name of the line they belong to, "" for all
    of it.
    """

    connector: Connector
    form: Form
    state: str
    choices: tuple[tuple[str, str], ...]  # key and title of each way in, when there are several
    reconnects: bool
    sandbox: bool
    flow_id: str = ""
    client_name: str = ""
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    problems: Mapping[str, str] = field(default_factory=dict)
    status: int = 200

    @property
    def deed(self) -> str:
        """What the button does."""
        return "Reconnect" if self.reconnects else "Connect"


def begin(
    db: Session,
    settings: Settings,
    member: Member,
    connector: Connector,
    where: Endpoints,
    way: str,
    wish: Wish,
) -> Sheet:
    """Write down the trip and give that way's form, empty; in the sandbox with the values it takes."""
    trip, state = handshake.set_out(db, settings, member, connector, wish, _LIFE)
    return _sheet(settings, connector, where, form_of(connector, where, way), trip, state)


def submit(
    settings: Settings, member: Member, connector: Connector, where: Endpoints, given: Mapping[str, str]
) -> Handshake | Sheet:
    """Check what was filled in with the service and keep it: the trip that is over, or the form with what is
    wrong.

    Raises HandshakeGone. Sent twice, it connects once.
    """
    state = given.get("state", "")
    trip = handshake.find(member, connector, state)
    if trip.outcome:
        return trip
    form = form_of(connector, where, given.get("way", ""))
    values = {blank.name: blank.taken(given.get(blank.name, "")) for blank in form.blanks}
    problems = {
        blank.name: problem for blank in form.blanks if (problem := blank.problem_with(values[blank.name]))
    }
    if problems:
        return _sheet(settings, connector, where, form, trip, state, values, problems)
    try:
        with database.transaction() as db:
            budgets.take(db, settings, _TRIES, member.user.id, connector.slug)
        tokens = form_exchange.obtain(connector, where, form, values)
        account = access.probe(
            settings, connector, where, tokens, {name: values[name] for name in form.facts}
        )
        return handshake.keep(settings, member, trip, connector, account, tokens, _warning(form, values))
    except (TokenRefused, TokenNotAccepted):
        return _sheet(
            settings,
            connector,
            where,
            form,
            trip,
            state,
            values,
            {form.blames: f"{connector.name} {form.refused}"},
        )
    except PatchbayError as error:
        return _sheet(
            settings, connector, where, form, trip, state, values, {"": error.message}, error.status
        )


def form_of(connector: Connector, where: Endpoints, way: str) -> Form:
    """The form of that way in, or the first one that is open here. Raises HandshakeGone when none is any
    more.
    """
    forms = [form for form in connector.forms if form.key in where.ways]
    if not forms:
        raise HandshakeGone()
    return next((form for form in forms if form.key == way), forms[0])


def _sheet(
    settings: Settings,
    connector: Connector,
    where: Endpoints,
    form: Form,
    trip: Handshake,
    state: str,
    values: Mapping[str, str] | None = None,
    problems: Mapping[str, str] | None = None,
    status: int = 422,
) -> Sheet:
    titles = {each.key: each.title for each in connector.forms} | {OAUTH: f"Sign in at {connector.name}"}
    return Sheet(
        connector,
        form,
        state,
        choices=tuple((way, titles[way]) for way in where.ways) if len(where.ways) > 1 else (),
        reconnects=trip.connection_id is not None,
        sandbox=where.sandbox,
        flow_id=handshake.flow_of(settings, trip) or "",
        client_name=trip.client_name,
        values={
            blank.name: _shown(blank, (values or {}).get(blank.name, ""), sandbox=where.sandbox)
            for blank in form.blanks
        },
        problems=problems or {},
        status=status if problems else 200,
    )


def _shown(blank: Blank, value: str, *, sandbox: bool) -> str:
    """What stands in a line: never a secret that was typed; the sandbox's own are no secrets."""
    if value and not blank.secret:
        return value
    return blank.demo if sandbox else ""


def _warning(form: Form, values: Mapping[str, str]) -> str:
    found = (
        says
        for blank in form.blanks
        for pattern, says in blank.warnings
        if re.fullmatch(pattern, values[blank.name])
    )
    return " ".join(found)
