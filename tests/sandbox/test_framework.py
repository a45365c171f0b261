"""What the sandbox gives every imitated service: consent page, token endpoint, levers, a lasting state."""

import base64
import hashlib
import threading
import time
from http.client import RemoteDisconnected
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest
from flask import Blueprint, jsonify
from werkzeug.test import Client

from app.sandbox.clock import today
from app.sandbox.current import here
from app.sandbox.rules import Rules
from app.sandbox.server import create_app
from app.sandbox.service import DemoCompany, ImitatedService
from tests.support.processes import Levers, run_sandbox
from tests.support.product import free_port
from tests.support.waiting import AT_MOST_SECONDS, until

CALLBACK = "http://localhost:8000/callback"
SECRET = {"client_id": "sandbox", "client_secret": "sandbox"}
VERIFIER = "a" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def service(**rules):
    bp = Blueprint("toy", __name__)

    @bp.get("/me")
    def me():
        access = here().access()
        return (
            (jsonify(company=access.company, scopes=sorted(access.scopes)), 200)
            if access
            else (jsonify(error="expired"), 401)
        )

    @bp.post("/mails")
    def mails():
        here().book("acme").put("mail", here().book("acme").new_id("mail"), {"on": str(here().today())})
        here().mailed(to=["x@example.com"])
        return jsonify(count=len(here().book("acme").all("mail")))

    given = {
        "authorize_path": "/authorize",
        "token_path": "/token",
        "revoke_path": "/revoke",
        "scopes": frozenset({"read", "write"}),
        "access_seconds": 600,
        **rules,
    }
    companies = (
        DemoCompany("acme", "Acme", "ann@acme.example"),
        DemoCompany("globex", "Globex", "gus@globex.example"),
    )
    return ImitatedService("toy", "Toy", bp, companies, seed=lambda book, today: None, oauth=Rules(**given))


class Toy:
    def __init__(self, state_file=None, **rules):
        self.http = Client(create_app(state_file, {"toy": service(**rules)}))

    def consent(self, company="acme", decision="approve", **parameters):
        query = {
            "response_type": "code",
            "client_id": "sandbox",
            "redirect_uri": CALLBACK,
            "scope": "read write",
            "state": "a b&c",
            **parameters,
        }
        return self.http.post(
            "/toy/authorize",
            query_string=query,
            data={"company": company, "decision": decision, "granted": ["read"]},
        )

    def code(self, **parameters):
        return parse_qs(urlsplit(self.consent(**parameters).headers["Location"]).query)["code"][0]

    def exchange(self, code, **changed):
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            **SECRET,
            **changed,
        }
        return self.http.post("/toy/token", data=form)

    def sign_in(self, **parameters):
        return self.exchange(self.code(**parameters)).json

    def refresh(self, token, **changed):
        return self.http.post(
            "/toy/token", data={"grant_type": "refresh_token", "refresh_token": token, **SECRET, **changed}
        )

    def me(self, token):
        return self.http.get("/toy/me", headers={"Authorization": f"Bearer {token}"})

    def lever(self, name, **given):
        return self.http.post(f"/_levers/toy/{name}", json=given)

    def log(self):
        return self.http.get("/_levers/toy/log").json


# --- the consent page ---


def test_the_consent_page_offers_the_companies_and_two_buttons():
    page = (
        Toy()
        .http.get(
            "/toy/authorize",
            query_string={"response_type": "code", "client_id": "sandbox", "redirect_uri": CALLBACK},
        )
        .text
    )
    for words in ("Acme", "Globex", ">Approve</button>", ">Deny</button>"):
        assert words in page


def test_approving_comes_back_with_a_code_and_the_state():
    back = Toy().consent().headers["Location"]
    assert back.startswith(CALLBACK + "?")
    assert parse_qs(urlsplit(back).query)["state"] == ["a b&c"]


def test_denying_comes_back_with_the_reason():
    back = Toy().consent(decision="deny").headers["Location"]
    assert parse_qs(urlsplit(back).query) == {"error": ["access_denied"], "state": ["a b&c"]}


