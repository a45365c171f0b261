"""`audit verify` as an operator runs it."""

import pytest
from sqlmodel import select

from app import database
from app.activity import sealing
from app.activity.models import AuditChain
from app.audit import AuditEntry


@pytest.fixture
def verify(app):
    """`verify("--workspace", "wsp_northwind")`: its exit status and output."""

    def _verify(*options):
        ran = app.test_cli_runner().invoke(args=["audit", "verify", *options])
        return ran.exit_code, ran.output

    return _verify


def test_it_says_that_nothing_was_changed(verify, write):
    write()
    write(workspace="wsp_contoso")
    status, output = verify()
    assert (
        status == 0
        and "wsp_northwind: unchanged, 1 entries" in output
        and "wsp_contoso: unchanged" in output
        and "installation:" in output
    )


def test_it_names_the_first_bad_entry_and_fails(verify, write, tamper):
    for _ in range(3):
        write()
    write(workspace="wsp_contoso")
    sealing.seal()
    tamper("DELETE FROM audit_entries WHERE workspace_id = 'wsp_northwind' AND seq = 2")
    status, output = verify()
    assert (
        status == 1 and "wsp_northwind: Entry 2 is missing." in output and "wsp_contoso: unchanged" in output
    )
    assert verify("--workspace", "wsp_contoso")[0] == 0
    assert verify("--workspace", "wsp_northwind")[0] == 1


def test_an_unknown_workspace_is_said(verify):
    status, output = verify("--workspace", "wsp_nowhere")
    assert status == 1 and "There is no trail of wsp_nowhere" in output


def test_an_anchor_shows_that_an_older_copy_was_put_back(verify, write, tamper):
    for _ in range(2):
        write()
    verify()
    with database.reading() as db:
        older = db.get(AuditChain, "wsp_northwind")
    write()
    anchor = verify("--workspace", "wsp_northwind")[1].split("--anchor ")[1].split()[0]
    assert verify("--workspace", "wsp_northwind", "--anchor", anchor)[0] == 0
    tamper("DELETE FROM audit_entries WHERE seq = 3 AND workspace_id IS NOT NULL")
    tamper(
        "UPDATE audit_chains SET count = 2, hash = :hash, signature = :signature WHERE chain = "
        "'wsp_northwind'",
        hash=older.hash,
        signature=older.signature,
    )
    status, output = verify("--workspace", "wsp_northwind", "--anchor", anchor)
    assert status == 1 and "Entry 3 is not the one that was noted down" in output
    assert (
        verify("--anchor", anchor)[0] == 2 and verify("--workspace", "wsp_northwind", "--anchor", "3")[0] == 2
    )


def test_it_links_what_is_not_linked_yet_before_it_looks(verify, write):
    write()
    assert verify()[0] == 0
    with database.reading() as db:
        assert all(db.exec(select(AuditEntry.seq).where(AuditEntry.workspace_id == "wsp_northwind")).all())


def test_it_shows_progress_on_a_long_trail(verify, write, monkeypatch):
    from app.activity import commands

    monkeypatch.setattr(commands, "_EVERY", 1)
    monkeypatch.setattr("app.activity.verifying._BATCH", 2)
    for _ in range(5):
        write()
    assert "wsp_northwind: 2 of 5 entries" in verify("--workspace", "wsp_northwind")[1]
