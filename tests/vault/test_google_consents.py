"""Gmail and Google Sheets share one consent: revoking either token ends it for both."""

import pytest
import requests
from sqlalchemy import select

from app import config, database
from app.connectors import endpoints
from app.connectors.services import services_of
from app.errors import ProviderUnavailable, ReconnectNeeded
from app.vault import access, revocation, store
from app.vault.models import Credential, PendingRevocation
from app.vault.token_endpoint import TokenSet
from tests.support.processes import Levers, run_sandbox
from tests.support.signed_in import SignedIn
from tests.support.waiting import AT_MOST_SECONDS
from tests.vault.conftest import expire, stored

SLUGS = ("gmail", "google_sheets")


@pytest.fixture(scope="module")
def google():
    with run_sandbox() as url:
        yield url


@pytest.fixture
def environ(environ, google):
    for slug in SLUGS:
        Levers(google, slug)("reset")
    return {**environ, "SANDBOX_URL": google}


@pytest.fixture
def connect_to(settings, people, google):
    """A connection of alice's company to that service, made as the product makes it."""

    def _connect(slug, *, company="northwind", workspace=None, owner=None, before=None):
        connector = services_of(None).get(slug)
        signed_in = SignedIn(connector, google, company=company)
        given = signed_in.tokens
        tokens = TokenSet(
            given["access_token"],
            given["refresh_token"],
            given["expires_in"],
            given["scope"],
            given.get("refresh_token_expires_in"),
            raw=given,
        )
        account = access.probe(settings, connector, endpoints.resolve(connector, settings), tokens)
        common = {
            "account": account,
            "tokens": tokens,
            "scopes": connector.auth.write_scopes,
            "keys": settings.vault_keys,
        }
        with database.transaction() as db:
            if before is not None:
                return store.reconnect(db, before, **common)
            whose = {
                "workspace_id": (workspace or people.northwind).id,
                "owner_id": (owner or people.alice).id,
            }
            return store.connect(db, slug=slug, **whose, **common)

    return _connect


@pytest.fixture
def disconnect(settings):
    def _disconnect(connection, settings=settings):
        with database.transaction() as db:
            return store.disconnect(db, connection, settings=settings)

    return _disconnect


def pending():
    with database.reading() as db:
        return list(db.execute(select(PendingRevocation)).scalars())


def revocations(google):
    return [Levers(google, slug).log()["revocations"] for slug in SLUGS]


def living(google, slug):
    return requests.get(f"{google}/_levers/{slug}/grants", timeout=AT_MOST_SECONDS).json()["grants"]


def works(settings, connection):
    return access.check(settings, connection).name == "ap@northwind.example"


@pytest.mark.parametrize(("first", "second"), [SLUGS, SLUGS[::-1]])
def test_disconnecting_one_leaves_the_other_working_and_says_so(
    connect_to, disconnect, settings, google, first, second
):
    one, other = connect_to(first), connect_to(second)
    assert stored(one)[0].account_key == stored(other)[0].account_key
    ended, name = disconnect(one), services_of(None).get(first).name
    assert not ended.revoking and ended.sentence == (
        f"{name} disconnected. {name} still lists our access, because another connection uses it."
    )
    assert revocation.run_due(settings) == 1 and pending() == []
    assert revocations(google) == [0, 0]
    expire(other)  # not only its access token lives on: it is renewed too
    assert works(settings, other)
    assert disconnect(other).revoking
    revocation.run_due(settings)
    assert sum(revocations(google)) == 1 and living(google, first) == living(google, second) == []


def test_a_sibling_in_another_company_counts_too(connect_to, disconnect, settings, people, google):
    mine, theirs = (
        connect_to("gmail"),
        connect_to("google_sheets", workspace=people.contoso, owner=people.charlie),
    )
    assert not disconnect(mine).revoking
    revocation.run_due(settings)
    assert works(settings, theirs) and revocations(google) == [0, 0]


def test_another_google_account_is_no_sibling(connect_to, disconnect, settings, google):
    mine, theirs = connect_to("gmail"), connect_to("google_sheets", company="contoso")
    assert disconnect(mine).revoking
    revocation.run_due(settings)
    assert revocations(google) == [1, 0] and living(google, "gmail") == []
    assert access.check(settings, theirs).name == "charlie@contoso.example"


@pytest.mark.parametrize("slug", SLUGS)
def test_consent_taken_away_at_google_ends_both_cleanly_and_a_new_one_heals(
    connect_to, settings, google, slug
):
    connections = {each: connect_to(each) for each in SLUGS}
    Levers(google, slug)("revoke", company="northwind")
    for each, connection in connections.items():
        name = services_of(None).get(each).name
        with pytest.raises(ReconnectNeeded, match=f"{name} ended our access on .* Reconnect {name}."):
            access.check(settings, connection)
        row = stored(connection)[0]
        assert row.state == "reconnect_needed" and row.last_error.startswith(f"{name} ended our access")
        assert Levers(google, each).log()["refresh_refusals"] == 1
        with pytest.raises(ReconnectNeeded):
            access.check(settings, connection)
        assert Levers(google, each).log()["refresh_refusals"] == 1  # dead access is not tried again
    healed = connect_to("google_sheets", before=connections["google_sheets"])
    assert healed.id == connections["google_sheets"].id and works(settings, healed)
    assert stored(connections["gmail"])[0].state == "reconnect_needed"


