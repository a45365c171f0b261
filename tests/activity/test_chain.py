"""The chain of entries: a changed, removed or inserted entry shows; honest use never looks like one."""

import dataclasses
import datetime
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import insert, text
from sqlmodel import select

from app import audit, clock, database
from app.activity import sealing, verifying
from app.activity.models import AuditChain
from app.activity.verifying import ChainPosition
from app.audit import AuditEntry, Signer
from tests.conftest import both_databases

NORTHWIND = "wsp_northwind"


def verify(chain=NORTHWIND):
    """The problem a verification reports, or ""."""
    sealing.seal()
    sealing.seal()  # the entry that says a chain was begun
    return verifying.walk(chain).problem


@pytest.fixture
def written(write):
    for number in range(5):
        write(label=f"Label {number}")
    assert verify() == ""


@both_databases
def test_entries_are_numbered_and_linked_in_their_own_chains(write):
    write()
    write(workspace="wsp_contoso", user="usr_charlie")
    write("person.password_changed", workspace=None)
    write()
    assert verify() == verify("wsp_contoso") == verify("") == ""
    with database.reading() as db:
        rows = db.exec(select(AuditEntry).order_by(AuditEntry.workspace_id, AuditEntry.seq)).all()
    places = {}
    for row in rows:
        places.setdefault(row.workspace_id, []).append(row.seq)
    assert places == {"wsp_contoso": [1], NORTHWIND: [1, 2], None: [1, 2, 3]}
    first, second = (row for row in rows if row.workspace_id == NORTHWIND)
    assert second.previous == first.hash and len({row.hash for row in rows}) == 6


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE audit_entries SET user_id = 'usr_bob' WHERE seq = 3", "Entry 3 (connection.renamed"),
        (
            'UPDATE audit_entries SET details = \'{"label": "Other"}\' WHERE seq = 3',
            "Entry 3 (connection.renamed",
        ),
        (
            "UPDATE audit_entries SET action = 'connection.tested' WHERE seq = 3",
            "was changed after it was written",
        ),
        ("UPDATE audit_entries SET signature = NULL WHERE seq = 3", "was changed after it was written"),
        ("UPDATE audit_entries SET previous = hash WHERE seq = 3", "Entry 3 (connection.renamed"),
        ("DELETE FROM audit_entries WHERE seq = 3 AND workspace_id IS NOT NULL", "Entry 3 is missing."),
        ("DELETE FROM audit_entries WHERE seq = 1 AND workspace_id IS NOT NULL", "Entry 1 is missing."),
        ("DELETE FROM audit_entries WHERE seq = 5", "Entry 5 is missing."),
        ("DELETE FROM audit_chains WHERE chain <> ''", "The end of the trail is missing"),
        ("UPDATE audit_chains SET count = 4 WHERE chain <> ''", "Entry 5 was put there afterwards."),
        ("UPDATE audit_entries SET workspace_id = NULL, seq = 9 WHERE seq = 5", "Entry 5 is missing."),
    ],
)
def test_whatever_is_changed_or_removed_shows(written, tamper, write, statement, sentence):
    tamper(statement)
    assert sentence in verify()
    write()
    assert sentence in verify(), "going on does not cover it up"


@both_databases
def test_the_end_cannot_be_cut_off_with_its_count(written, tamper):
    tamper("DELETE FROM audit_entries WHERE seq = 5")
    with database.reading() as db:
        before = db.exec(select(AuditEntry.hash).where(AuditEntry.seq == 4)).one()
    tamper("UPDATE audit_chains SET count = 4, hash = :hash WHERE chain = 'wsp_northwind'", hash=before)
    assert "does not bear our signature" in verify()


def test_a_chain_computed_anew_without_the_key_shows(written, tamper):
    tamper("UPDATE audit_entries SET user_id = 'usr_bob' WHERE seq = 2")
    with database.transaction() as db:
        previous = None
        for row in list(
            db.execute(select(AuditEntry.__table__).where(AuditEntry.workspace_id == NORTHWIND)).mappings()
        ):
            previous = previous or row["previous"]
            fresh = sealing.hash_of(row["seq"], previous, row)
            values = {"previous": previous, "hash": fresh, "id": row["id"]}
            db.execute(
                text("UPDATE audit_entries SET previous = :previous, hash = :hash WHERE id = :id"), values
            )
            previous = fresh
        db.execute(
            text("UPDATE audit_chains SET hash = :hash WHERE chain = 'wsp_northwind'"), {"hash": previous}
        )
    assert "Entry 2 (connection.renamed" in verify(), "the entry's own signature tells which"
    tamper("UPDATE audit_entries SET signature = NULL WHERE seq = 2")
    assert verify() != ""


def test_an_entry_put_in_is_not_linked_and_shows(written, write):
    forged = {
        "at": clock.now(),
        "workspace_id": NORTHWIND,
        "action": "connection.disconnected",
        "subject": "con_1",
        "details": {},
    }
    with database.transaction() as db:
        db.execute(
            insert(AuditEntry).values(
                forged | {"nonce": "ab", "signature": Signer(["guessed-key"]).sign(b"x")}
            )
        )
    write()
    assert (
        "An entry without a place" in verify()
        and "(connection.disconnected" in verify()
        and "was not written by" in verify()
    )
    with database.reading() as db:
        places = db.exec(
            select(AuditEntry.seq).where(AuditEntry.workspace_id == NORTHWIND).order_by(AuditEntry.id)
        ).all()
    assert places == [1, 2, 3, 4, 5, None, 6]


