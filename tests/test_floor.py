"""The floor: the application starts, responds, and refuses with sentences."""

from app import database
from tests.conftest import both_databases


@both_databases
def test_it_is_ready_when_database_keys_and_migrations_are_there(app):
    answer = app.test_client().get("/ready")
    assert (answer.status_code, answer.json["status"]) == (200, "ready")


def test_an_unknown_page_is_a_sentence_with_a_correlation_id(app):
    answer = app.test_client().get("/nowhere")
    assert answer.status_code == 404
    assert answer.headers["X-Request-Id"] in answer.text


def test_it_is_not_ready_without_its_database_and_still_alive(app, tmp_path):
    database.bind(f"sqlite:///{tmp_path}/no/where.db")
    answer = app.test_client().get("/ready")
    assert answer.status_code == 503
    assert answer.json["checks"] == {"database": False, "keys": True, "migrations": False}
    assert app.test_client().get("/health").status_code == 200
