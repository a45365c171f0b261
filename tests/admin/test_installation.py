"""The audit trail and the health page."""

import json
import re
from datetime import timedelta

import pytest
from sqlmodel import select

from app import clock, database
from app.connectors.services import services_of
from app.vault import failures
from app.vault.models import Credential
from tests.conftest import both_databases
from tests.support.keys import VAULT_KEY
from tests.support.mcp_client import acme_service, connect  # noqa: F401


@both_databases
def test_the_trail_names_who_what_and_where(dana, people):
    dana.submit("/admin/workspaces/wsp_northwind/limits", {"tier": "pro", "per_minute": "", "per_day": ""})
    dana.submit("/admin/people/usr_bob/state", {"disabled": "yes"})
    dana.get("/admin/audit")
    assert "dana@example.com changed the workspace limits" in dana.page and "tier: pro" in dana.page
    assert "The operator disabled bob@example.com" in dana.page and "Installation" in dana.page
    dana.get("/admin/audit?workspace=wsp_northwind")
    assert "Audit trail of Northwind" in dana.page and "disabled bob" not in dana.page
    dana.get("/admin/audit?workspace=-&action=person")
    assert "disabled bob" in dana.page and "changed the workspace limits" not in dana.page
    assert "No matches" in dana.get("/admin/audit?workspace=wsp_gone").text


def test_the_trail_goes_on_a_page_at_a_time(dana):
    for n in range(70):
        dana.submit(
            "/admin/workspaces/wsp_northwind/limits", {"tier": "pro", "per_minute": str(n + 1), "per_day": ""}
        )
    dana.get("/admin/audit?workspace=wsp_northwind")
    seen = dana.page.count("changed the workspace limits")
    dana.get(re.search(r'href="(/admin/audit\?[^"]*before=\d+)">Older', dana.page)[1])
    assert seen == 50 and dana.page.count("changed the workspace limits") == 20 and ">Older<" not in dana.page
    for strange in ("before=x", "before=" + "9" * 40, "before=-1", "workspace=%00", "action=%25"):
        assert dana.get(f"/admin/audit?{strange}").status_code == 200


@both_databases
def test_a_healthy_installation_says_so(dana, database_kind):
    dana.get("/admin/health")
    for words in (
        "Available",
        "Up to date",
        "All keys present",
        "Not used",
        "Development mailbox",
        "served this page",
        "t1",
    ):
        assert words in dana.page, words
    assert ("SQLite" if database_kind == "sqlite" else "PostgreSQL") in dana.page
    assert re.search(r"[\d.]+ ms · [\d,.]+ (KB|MB)", dana.page)


def test_a_test_mail_reaches_the_operator(dana, app, people, visitor):
    assert (
        "development mailbox for dana@example.com" in dana.follow(dana.submit("/admin/health/test-mail")).text
    )
    letter = app.extensions["mailer"].letters()[0]
    assert (letter.to, "Test email" in letter.subject) == ("dana@example.com", True)


@both_databases
def test_values_under_a_key_that_is_gone_are_counted(dana, connect, people):  # noqa: F811
    connect(people.alice)
    dana.get("/admin/health")
    assert "2 values" in dana.page
    with database.transaction() as db:
        credential = db.exec(select(Credential)).one()
        credential.refresh_token_sealed = credential.refresh_token_sealed.replace("v1:t1:", "v1:old_1:")
    dana.get("/admin/health")
    assert "A key is missing" in dana.page and "Missing key" in dana.page and "1 value" in dana.page
    assert credential.access_token_sealed not in dana.page


@both_databases
def test_refreshes_that_failed_are_counted_by_service_for_a_day(dana, connect, people):  # noqa: F811
    connection = connect(people.alice)
    with database.transaction() as db:
        for kind, times in ((failures.UNREACHABLE, 3), (failures.REFUSED, 1)):
            for _ in range(times):
                failures.count(db, "acme", kind)
        db.merge(connection).state = "reconnect_needed"
    dana.get("/admin/health")
    row = re.search(r"<tr>\s*<th[^>]*>Acme</th>.*?</tr>", dana.page, re.S)[0]
    assert re.findall(r'data-label="([^"]+)">(\d+)<', row) == [
        ("Connected", "0"),
        ("Reconnect needed", "1"),
        ("Backing off", "0"),
        ("Access ended", "1"),
        ("Refresh failed", "3"),
    ]
    with database.reading() as db:
        assert failures.of_last_day(db) == {"acme": {"unreachable": 3, "refused": 1}}
    clock.shift(timedelta(days=365))
    with database.transaction() as db:
        failures.count(db, "acme", failures.REFUSED)
        assert failures.of_last_day(db) == {"acme": {"refused": 1}}


def test_a_database_that_is_behind_shows(dana):
    with database.transaction() as db:
        db.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    dana.get("/admin/health")
    assert "Behind" in dana.page and "alembic upgrade head" in dana.page


def test_no_secret_of_the_configuration_is_shown(dana, settings, app):
    for page in ("/admin/health", "/admin/connectors", "/admin/keys"):
        text = dana.get(page).text
        for secret in (settings.secret_key, json.dumps(settings.secret_key), VAULT_KEY[:14]):
            assert secret not in text


@pytest.mark.needs_redis
def test_redis_is_asked(environ, monkeypatch):
    from app import config
    from app.admin import health_checks
    from tests.support.services import REDIS

    assert health_checks._redis(config.load({**environ, "REDIS_URL": REDIS})).state == "Available"
    assert (
        health_checks._redis(config.load({**environ, "REDIS_URL": "redis://localhost:1"})).state
        == "Unavailable"
    )


def test_every_service_has_a_card(dana):
    dana.get("/admin/connectors")
    assert all(f'id="app-{slug}"' in dana.page for slug in (each.slug for each in services_of(None)))


@pytest.mark.parametrize("database_kind", [pytest.param("postgres", marks=pytest.mark.needs_postgres)])
def test_connections_in_use_and_allowed_are_shown_and_too_many_are_a_warning(dana, settings):
    dana.get("/admin/health")
    assert re.search(r"\d+ of 24 in use by this process · 48 for this host · \d+ of \d+ open at", dana.page)
    name = database.current().engine.url.database
    with database.transaction() as db:
        db.connection().exec_driver_sql(f'ALTER DATABASE "{name}" CONNECTION LIMIT 20')
    try:
        dana.get("/admin/health")
        assert "of 20 open at the server" in dana.page and "Set DATABASE_CONNECTIONS to 15 or" in dana.page
    finally:
        with database.transaction() as db:
            db.connection().exec_driver_sql(f'ALTER DATABASE "{name}" CONNECTION LIMIT -1')