def test_an_entry_cannot_be_repeated(written):
    with database.reading() as db:
        row = dict(db.execute(select(AuditEntry.__table__).where(AuditEntry.seq == 2)).mappings().first())
    copy = row | {"id": None, "seq": None, "previous": None, "hash": None}
    with pytest.raises(Exception, match=r"(?i)unique"), database.transaction() as db:
        db.execute(insert(AuditEntry).values(copy))
    assert verify() == ""


@both_databases
def test_a_whole_chain_cannot_vanish_nor_begin_again(written, tamper, write):
    tamper("DELETE FROM audit_entries WHERE workspace_id = 'wsp_northwind'")
    tamper("DELETE FROM audit_chains WHERE chain = 'wsp_northwind'")
    assert "wsp_northwind" in verifying.chains()
    assert "The end of the trail is missing" in verify()
    write()
    assert "begun a second time" in verify()
    assert verify("") == ""


def test_entries_of_the_release_before_are_taken_for_a_day(written, write):
    def unsigned():
        with database.transaction() as db:
            values = {
                "at": clock.now(),
                "workspace_id": NORTHWIND,
                "action": "connection.tested",
                "subject": "",
                "details": {},
            }
            db.execute(insert(AuditEntry).values(values))

    unsigned()
    assert verify() == ""
    clock.shift(datetime.timedelta(days=2))
    write()
    assert verify() == ""
    unsigned()
    assert "was not written by this installation" in verify()


def test_a_new_key_takes_over_while_the_old_one_is_known(written, settings, write):
    before = settings.secret_key
    fresh = "another-secret-key-9876543210-zyxwvutsrq"
    audit.bind(_with_keys(settings, fresh, before))
    assert verify() == ""
    assert verifying.renew_signature(NORTHWIND) is True and verifying.renew_signature(NORTHWIND) is False
    audit.bind(_with_keys(settings, fresh))
    write()
    assert verify() == ""


def test_an_end_signed_with_a_lost_key_is_said_and_signed_anew_on_request(written, settings, write):
    audit.bind(_with_keys(settings, "another-secret-key-9876543210-zyxwvutsrq"))
    assert "SECRET_KEY_FALLBACKS" in verify()
    assert verifying.renew_signature(NORTHWIND) is False
    assert verifying.walk(NORTHWIND, trust_end=True).problem == ""
    assert verifying.renew_signature(NORTHWIND, even_unknown=True) is True
    write()
    assert verifying.renew_signature("", even_unknown=True) is True
    assert verify() == ""


def _with_keys(settings, secret_key, *fallbacks):
    return dataclasses.replace(settings, secret_key=secret_key, secret_key_fallbacks=fallbacks)


@both_databases
def test_many_writers_and_sealers_at_once_make_one_unbroken_chain(patient_database, write):
    barrier = threading.Barrier(8)

    def work(number):
        barrier.wait()
        for turn in range(6):
            if number % 2:
                sealing.seal()
            else:
                with database.transaction() as db:  # one act, several trails
                    for workspace in (
                        (NORTHWIND, "wsp_contoso", None) if number % 4 else (None, "wsp_contoso", NORTHWIND)
                    ):
                        audit.record(
                            db, "connection.renamed", workspace_id=workspace, user_id="usr_alice", turn=turn
                        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    for chain, count in ((NORTHWIND, 24), ("wsp_contoso", 24), ("", 26)):
        assert verify(chain) == ""
        assert verifying.walk(chain).of == count


def test_what_is_rolled_back_leaves_no_gap(written, write):
    with pytest.raises(RuntimeError), database.transaction() as db:
        audit.record(db, "connection.renamed", workspace_id=NORTHWIND, user_id="usr_alice")
        raise RuntimeError
    write()
    assert verify() == ""


def test_a_walk_goes_on_where_it_was_left(written):
    part = verifying.walk(NORTHWIND, seconds=0)
    assert (part.position.seq, part.of, part.is_over) == (0, 5, False)
    with database.reading() as db:
        third = db.exec(
            select(AuditEntry.hash).where(AuditEntry.workspace_id == NORTHWIND, AuditEntry.seq == 3)
        ).one()
    rest = verifying.walk(NORTHWIND, ChainPosition(3, third))
    assert (rest.position.seq, rest.problem, rest.is_over) == (5, "", True)
    assert verifying.walk(NORTHWIND, ChainPosition(3, "0" * 64)).problem


def test_details_are_kept_as_json_gives_them_back(write):
    write(amount=1.10, many=("a", "b"), nested={2: {"x": None}}, line="one\ntwo\u202eevil", names={"b", "a"})
    assert verify() == ""
    with database.reading() as db:
        [details] = db.exec(select(AuditEntry.details).where(AuditEntry.workspace_id == NORTHWIND)).all()
    assert details == {
        "amount": 1.1,
        "many": ["a", "b"],
        "nested": {"2": {"x": None}},
        "line": "one twoevil",
        "names": ["a", "b"],
    }


def test_the_verdict_is_kept_for_the_page(written):
    verifying.note(verifying.walk(NORTHWIND))
    with database.reading() as db:
        head = db.get(AuditChain, NORTHWIND)
    assert (head.verified_count, head.problem) == (5, "") and head.verified_at is not None