@pytest.mark.parametrize(
    "parameters",
    [
        {"client_id": "somebody"},
        {"redirect_uri": "http://evil.example/callback"},
        {"redirect_uri": "javascript:alert(1)"},
        {"scope": "read everything"},
        {"response_type": "token"},
        {"code_challenge": CHALLENGE, "code_challenge_method": "plain"},
    ],
)
def test_a_wrong_request_stays_on_the_services_own_page(parameters):
    answer = Toy().consent(**parameters)
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_a_person_can_untick_scopes_where_the_service_lets_them():
    assert Toy(granular=True).sign_in()["scope"] == "read"
    assert Toy().sign_in()["scope"] == "read write"


# --- the token endpoint ---


def test_a_code_works_once():
    toy = Toy()
    code = toy.code()
    assert toy.exchange(code).status_code == 200
    assert toy.exchange(code).json["error"] == "invalid_grant"


def test_a_code_dies_of_age():
    toy = Toy(code_seconds=300)
    code = toy.code()
    toy.lever("advance", seconds=301)
    assert toy.exchange(code).json["error"] == "invalid_grant"


def test_the_redirect_address_must_be_the_same_at_the_token_call():
    toy = Toy()
    assert toy.exchange(toy.code(), redirect_uri=CALLBACK + "/").json["error"] == "invalid_grant"
    assert toy.exchange(toy.code()).status_code == 200


def test_a_code_challenge_must_be_met():
    toy = Toy()
    parameters = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    assert toy.exchange(toy.code(**parameters)).json["error"] == "invalid_grant"
    assert toy.exchange(toy.code(**parameters), code_verifier="b" * 64).json["error"] == "invalid_grant"
    assert toy.exchange(toy.code(**parameters), code_verifier=VERIFIER).status_code == 200


def test_the_client_proves_itself_in_the_body_or_the_header():
    toy = Toy()
    wrong = toy.exchange(toy.code(), client_secret="guess")
    assert (wrong.status_code, wrong.json["error"]) == (401, "invalid_client")
    form = {"grant_type": "authorization_code", "code": toy.code(), "redirect_uri": CALLBACK}
    header = "Basic " + base64.b64encode(b"sandbox:sandbox").decode()
    assert toy.http.post("/toy/token", data=form, headers={"Authorization": header}).status_code == 200


def test_a_rotated_refresh_token_is_dead_at_once_without_grace():
    toy = Toy()
    first = toy.sign_in()["refresh_token"]
    second = toy.refresh(first).json["refresh_token"]
    assert second != first
    assert toy.refresh(first).json["error"] == "invalid_grant"
    assert toy.refresh(second).status_code == 200


def test_a_rotated_refresh_token_can_be_sent_again_within_its_grace():
    toy = Toy(grace_seconds=1800)
    first = toy.sign_in()["refresh_token"]
    toy.refresh(first)
    assert toy.refresh(first).status_code == 200
    toy.lever("advance", seconds=1801)
    assert toy.refresh(first).json["error"] == "invalid_grant"


def test_a_service_that_never_rotates_leaves_the_token_out_of_its_answer():
    toy = Toy(rotates_after_seconds=None, repeats_refresh_token=False)
    token = toy.sign_in()["refresh_token"]
    assert "refresh_token" not in toy.refresh(token).json
    assert toy.refresh(token).status_code == 200


def test_a_service_may_rotate_once_a_day():
    toy = Toy(rotates_after_seconds=86_400)
    token = toy.sign_in()["refresh_token"]
    assert toy.refresh(token).json["refresh_token"] == token
    toy.lever("advance", seconds=86_401)
    assert toy.refresh(token).json["refresh_token"] != token


def test_an_idle_refresh_token_dies_but_use_keeps_it_alive():
    toy = Toy(rotates_after_seconds=None, idle_seconds=100)
    token = toy.sign_in()["refresh_token"]
    for _ in range(3):
        toy.lever("advance", seconds=90)
        assert toy.refresh(token).status_code == 200
    toy.lever("advance", seconds=101)
    assert toy.refresh(token).json["error"] == "invalid_grant"


