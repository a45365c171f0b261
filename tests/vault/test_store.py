"""Connections: who sees them, one row per account, and what a disconnect leaves behind."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from app import clock, database
from app.connectors.spec import Account, Business
from app.errors import InvalidInput, NotConnected, NotFound
from app.vault import connection_settings, last_used, links, revocation, store
from app.vault.models import Connection, Credential, PendingRevocation
from app.vault.refresh import TokenVault
from app.vault.token_endpoint import TokenSet
from tests.conftest import both_databases
from tests.support.waiting import AT_MOST_SECONDS, until
from tests.vault.conftest import expire, stored
from tests.vault.provider import hang, status

pytestmark = pytest.mark.usefixtures("patient_database")


def pending():
    with database.reading() as db:
        return list(db.execute(select(PendingRevocation)).scalars())


def disconnect(connection, settings=None):
    with database.transaction() as db:
        return store.disconnect(db, connection, settings=settings)


def test_a_connection_starts_reading_only_and_shared(connect):
    row = stored(connect())[0]
    assert (row.account_name, row.scopes) == ("The Account", "read")
    assert (row.permission, row.visibility, row.state, row.account_name, row.scopes) == (
        "read",
        "shared",
        "connected",
        "The Account",
        "read",
    )


def test_a_personal_connection_is_seen_by_its_owner_only(connect, people):
    shared, personal = connect("strict"), connect("graceful")
    with database.transaction() as db:
        connection_settings.set_visibility(db, personal, "personal")
    with database.reading() as db:
        see = lambda user: [c.id for c in store.visible(db, "wsp_northwind", user.id)]  # noqa: E731
        assert see(people.alice) == [shared.id, personal.id]
        assert see(people.bob) == [shared.id]
        assert store.visible(db, "wsp_contoso", people.charlie.id) == []
        with pytest.raises(NotFound) as hidden:
            store.get(db, "wsp_northwind", people.bob.id, personal.id)
        with pytest.raises(NotFound) as absent:
            store.get(db, "wsp_contoso", people.charlie.id, "con_nothing")
        assert hidden.value.message == absent.value.message
        with pytest.raises(NotFound):
            store.get(db, "wsp_contoso", people.alice.id, personal.id)


def test_what_a_consent_elsewhere_opened_is_kept_only_where_it_was_before(connect, settings, provider):
    one, two, three = (Business(id=f"b{n}", name=f"Business {n}") for n in (1, 2, 3))

    def sign_in_again(row, account):
        with database.transaction() as db:
            store.reconnect(
                db,
                row,
                account=account,
                tokens=TokenSet("a", "r", 3600, raw={}),
                scopes=("read",),
                keys=settings.vault_keys,
            )
        return [business["id"] for business in stored(row)[0].businesses]

    row = connect()
    assert sign_in_again(row, Account("account-1", "The Account", (one, two))) == ["b1", "b2"]
    assert sign_in_again(row, Account("account-1", "The Account", (), (one, three))) == ["b1"]
    assert sign_in_again(row, Account("account-1", "The Account", (two,), (one, three))) == ["b2", "b1"]
    with pytest.raises(store.NothingOpened, match="connected elsewhere already"):
        sign_in_again(row, Account("account-1", "The Account", (), (three,)))
    assert [business["id"] for business in stored(row)[0].businesses] == ["b2", "b1"]


@both_databases
def test_the_same_account_again_renews_its_connection(connect, provider, settings):
    first = connect()
    with database.transaction() as db:
        connection_settings.set_label(db, first, "Ours")
        connection_settings.set_permission(db, first, "write")
    provider.refresh.clear()  # a second consent of the same person ends the first access
    second = connect()
    assert (second.id, second.label, second.permission) == (first.id, "Ours", "write")
    expire(second)
    assert TokenVault(settings, second).bearer() in provider.access


@both_databases
def test_two_callbacks_at_once_make_one_connection(connect, people):
    made = []
    crew = [threading.Thread(target=lambda: made.append(connect().id)) for _ in range(4)]
    [t.start() for t in crew]
    [t.join() for t in crew]
    assert len(made) == 4
    assert len(set(made)) == 1


def test_the_same_account_in_another_workspace_is_another_connection(connect, people):
    assert connect().id != connect(workspace=people.contoso, owner=people.charlie).id


def test_somebody_elses_personal_connection_is_not_taken_over(connect, people):
    personal = connect()
    with database.transaction() as db:
        connection_settings.set_visibility(db, personal, "personal")
    assert connect(owner=people.bob).id != personal.id


def test_a_reconnect_keeps_the_connection_and_heals_it(connect, provider, settings):
    connection = connect()
    with database.transaction() as db:
        row = db.get(Connection, connection.id)
        row.state, row.last_error, row.label = "reconnect_needed", "It ended.", "Ours"
    tokens = provider.issue()
    with database.transaction() as db:
        store.reconnect(
            db,
            connection,
            account=Account("account-1", "New name"),
            tokens=TokenSet(tokens["access_token"], tokens["refresh_token"], 1800, "read write"),
            scopes=("read",),
            keys=settings.vault_keys,
        )
    row = stored(connection)[0]
    assert (row.state, row.last_error, row.label, row.account_name, row.scopes) == (
        "connected",
        None,
        "Ours",
        "New name",
        "read write",
    )
    assert row.connected_at == connection.connected_at
    assert TokenVault(settings, connection).bearer() == tokens["access_token"]


def test_a_reconnect_with_another_account_is_refused_and_changes_nothing(connect, settings, provider):
    connection = connect()
    before = stored(connection)[1].access_token_sealed
    with pytest.raises(store.AnotherAccount, match="different Strict account"), database.transaction() as db:
        store.reconnect(
            db,
            connection,
            account=Account("account-2", "Other"),
            tokens=TokenSet("t"),
            scopes=(),
            keys=settings.vault_keys,
        )
    assert stored(connection)[1].access_token_sealed == before
    assert TokenVault(settings, connection).bearer() in provider.access


def test_a_reconnect_of_what_was_disconnected_meanwhile_is_refused(connect, settings):
    connection = connect()
    disconnect(connection)
    with pytest.raises(NotFound), database.transaction() as db:
        store.reconnect(
            db,
            connection,
            account=Account("account-1", ""),
            tokens=TokenSet("t"),
            scopes=(),
            keys=settings.vault_keys,
        )


@pytest.mark.parametrize(
    ("verb", "value"),
    [
        ("set_permission", "admin"),
        ("set_visibility", "public"),
        ("set_label", "x" * 81),
        ("set_label", "a\x1bb"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(connect, verb, value):
    connection = connect()
    with pytest.raises(InvalidInput), database.transaction() as db:
        getattr(connection_settings, verb)(db, connection, value)


def test_a_setting_of_a_connection_that_is_gone_is_not_found(connect):
    connection = connect()
    disconnect(connection)
    for verb, value in (("set_permission", "write"), ("set_visibility", "personal"), ("set_label", "x")):
        with pytest.raises(NotFound), database.transaction() as db:
            getattr(connection_settings, verb)(db, connection, value)


def test_last_use_is_written_at_most_once_a_minute(connect, monkeypatch):
    connection = connect()
    last_used.of_connections.note(connection.id)
    first = stored(connection)[0].last_used_at
    last_used.of_connections.note(connection.id)
    assert stored(connection)[0].last_used_at == first
    clock.shift(timedelta(seconds=61))
    last_used.of_connections.note(connection.id)
    assert stored(connection)[0].last_used_at > first


# --- disconnecting ---


@both_databases
@pytest.mark.parametrize("subject", ["strict", "added"])
def test_a_disconnect_counts_at_once_and_the_token_dies_at_the_service(connect, provider, settings, subject):
    tokens = provider.issue()
    connection = connect(subject, **tokens)
    answer = disconnect(connection)
    assert (answer.revoking, answer.sentence) == (True, f"{subject.title()} disconnected.")
    with pytest.raises(NotConnected):
        TokenVault(settings, connection).bearer()
    assert provider.revoked == []
    assert revocation.run_due(settings, 10) == 1
    assert provider.revoked == [tokens["refresh_token"]]
    assert pending() == []
    assert revocation.run_due(settings, 10) == 0


def test_a_second_disconnect_is_fine(connect, settings):
    connection = connect()
    disconnect(connection)
    assert disconnect(connection).sentence == "Strict was already disconnected."
    assert len(pending()) == 1


def test_a_revocation_that_fails_is_tried_again_later(connect, provider, settings):
    disconnect(connect())
    provider.faults = [status(503)]
    assert revocation.run_due(settings) == 0
    row = pending()[0]
    assert (row.attempts, 20 < (row.next_try_at - clock.now()).total_seconds() < 31) == (1, True)
    assert revocation.run_due(settings) == 0
    make_due()
    assert revocation.run_due(settings) == 1
    assert len(provider.revoked) == 1


def test_a_revocation_is_given_up_after_days(connect, provider, settings):
    disconnect(connect())
    for _ in range(12):
        provider.faults = [status(500)]
        make_due()
        revocation.run_due(settings)
    assert pending() == []


@pytest.mark.parametrize("fault", [status(400, {"error": "invalid_token"}, "application/json")])
def test_a_token_the_service_does_not_know_counts_as_revoked(connect, provider, settings, fault):
    disconnect(connect())
    provider.faults = [fault]
    assert revocation.run_due(settings) == 1


def make_due():
    with database.transaction() as db:
        for row in db.execute(select(PendingRevocation)).scalars():
            row.next_try_at = clock.now()


def test_two_runs_at_once_revoke_once(connect, provider, settings):
    disconnect(connect())
    provider.faults = [hang(0.2)]
    crew = [threading.Thread(target=revocation.run_due, args=(settings,)) for _ in range(3)]
    [t.start() for t in crew]
    [t.join() for t in crew]
    assert len(provider.revoked) == 1


def test_a_whole_account_is_not_revoked_while_another_connection_stands_on_it(
    connect, provider, settings, people
):
    mine, theirs = connect("lasting"), connect("lasting", workspace=people.contoso, owner=people.charlie)
    answer = disconnect(mine, settings)
    assert not answer.revoking
    assert "another connection uses it" in answer.sentence
    revocation.run_due(settings)
    assert (provider.revoked, pending()) == ([], [])
    assert disconnect(theirs).revoking
    revocation.run_due(settings)
    assert len(provider.revoked) == 1


def test_a_whole_account_that_came_back_before_the_revocation_ran_is_left_alone(connect, provider, settings):
    disconnect(connect("lasting"))
    connect("lasting")
    revocation.run_due(settings)
    assert (provider.revoked, pending()) == ([], [])


@both_databases
@pytest.mark.parametrize("subject", ["strict", "added"])
def test_a_refresh_under_way_cannot_bring_a_disconnected_connection_back(
    connect, provider, settings, subject
):
    connection = connect(subject)
    expire(connection)
    provider.hold_answer = threading.Event()
    outcome = []

    def call():
        try:
            outcome.append(TokenVault(settings, connection).bearer())
        except NotConnected as error:
            outcome.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    assert provider.rotated.wait(AT_MOST_SECONDS)
    disconnect(connection)
    revocation.run_due(settings)
    provider.hold_answer.set()
    caller.join()
    assert isinstance(outcome[0], NotConnected)
    until(lambda: not provider.refresh and not pending())  # the token that came late is dead too
    with database.reading() as db:
        assert db.get(Connection, connection.id) is None
        assert db.get(Credential, connection.id) is None


# --- links ---


def make_link(people, **extra):
    with database.transaction() as db:
        return links.create(db, workspace_id="wsp_northwind", user_id=people.alice.id, slug="strict", **extra)


def use(link, user_id, workspace_id="wsp_northwind"):
    with database.transaction() as db:
        return links.use(db, link, user_id, workspace_id)


def test_a_link_works_once_for_its_person(people):
    link = make_link(people, wants="write", client_name="Claude")
    assert use(link, people.alice.id).wants == "write"
    with pytest.raises(links.LinkGone):
        use(link, people.alice.id)


def test_a_link_does_not_work_for_anybody_else_and_stays_good(people):
    link = make_link(people)
    for user, workspace in (
        (people.bob.id, "wsp_northwind"),
        (people.alice.id, "wsp_contoso"),
        (people.charlie.id, "wsp_contoso"),
    ):
        with pytest.raises(links.LinkGone):
            use(link, user, workspace)
    with pytest.raises(links.LinkGone):
        use("lnk_unknown", people.alice.id)
    assert use(link, people.alice.id).slug == "strict"
    late = make_link(people)
    clock.shift(timedelta(minutes=31))
    with pytest.raises(links.LinkGone):
        use(late, people.alice.id)


def test_the_database_holds_only_the_digest_of_a_link(people, database_url):
    link = make_link(people)
    with database.reading() as db:
        stored_links = list(db.execute(select(links.ConnectLink)).scalars())
    assert link not in repr(stored_links)


@both_databases
def test_a_link_used_by_many_tabs_at_once_works_in_one(people):
    link, worked = make_link(people), []

    def attempt():
        try:
            worked.append(use(link, people.alice.id))
        except links.LinkGone:
            pass

    crew = [threading.Thread(target=attempt) for _ in range(8)]
    [t.start() for t in crew]
    [t.join() for t in crew]
    assert len(worked) == 1
