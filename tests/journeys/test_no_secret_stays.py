"""Every secret passes through the product at LOG_LEVEL=DEBUG, over a tapped wire; then each place where it
may have stayed is searched.

What is worth looking for is taken from the wire and, with the key the test holds, from the vault: nobody
keeps a list of secrets.
"""

import contextlib
import json
import re
import secrets
import sqlite3
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from urllib.parse import unquote_plus, urlencode

import pytest
from sqlmodel import Session, create_engine, select

from app.crypto import KeyRing
from app.vault import seal
from app.vault.models import Credential
from tests.support.browser import Person
from tests.support.processes import Levers
from tests.support.product import Product, run_product
from tests.support.sdk_client import PythonClient
from tests.support.tap import Tap
from tests.support.waiting import AT_MOST_SECONDS

pytestmark = [pytest.mark.needs_chromium, pytest.mark.xdist_group("journeys")]
SERVICES = ("freshbooks", "xero", "gmail")
READS = ("freshbooks_list_clients", "xero_list_contacts", "gmail_list_labels")
# Ours by their prefix: tokens, codes, client secrets; and the ids of flows and links, which open something
# too.
OURS = re.compile(rb"\b(?:pba|pbr|pbp|pbc|pbs|flw|lnk)_[\w-]{43}")
SENT_ONCE = ("pba_", "pbr_", "pbp_", "pbs_")
# The imitated services' own memory, and the mailbox that stands in for a mail server.
NOT_OURS = {"sandbox.db", "sandbox.db-wal", "sandbox.db-shm", "mailbox.jsonl"}


@dataclass
class House:
    """A product behind a tapped wire, and somebody living in it."""

    product: Product
    tap: Tap
    anna: Person
    service_tokens: set[str] = field(default_factory=set)
    typed: set[str] = field(default_factory=set)

    def look_into_the_vault(self):
        """The services' tokens as they are now, opened with the key the product was given."""
        keys = KeyRing.parse(self.product.environ["VAULT_KEYS"])
        engine = create_engine(f"sqlite:///{self.product.instance / 'patchbay.db'}")
        with Session(engine) as db:
            for row in db.exec(select(Credential)):
                self.service_tokens |= {
                    seal.unseal(keys, row, name) for name in ("access_token_sealed", "refresh_token_sealed")
                }
        engine.dispose()

    def pull(self, lever, *slugs, **given):
        for slug in slugs or SERVICES:
            Levers(self.product.sandbox_url, slug)(lever, **given)

    def knock(self, path, form=None, **headers):
        """Send something by hand; what comes back does not matter, the wire has it."""
        data = form if isinstance(form, bytes) else urlencode(form).encode() if form else None
        with contextlib.suppress(urllib.error.HTTPError):
            return urllib.request.urlopen(
                urllib.request.Request(self.tap.url + path, data, headers), timeout=AT_MOST_SECONDS
            ).read()


@pytest.fixture
def house(tmp_path, chromium):
    tap = Tap()
    with run_product(tmp_path, PUBLIC_URL=tap.url, LOG_LEVEL="DEBUG") as product:
        tap.forward_to(int(product.environ["PORT"]))
        anna = Person(chromium, tap.url, password=secrets.token_urlsafe(18))
        yield House(product, tap, anna)
        anna.context.close()
    tap.close()


def test_no_secret_stays_anywhere_but_where_it_belongs(house):
    anna = house.anna
    anna.create_account()
    client = PythonClient(
        house.product.mcp_url, lambda url: anna.authorize(url, connect=("FreshBooks", "Xero", "Gmail"))
    )
    with client.connected():
        _tools_work_and_tokens_are_renewed(house, client)
        _services_misbehave(house, client)
        client.call("hub_connect_service", service="xero")
    _people_and_programs_make_mistakes(house)
    _every_page_is_looked_at(house)
    anna.button("Disconnect FreshBooks").click()
    anna.button("Connect FreshBooks").wait_for()

    codes = set(re.findall(r"\b\d{6}\b", (house.product.instance / "mailbox.jsonl").read_text()))
    ours = {found.decode() for found in OURS.findall(house.tap.requests + house.tap.responses)}
    passed = {
        unquote_plus(found.decode())
        for found in re.findall(rb"/callback\?(?:\S*?&)?code=([^&\s]+)", house.tap.requests)
    }
    cookies = {cookie["value"] for cookie in anna.context.cookies(anna.url) if cookie["name"] == "session"}
    settings = {house.product.environ["SECRET_KEY"], house.product.environ["VAULT_KEYS"].partition(":")[2]}
    everything = ours | passed | cookies | settings | house.service_tokens | house.typed | {anna.password}
    assert {found[:4] for found in ours} == {*SENT_ONCE, "pbc_", "flw_", "lnk_"}
    assert len(passed) >= 4 and len(house.service_tokens) >= 9 and len(cookies) == 1
    assert min(map(len, everything)) > 10

    stored = {
        path.name: path.read_bytes()
        for path in house.product.instance.rglob("*")
        if path.is_file() and path.name not in NOT_OURS
    }
    assert {"patchbay.db", "log.txt"} <= set(stored)
    stored["the metrics"] = house.knock("/metrics")
    places = [
        f"{_name(secret)} is in {place}"
        for place, text in stored.items()
        for secret in everything
        if secret.encode() in text
    ]
    assert places == []
    assert _codes_in_clear(house, codes) == []

    answered = house.tap.responses
    never_sent = house.service_tokens | settings | {anna.password} | house.typed
    assert [_name(secret) for secret in never_sent if secret.encode() in answered] == []
    too_often = [
        _name(secret)
        for secret in ours
        if secret.startswith(SENT_ONCE) and _is_in_two_responses(secret.encode(), answered)
    ]
    assert too_often == [], "a secret is told once, to whom it belongs"
    assert "Traceback" not in house.product.log