def test_access_ends_with_its_time_and_with_revocation():
    toy = Toy()
    tokens = toy.sign_in()
    assert toy.me(tokens["access_token"]).json["company"] == "acme"
    toy.lever("advance", seconds=600)
    assert toy.me(tokens["access_token"]).status_code == 401
    fresh = toy.refresh(tokens["refresh_token"]).json
    assert toy.http.post("/toy/revoke", data={"token": fresh["refresh_token"], **SECRET}).status_code == 200
    assert toy.me(fresh["access_token"]).status_code == 401
    assert toy.refresh(fresh["refresh_token"]).json["error"] == "invalid_grant"


# --- levers ---


def test_levers_end_tokens_of_one_company_only():
    toy = Toy()
    acme, globex = toy.sign_in(), toy.sign_in(company="globex")
    toy.lever("expire", company="acme")
    assert toy.me(acme["access_token"]).status_code == 401
    assert toy.me(globex["access_token"]).status_code == 200
    toy.lever("revoke", company="globex")
    assert toy.refresh(globex["refresh_token"]).status_code == 400
    assert toy.refresh(acme["refresh_token"]).status_code == 200


def test_dead_refresh_tokens_leave_access_alive():
    toy = Toy()
    tokens = toy.sign_in()
    toy.lever("forget_refresh")
    assert toy.me(tokens["access_token"]).status_code == 200
    assert toy.refresh(tokens["refresh_token"]).status_code == 400


def test_scopes_can_be_taken_away():
    toy = Toy()
    tokens = toy.sign_in()
    toy.lever("unscope", scopes=["write"])
    assert toy.me(tokens["access_token"]).json["scopes"] == ["read"]
    assert toy.refresh(tokens["refresh_token"]).json["scope"] == "read"


@pytest.mark.parametrize(
    ("body", "kind"), [("html", "text/html"), ("empty", "application/json"), ("json", "application/json")]
)
def test_a_failure_strikes_as_often_as_told_and_where_told(body, kind):
    toy = Toy()
    token = toy.sign_in()["access_token"]
    toy.lever("fail", status=503, body=body, times=2, skip=1, path="/me")
    assert [toy.me(token).status_code for _ in range(4)] == [200, 503, 503, 200]
    toy.lever("fail", status=500, body=body, path="/elsewhere")
    assert toy.me(token).status_code == 200


def test_an_answer_can_be_lost_after_the_work_was_done():
    toy = Toy()
    toy.lever("fail", status=502, when="after", path="/mails")
    assert toy.http.post("/toy/mails").status_code == 502
    assert len(toy.log()["mails"]) == 1
    assert toy.http.post("/toy/mails").json == {"count": 2}


def test_an_answer_can_be_cut():
    toy = Toy()
    token = toy.sign_in()["access_token"]
    whole = toy.me(token).text
    toy.lever("cut")
    assert 0 < len(toy.me(token).text) < len(whole)


def test_too_many_requests_say_when_to_come_back():
    toy = Toy()
    toy.lever("rate_limit", retry_after=7)
    answer = toy.me("x")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


def test_slowness_delays_one_request_and_not_the_others():
    toy = Toy()
    toy.lever("slow", seconds=0.2, path="/mails")
    started = time.monotonic()
    assert toy.http.post("/toy/mails").status_code == 200
    assert time.monotonic() - started >= 0.2
    toy.lever("slow", seconds=60, path="/mails")
    slow = threading.Thread(target=toy.http.post, args=("/toy/mails",))
    slow.start()
    until(lambda: not toy.http.application.state.levers("toy").faults)  # its request has come
    assert toy.me("x").status_code == 401
    assert slow.is_alive(), "the other was answered meanwhile"
    until(lambda: toy.lever("clear") and not slow.is_alive())


