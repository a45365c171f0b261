"""DATABASE_CONNECTIONS bounds what a host opens, and nobody waits long for a free connection."""

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import make_url, text

from app import config, database
from app.errors import ConfigError, Unavailable
from tests.conftest import both_databases
from tests.support import databases, services
from tests.support.waiting import AT_MOST_SECONDS, until

postgres_only = pytest.mark.parametrize(
    "database_kind", [pytest.param("postgres", marks=pytest.mark.needs_postgres)]
)


@pytest.mark.parametrize(
    ("given", "of_host", "of_process"),
    [
        ({}, 48, 24),
        ({"WEB_CONCURRENCY": "4"}, 96, 24),
        ({"DATABASE_CONNECTIONS": "14"}, 14, 7),
        ({"DATABASE_CONNECTIONS": "15", "WEB_CONCURRENCY": "2"}, 15, 7),
    ],
)
def test_the_connections_of_a_host_are_divided_by_its_processes(given, of_host, of_process, environ):
    connections = config.load({**environ, **given}).database_connections
    assert (connections.of_host, connections.of_process) == (of_host, of_process)


@pytest.mark.parametrize("wrong", ["7", "0", "-3", "2001", "many", "8.5", "٨٨", " 20"])
def test_a_number_that_cannot_work_stops_the_start_with_a_sentence(wrong, environ):
    with pytest.raises(
        ConfigError, match=r"^DATABASE_CONNECTIONS must be a whole number from 8 \(4 for each"
    ):
        config.load({**environ, "DATABASE_CONNECTIONS": wrong})


def limits_in_deploy_files():
    """What each deploy file asks for, the connections its database has, and how many hosts overlap."""
    heroku = json.loads((databases.ROOT / "app.json").read_text())
    assert heroku["addons"] == ["heroku-postgresql:essential-0"]
    render = (databases.ROOT / "render.yaml").read_text()
    assert "plan: basic-256mb" in render
    wanted = re.search(r'key: DATABASE_CONNECTIONS.*\s+value: "(\d+)"', render)
    # Render starts the new host before it stops the old one.
    return [(int(heroku["env"]["DATABASE_CONNECTIONS"]["value"]), 20, 1), (int(wanted[1]), 97, 2)]


def test_each_deploy_file_fits_its_database_with_room_for_commands_and_psql():
    for wanted, limit, hosts in limits_in_deploy_files():
        assert wanted * hosts + 5 <= limit


@postgres_only
def test_more_parallel_work_than_connections_waits_for_its_turn(settings, database_url):
    highest, name = [], make_url(database_url).database
    with psycopg.connect(services.POSTGRES, autocommit=True) as admin:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"

        def count():
            return admin.execute(query, (name,)).fetchone()[0]

        until(lambda: count() == 0)  # who made the database has gone: the server notices a little later
    bound = database.bind(database_url, pool_size=4)

    def work(_):
        with database.transaction() as db:
            highest.append(db.connection().exec_driver_sql(query, (name,)).scalar_one())

    with ThreadPoolExecutor(64) as pool:
        list(pool.map(work, range(200)))
    assert max(highest) <= 4
    assert bound.connections_in_use() == 0


@both_databases
def test_nobody_waits_longer_than_five_seconds_for_a_free_connection(app, database_url, monkeypatch):
    monkeypatch.setattr(database, "_POOL_SECONDS", 0.3)
    database.bind(database_url, pool_size=2)
    release, holding = threading.Event(), threading.Barrier(2)

    def hold():
        with database.reading() as db:
            db.execute(text("SELECT 1"))
            holding.wait(AT_MOST_SECONDS)
            release.wait(AT_MOST_SECONDS)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        holding.wait(AT_MOST_SECONDS)
        with database.snapshot() as second:
            if database.current().is_sqlite:  # elsewhere one of the two is a raw connection
                second.execute(text("SELECT 1"))
            with pytest.raises(Unavailable), database.reading() as db:
                db.execute(text("SELECT 1"))
    finally:
        release.set()
        holder.join()
    assert database._POOL_SECONDS + database._LOCK_SECONDS + database._CONNECT_SECONDS < 6