def _tools_work_and_tokens_are_renewed(house, client):
    house.look_into_the_vault()
    for tool in READS:
        assert client.call(tool)["success"]
    house.pull("expire")
    for tool in READS:
        assert client.call(tool)["success"]
    house.look_into_the_vault()
    client.let_a_day_pass()
    assert client.call("hub_list_connections")["success"]
    assert len(client.storage.every_token) == 2


def _services_misbehave(house, client):
    """Each in another way, at the moment a token is sent."""
    for lever, given in (
        ("fail", {"status": 500, "body": "html"}),
        ("cut", {}),
        ("rate_limit", {}),
        ("drop", {}),
    ):
        house.pull(lever, times=3, **given)
        for tool in READS:
            client.call(tool)
        house.pull("clear")
    house.pull("expire")
    house.pull("fail", grant_type="refresh_token", status=503, body="html", times=2)
    for tool in READS:
        client.call(tool)
    house.pull("clear")
    house.pull("rotate_and_drop", "xero")
    client.call("xero_list_contacts")
    house.pull("revoke", "gmail")
    client.call("gmail_list_labels")
    house.look_into_the_vault()


def _people_and_programs_make_mistakes(house):
    """Secrets in wrong places, and wrong secrets in right ones."""
    anna, a_token = house.anna, "pba_" + secrets.token_urlsafe(32)
    anna.go(
        "/integrations/freshbooks/callback?"
        + urlencode({"code": secrets.token_urlsafe(24), "state": secrets.token_urlsafe(24)})
    )
    anna.sign_out()
    anna.go("/login")
    anna.page.get_by_label("Email").fill(anna.email)
    house.typed |= {typo := secrets.token_urlsafe(12)}
    anna.page.get_by_label("Password").fill(typo)
    anna.button("Sign in").click()
    anna.page.get_by_role("alert").wait_for()
    anna.sign_in()
    house.knock(f"/mcp?access_token={a_token}", b"{}", **{"Content-Type": "application/json"})
    house.knock("/status", Authorization=f"Bearer {a_token}")
    house.knock("/mcp", b"{}", Authorization=f"Bearer {a_token}")
    parameters = {
        "redirect_uris": [house.tap.url + "/nowhere"],
        "token_endpoint_auth_method": "client_secret_post",
    }
    client = json.loads(
        house.knock(
            "/oauth/register", json.dumps(parameters).encode(), **{"Content-Type": "application/json"}
        )
    )
    wrong = {
        "client_id": client["client_id"],
        "client_secret": client["client_secret"],
        "grant_type": "authorization_code",
    }
    for form in (
        wrong | {"code": "pbc_" + secrets.token_urlsafe(32), "code_verifier": secrets.token_urlsafe(32)},
        wrong | {"grant_type": "refresh_token", "refresh_token": "pbr_" + secrets.token_urlsafe(32)},
        wrong | {"grant_type": "password", "password": anna.password},
        wrong | {"client_secret": "pbs_" + secrets.token_urlsafe(32)},
    ):
        house.knock("/oauth/token", form)
    house.knock("/oauth/introspect", wrong | {"token": a_token})
    house.knock("/oauth/revoke", wrong | {"token": a_token})


def _every_page_is_looked_at(house):
    anna = house.anna
    anna.go("/ai-clients")
    anna.page.get_by_label("Name").fill("A script")
    anna.button("Generate token").click()
    anna.sees("Your new token")
    with urllib.request.urlopen(house.tap.url + "/health", timeout=AT_MOST_SECONDS) as answer:
        assert answer.status == 200
    paths = "ai-clients account debug-oauth memory team usage activity approvals integrations/status"
    for path in paths.split():
        anna.go(f"/{path}")
    anna.go("/integrations")


def _is_in_two_responses(secret, answered):
    """A new token stands several times on the one page that displays it: in each of its snippets."""
    return b"HTTP/1.1 " in answered[answered.find(secret) : answered.rfind(secret)]


def _codes_in_clear(house, codes):
    """Six digits are found anywhere by chance, so they are compared with whole values in the database, and
    with words in the log.

    Without a mail server the log is where mails go (contract: MAIL_URL), so their own lines are left out.
    """
    lines = [line for line in house.product.log.splitlines() if " app.mail " not in line]
    found = [
        f"a mailed code is in the log: {line}"
        for line in lines
        if codes & set(re.findall(r"(?<![\w.:-])\d{6}(?![\w.:-])", line))
    ]
    with sqlite3.connect(house.product.instance / "patchbay.db") as database:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            rows = database.execute(f"SELECT * FROM {table}").fetchall()
            found += [f"a mailed code is in {table}" for row in rows if codes & {str(value) for value in row}]
    return found


def _name(secret):
    """Enough to know which one it was."""
    return f"{secret[:7]}… ({len(secret)} characters)"
