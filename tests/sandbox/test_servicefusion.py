"""The imitated Service Fusion follows the rules of the real one."""

from datetime import datetime, timedelta

import pytest
import requests
from werkzeug.test import Client

from app.sandbox.clock import now
from app.sandbox.server import create_app
from tests.support.processes import Levers
from tests.support.waiting import AT_MOST_SECONDS


@pytest.fixture
def fusion(sandbox):
    Levers(sandbox, "servicefusion")("reset")
    return Fusion(f"{sandbox}/servicefusion")


class Fusion:
    def __init__(self, url):
        self.url = url
        answer = self.token(grant_type="client_credentials", client_id="sandbox", client_secret="sandbox")
        self.tokens = answer.json()

    def token(self, **given):
        return requests.post(f"{self.url}/oauth/access_token", json=given, timeout=AT_MOST_SECONDS)

    def send(self, method, path, **options):
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}"}
        return requests.request(
            method, f"{self.url}/v1{path}", headers=headers, timeout=AT_MOST_SECONDS, **options
        )


def test_a_token_answer_holds_a_refresh_token_that_rotates(fusion):
    assert fusion.tokens["expires_in"] == 3600
    again = {"grant_type": "refresh_token", "client_id": "sandbox", "client_secret": "sandbox"}
    assert fusion.token(**again, refresh_token=fusion.tokens["refresh_token"]).status_code == 200
    spent = fusion.token(**again, refresh_token=fusion.tokens["refresh_token"])
    assert (spent.status_code, spent.json()["error"]) == (400, "invalid_grant")


def test_wrong_credentials_are_a_400(fusion):
    answer = fusion.token(grant_type="client_credentials", client_id="sandbox", client_secret="no")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")


def test_an_underscore_means_nothing_and_fifty_is_the_most(fusion):
    assert fusion.send("GET", "/jobs", params={"sort": "id", "per_page": 40}).json()["_meta"]["perPage"] == 10
    assert (
        fusion.send("GET", "/jobs", params={"sort": "id", "per-page": 400}).json()["_meta"]["perPage"] == 50
    )


def test_a_page_past_the_end_is_the_last_one_again(fusion):
    found = fusion.send("GET", "/customers", params={"page": 99, "per-page": 5}).json()
    assert found["_meta"]["currentPage"] == found["_meta"]["pageCount"] == 2 and len(found["items"]) == 3


def test_parts_appear_only_when_asked_for(fusion):
    plain = fusion.send("GET", "/customers").json()["items"][0]
    assert "contacts" not in plain and "contacts" in plain["_expandable"]
    whole = fusion.send(
        "GET", f"/customers/{plain['id']}", params={"expand": "contacts,contacts.phones"}
    ).json()
    assert whole["contacts"][0]["phones"] and "emails" not in whole["contacts"][0]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_nothing_can_be_changed(fusion, method):
    assert fusion.send(method, "/customers/901234").status_code == 405


def test_a_name_nobody_has_makes_a_customer(fusion):
    before = fusion.send("GET", "/customers").json()["_meta"]["totalCount"]
    assert fusion.send("POST", "/jobs", json={"customer_name": "Brand New"}).status_code == 201
    assert fusion.send("GET", "/customers").json()["_meta"]["totalCount"] == before + 1
    refused = fusion.send("POST", "/jobs", json={})
    assert refused.status_code == 422 and refused.json()[0]["field"] == "customer_name"


def test_jobs_without_a_sort_do_not_come(fusion):
    assert fusion.send("GET", "/jobs").status_code == 504


def test_every_answer_counts_down(fusion):
    answer = fusion.send("GET", "/me")
    assert answer.headers["X-Rate-Limit-Limit"] == "60" and int(answer.headers["X-Rate-Limit-Remaining"]) < 60


@pytest.mark.parametrize(
    ("path", "name", "wrong", "right"),
    [
        ("/jobs", "updated_date", "2026-11-01", "2026-11-01T00:00:00+00:00"),
        ("/jobs", "closed_date", "2026-11-01T00:00:00.5+00:00", "2026-11-01T00:00:00-08:00"),
        ("/jobs", "start_date", "2026-11-01T00:00:00+00:00", "2026-11-01"),
        ("/estimates", "requested_date", "2026-11-01", "2026-11-01T00:00:00+00:00"),
        ("/customers", "last_serviced_date", "yesterday", "2026-11-01"),
    ],
)
def test_a_date_filter_has_the_format_that_is_documented_for_it(fusion, path, name, wrong, right):
    def ask(value):
        return fusion.send("GET", path, params={"sort": "id", f"filters[{name}][gte]": value})

    refused = ask(wrong)
    assert (refused.status_code, refused.json()["code"]) == (400, 400)
    assert ask(right).status_code == 200


def test_several_statuses_are_separated_by_commas(fusion):
    def count(status):
        found = fusion.send("GET", "/estimates", params={"filters[status]": status}).json()
        return found["_meta"]["totalCount"]

    assert count("Estimate Won,estimate provided") == count("Estimate Won") + count("Estimate Provided") == 6
    assert count("open") == 0
    names = [s["name"] for s in fusion.send("GET", "/job-statuses").json()["items"]]
    assert "Estimate Won" in names and "open" not in names


def test_a_quantity_that_is_not_whole_is_refused(fusion):
    job = {"customer_name": "901234", "services": [{"service": "A", "multiplier": 0.5}]}
    refused = fusion.send("POST", "/jobs", json=job)
    assert (refused.status_code, refused.json()[0]["field"]) == (422, "services")


def test_an_estimate_has_no_priority_and_no_day_of_request(fusion):
    made = fusion.send("POST", "/estimates", json={"customer_name": "901234", "priority": "High"})
    assert made.status_code == 201
    assert not {"priority", "end_date", "requested_date"} & set(made.json())


def test_a_new_record_has_its_parts_only_when_asked_for(fusion):
    job = {"customer_name": "901234", "services": [{"service": "A"}]}
    assert "services" not in fusion.send("POST", "/jobs", json=job).json()
    made = fusion.send("POST", "/jobs", json=job, params={"expand": "services"}).json()
    assert made["services"][0]["name"] == "A"


@pytest.mark.parametrize("hour", [0, 8, 23])
def test_nothing_was_created_in_the_future(monkeypatch, hour):
    moment = now().replace(hour=hour, minute=3)
    monkeypatch.setattr("app.sandbox.clock.now", lambda shift=0: moment + timedelta(seconds=shift))
    client = Client(create_app())
    for consumer in ("sandbox", "harbour"):
        given = {"grant_type": "client_credentials", "client_id": consumer, "client_secret": consumer}
        token = client.post("/servicefusion/oauth/access_token", json=given).json["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        name = client.get("/servicefusion/v1/customers", headers=bearer).json["items"][0]["customer_name"]
        client.post("/servicefusion/v1/jobs", json={"customer_name": name}, headers=bearer)
        client.post("/servicefusion/v1/customers", json={"customer_name": "New"}, headers=bearer)
        for kind in ("jobs", "estimates", "customers"):
            query = {"sort": "-created_at", "per-page": 50}
            found = client.get(f"/servicefusion/v1/{kind}", query_string=query, headers=bearer).json["items"]
            assert found
            for each in found:
                for field in ("created_at", "updated_at", "requested_date", "closed_at"):
                    if text := each.get(field):
                        assert datetime.fromisoformat(text) <= moment, (kind, field)