def test_a_token_revoked_at_one_service_is_dead_at_the_other(connect_to, settings, google):
    gmail = connect_to("gmail")
    sheets = SignedIn(services_of(None).get("google_sheets"), google, company="northwind")
    answer = requests.post(
        f"{google}/google_sheets/revoke",
        data={"token": sheets.tokens["access_token"]},
        timeout=AT_MOST_SECONDS,
    )
    assert answer.status_code == 200
    with pytest.raises(ReconnectNeeded):
        access.check(settings, gmail)


@pytest.mark.parametrize(
    ("sheets_client", "revoked"), [("4711-sheets.apps.example", 0), ("815-sheets.apps.example", 1)]
)
def test_clients_of_one_project_share_consents_and_those_of_two_do_not(
    connect_to, disconnect, environ, google, sheets_client, revoked
):
    gmail, _ = connect_to("gmail"), connect_to("google_sheets")
    real = {
        "GMAIL_CLIENT_ID": "4711-mail.apps.example",
        "GMAIL_CLIENT_SECRET": "s",
        "GMAIL_REVOKE_URL": f"{google}/gmail/revoke",
        "GOOGLE_SHEETS_CLIENT_ID": sheets_client,
        "GOOGLE_SHEETS_CLIENT_SECRET": "s",
    }
    installation = config.load({**environ, **real})
    ended = disconnect(gmail, installation)
    assert (ended.revoking, "Gmail still lists our access" in ended.sentence) == (bool(revoked), not revoked)
    assert revocation.run_due(installation) == 1
    assert revocations(google) == [revoked, 0]


# --- how long a sign-in lasts, and why it ended ---


def warning_on_the_card(sign_in, person):
    page = sign_in(person)
    page.get("/integrations")
    return "sign in again in" in page.page or "Access ends" in page.page


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("testing", [True, False])
def test_only_an_app_in_testing_has_an_end(connect_to, settings, google, people, sign_in, slug, testing):
    Levers(google, slug)("publish", testing=testing)
    connection = connect_to(slug)
    assert (stored(connection)[0].signin_ends_at is not None) is testing
    expire(connection)
    assert works(settings, connection)  # the answer to a refresh does not say when access ends
    assert (stored(connection)[0].signin_ends_at is not None) is testing
    Levers(google, slug)("advance", seconds=8 * 86_400)
    expire(connection)
    if not testing:
        assert works(settings, connection) and not warning_on_the_card(sign_in, people.alice)
        return
    with pytest.raises(ReconnectNeeded, match="7 days after it began while the Google app is in testing"):
        access.check(settings, connection)


def test_a_policy_of_the_workspace_is_named(connect_to, settings, google):
    connection = connect_to("gmail")
    Levers(google, "gmail")("refuse_tokens", code="invalid_grant", subtype="invalid_rapt")
    expire(connection)
    with pytest.raises(ReconnectNeeded, match=r"limits how long access lasts.* Reconnect Gmail"):
        access.check(settings, connection)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("deleted_client", "Ask your operator to restore it"),
        ("org_internal", "Use an account of that organisation"),
        ("admin_policy_enforced", "administrator of your Google Workspace does not allow this app"),
    ],
)
def test_whose_mistake_a_refusal_is_and_what_to_do(connect_to, settings, google, code, advice):
    connection = connect_to("google_sheets")
    Levers(google, "google_sheets")("refuse_tokens", code=code)
    expire(connection)
    with pytest.raises(ProviderUnavailable, match=advice):
        access.check(settings, connection)
    assert stored(connection)[0].state == "connected"  # the sign-in itself is alive


def test_a_renewal_that_got_no_answer_is_not_blamed(connect_to, settings, google):
    """Google does not replace refresh tokens, so a lost answer cost nothing."""
    connection = connect_to("gmail")
    expire(connection)
    Levers(google, "gmail")("drop", path="/token", when="after")
    with pytest.raises(ProviderUnavailable):
        access.check(settings, connection)
    Levers(google, "gmail")("revoke", company="northwind")
    with database.transaction() as db:
        credential = db.execute(select(Credential)).scalar_one()
        credential.cooldown_until = None
    with pytest.raises(ReconnectNeeded) as caught:
        access.check(settings, connection)
    assert "interrupted" not in caught.value.message and "password is changed" in caught.value.message
