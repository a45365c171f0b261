"""A connection's state changes in one place, and only for the tokens that are still stored."""

import ast
from pathlib import Path

import app.vault
from app import database
from app.vault import connection_state
from app.vault.models import Credential
from tests.conftest import both_databases
from tests.vault.conftest import stored


def end(connection, generation):
    with database.transaction() as db:
        return connection_state.end_access(db, connection, generation, "It ended.")


@both_databases
def test_a_refusal_ends_the_access_once(connect):
    connection = connect()
    assert end(connection, 1) is not None
    assert end(connection, 1) is None, "it had ended already"
    row, _ = stored(connection)
    assert (row.state, row.last_error) == ("reconnect_needed", "It ended.")


def test_a_refusal_of_older_tokens_changes_nothing(connect):
    connection = connect()
    with database.transaction() as db:
        db.get(Credential, connection.id).generation = 2  # the person has reconnected meanwhile
    assert end(connection, 1) is None
    row, _ = stored(connection)
    assert (row.state, row.last_error) == ("connected", None)


def test_the_vault_sets_the_state_in_one_place():
    wrong = [
        f"{path.name}:{node.lineno}"
        for path in sorted(Path(app.vault.__file__).parent.glob("*.py"))
        if path.name != "connection_state.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and node.attr in {"state", "last_error"}
    ]
    assert not wrong, "Change the state with app/vault/connection_state.py:\n" + "\n".join(wrong)
