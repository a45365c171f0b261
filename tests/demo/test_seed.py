"""`demo seed` creates a company worth looking at, once, and never in production."""

import re

import pytest
from sqlmodel import func, select

from app import config, database
from app.demo import company, story
from app.factory import create_app
from app.memory.models import Note
from app.usage.models import CallRow
from app.vault.models import Connection
from app.workspaces.models import Membership
from tests.conftest import both_databases
from tests.support.visitor import Visitor


@pytest.fixture
def seed(app):
    return lambda: app.test_cli_runner().invoke(args=["demo", "seed"])


def counted():
    with database.reading() as db:
        return {
            table.__tablename__: db.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (CallRow, Note, Membership)
        }


def sign_in_from_output(app, output):
    email = re.search(r"(\S+@demo\.example\.com)  \(owner\)", output)[1]
    password = re.search(r"password (\S+)", output)[1]
    visitor = Visitor(app)
    visitor.get("/login")
    visitor.follow(visitor.submit("/login", {"email": email, "password": password}))
    return visitor


@both_databases
def test_it_makes_a_company_one_can_sign_in_to_and_look_at(app, seed):
    ran = seed()
    assert ran.exit_code == 0, ran.output
    assert "calls written" in ran.output  # progress
    anna = sign_in_from_output(app, ran.output)
    anna.get("/usage?period=90d")
    for words in ("Demo Company", "Pro tier", "xero_list_invoices", "Ben Ortiz", "Claude", "Calls per day"):
        assert words in anna.page
    anna.get("/memory")
    assert "Late payers" in anna.page


@both_databases
def test_doing_it_again_adds_nothing(app, seed):
    seed()
    before = counted()
    again = seed()
    assert (again.exit_code, counted()) == (0, before)
    assert (
        before[CallRow.__tablename__] > 5_000
        and before[Note.__tablename__] == 4
        and before[Membership.__tablename__] == 4
    )
    assert sign_in_from_output(app, again.output).get("/usage").status_code == 200


def test_what_was_cut_short_is_made_whole_the_next_time(app, seed, monkeypatch):
    def cut(done, total):
        raise KeyboardInterrupt

    company.create(app.extensions["patchbay"])
    with pytest.raises(KeyboardInterrupt):
        story.write_calls(cut)
    assert counted()[CallRow.__tablename__] == 0
    assert seed().exit_code == 0
    assert counted()[CallRow.__tablename__] > 5_000


def test_without_the_sandbox_running_it_says_what_to_do(environ, request):
    environ["SANDBOX_URL"] = "http://127.0.0.1:1"
    ran = request.getfixturevalue("seed")()
    assert ran.exit_code == 0 and "make run" in ran.output


def test_with_the_sandbox_it_connects_services(environ, sandbox, request):
    environ["SANDBOX_URL"] = sandbox
    seed = request.getfixturevalue("seed")
    ran = seed()
    assert ran.exit_code == 0 and "Xero: connected to" in ran.output, ran.output
    with database.reading() as db:
        found = {
            each.slug: (each.permission, each.workspace_id)
            for each in db.execute(select(Connection)).scalars()
        }
    assert found == {
        slug: (level, "wsp_demo")
        for slug, level in (("xero", "read"), ("freshbooks", "ask"), ("gmail", "read"))
    }
    assert "connected to" not in seed().output


def test_it_is_refused_in_production(environ):
    environ.update(ENV="production", PUBLIC_URL="https://hub.example.com", SANDBOX="0")
    application = create_app(config.load(environ))
    ran = application.test_cli_runner().invoke(args=["demo", "seed"])
    assert ran.exit_code == 1 and "ENV=production" in ran.output
    assert counted() == dict.fromkeys(counted(), 0)
    database.current().close()


@pytest.mark.parametrize("command", [["demo", "seed"], ["usage", "rollup"]])
def test_commands_explain_themselves(app, command):
    ran = app.test_cli_runner().invoke(args=[*command, "--help"])
    assert ran.exit_code == 0 and len(ran.output) > 300