def test_clearing_takes_faults_back_and_resetting_everything():
    toy = Toy()
    tokens = toy.sign_in()
    toy.lever("fail", times=100)
    toy.lever("clear")
    assert toy.me(tokens["access_token"]).status_code == 200
    toy.lever("reset")
    assert toy.me(tokens["access_token"]).status_code == 401
    assert toy.log()["exchanges"] == 0


@pytest.mark.parametrize(
    ("lever", "given"),
    [
        ("fail", {"wrong": 1}),
        ("fail", {"when": "never"}),
        ("slow", {"times": "two"}),
        ("advance", {}),
        ("explode", {}),
    ],
)
def test_a_lever_pulled_wrongly_says_so(lever, given):
    assert Toy().lever(lever, **given).status_code in {400, 404, 405}


def test_the_log_shows_what_was_seen_and_no_secret():
    toy = Toy()
    tokens = toy.sign_in()
    toy.me(tokens["access_token"])
    toy.refresh(tokens["refresh_token"])
    toy.refresh(tokens["refresh_token"])
    log = toy.log()
    assert (log["approvals"], log["exchanges"], log["refreshes"], log["refresh_refusals"]) == (1, 1, 1, 1)
    assert {"method": "GET", "path": "/me", "status": 200} in log["requests"]
    assert tokens["access_token"] not in str(log) and tokens["refresh_token"] not in str(log)


# --- the state ---


def test_a_restart_forgets_nothing_and_the_file_holds_no_token(tmp_path):
    path = tmp_path / "sandbox.db"
    toy = Toy(path)
    tokens = toy.sign_in()
    toy.http.post("/toy/mails")
    again = Toy(path)
    assert again.me(tokens["access_token"]).status_code == 200
    assert again.http.post("/toy/mails").json == {"count": 2}
    assert again.refresh(tokens["refresh_token"]).status_code == 200
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert tokens["access_token"].encode() not in stored and tokens["refresh_token"].encode() not in stored


def test_a_new_month_brings_new_demo_data():
    seeded = []
    toy = service()
    fresh = ImitatedService(
        "toy",
        "Toy",
        toy.blueprint,
        toy.companies,
        seed=lambda book, today: seeded.append(today),
        oauth=toy.oauth,
    )
    http = Client(create_app(None, {"toy": fresh}))
    before = today()
    http.post("/toy/mails")
    http.post("/toy/mails")
    assert len(seeded) == 1 and before <= seeded[0] <= today()
    http.post("/_levers/toy/advance", json={"seconds": 32 * 86_400})
    assert http.post("/toy/mails").json == {"count": 1}
    assert len(seeded) == 2


# --- the process ---


@pytest.mark.slow
def test_the_process_drops_a_connection_after_rotating_and_survives_a_restart(tmp_path):
    port = free_port()
    with run_sandbox(tmp_path, port=port) as url:
        levers = Levers(url, "freshbooks")
        levers("drop", when="after")
        with pytest.raises((RemoteDisconnected, URLError, ConnectionError)):
            urlopen(url + "/freshbooks/auth/api/v1/users/me", timeout=AT_MOST_SECONDS)
        assert levers.log()["requests"][-1]["fault"] == "drop"
        levers("hang")
        hanging = threading.Thread(target=_swallow, args=(url + "/freshbooks/auth/api/v1/users/me",))
        hanging.start()
        until(lambda: levers("clear") and not hanging.is_alive())  # lets it go once it has come
    with run_sandbox(tmp_path, port=port) as url:
        assert urlopen(url + "/", timeout=AT_MOST_SECONDS).status == 200


def _swallow(url):
    with pytest.raises((HTTPError, URLError, ConnectionError, RemoteDisconnected)):
        urlopen(url, timeout=90)


def test_sixty_four_callers_at_once_are_all_answered(sandbox):
    statuses = []

    def call():
        for _ in range(5):
            try:
                urlopen(sandbox + "/freshbooks/auth/api/v1/users/me", timeout=AT_MOST_SECONDS)
            except HTTPError as error:
                statuses.append(error.code)

    threads = [threading.Thread(target=call) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [401] * 320
