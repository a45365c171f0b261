"""The imitated Xano behaves as Xano does: a host per instance, tokens, permissions, lists in two shapes."""

import pytest
from werkzeug.test import Client

from app.sandbox.server import create_app
from app.sandbox.services.xano import SERVICE

SHOP = "/xk41-77qe-2p9d.n7.xano.io/api:meta/workspace/3"
PRODUCT = f"{SHOP}/table/8"


class Xano:
    def __init__(self):
        self.http = Client(create_app(None, {"xano": SERVICE}))
        self.token = "sandbox-xano-northwind"

    def ask(self, method, path, json=None):
        return self.http.open(
            f"/xano{path}", method=method, json=json, headers={"Authorization": f"Bearer {self.token}"}
        )

    def get(self, path):
        return self.ask("GET", path)

    def lever(self, name, **given):
        assert self.http.post(f"/_levers/xano/{name}", json=given).status_code == 200

    def fields(self, table=PRODUCT):
        return [field["name"] for field in self.get(f"{table}/schema").json]


@pytest.fixture
def xano():
    return Xano()


def test_the_host_of_an_instance_is_not_made_of_its_name(xano):
    first, second = xano.get("/api:meta/instance").json
    assert (
        first["name"] not in first["meta_api"]
        and first["meta_api"] == "http://localhost/xano/xk41-77qe-2p9d.n7.xano.io/api:meta"
    )
    assert "data.northwind.example" in second["meta_api"]
    assert xano.get(f"/{second['xano_domain']}/api:meta/workspace").status_code == 404


@pytest.mark.parametrize(
    "path", ["/api:meta/auth/me", "/api:meta/instance", f"{SHOP}/table", f"{PRODUCT}/content"]
)
def test_nothing_opens_without_a_token(xano, path):
    xano.token = "nobody"
    answer = xano.get(path)
    assert (answer.status_code, answer.json["code"]) == (401, "ERROR_CODE_UNAUTHORIZED")


def test_a_token_opens_its_own_instances_alone(xano):
    xano.token = "sandbox-xano-birch"
    assert xano.get(SHOP).status_code == 401
    xano.token = "sandbox-xano-reader"
    assert xano.get("/api:meta/auth/me").json["extras"]["instance"]["name"] == "x8ab-12cd-sim1"
    assert (
        xano.get(SHOP).status_code,
        xano.get("/data.northwind.example/api:meta/workspace").status_code,
    ) == (200, 401)


def test_a_missing_permission_is_denied_without_a_word(xano):
    xano.token = "sandbox-xano-reader"
    answer = xano.ask("PUT", f"{PRODUCT}/content/1", {"stock": 1})
    assert (answer.status_code, answer.json) == (403, {"code": "ERROR_CODE_ACCESS_DENIED", "message": ""})


def test_a_login_gives_a_token_that_asks_for_fresh_keys(xano):
    refused = xano.http.post(
        "/xano/api:auth/auth/login", json={"email": "ana@northwind.example", "password": "no"}
    )
    assert (refused.status_code, refused.json["message"]) == (403, "Invalid Credentials.")
    xano.token = xano.http.post(
        "/xano/api:auth/auth/login", json={"email": "ana@northwind.example", "password": "sandbox"}
    ).json["authToken"]
    session = xano.token
    keys = [xano.get("/api:auth/auth/me").json["api_key"] for _ in range(2)]
    assert keys[0] != keys[1]
    xano.token = keys[1]
    assert xano.get(SHOP).status_code == 200
    xano.lever("expire")
    assert xano.get(SHOP).json == {"code": "ERROR_CODE_UNAUTHORIZED", "message": "This token is expired."}
    xano.token = session
    assert xano.get("/api:auth/auth/me").status_code == 200
    xano.lever("advance", seconds=86_401)
    assert xano.get("/api:auth/auth/me").status_code == 401


def test_the_free_plan_ends_after_ten_requests_in_twenty_seconds(xano):
    xano.token = "sandbox-xano-birch"
    answers = [xano.get("/xb19-4d6n-j3vr.n7e.xano.io/api:meta/workspace") for _ in range(11)]
    assert [a.status_code for a in answers] == [200] * 10 + [429]
    assert "Retry-After" not in answers[-1].headers
    xano.lever("advance", seconds=21)
    assert xano.get("/xb19-4d6n-j3vr.n7e.xano.io/api:meta/workspace").status_code == 200


def test_replacing_the_schema_drops_what_is_left_out_and_keeps_the_order(xano):
    schema = xano.get(f"{PRODUCT}/schema").json
    rest = [field for field in reversed(schema) if field["name"] != "notes"]
    assert xano.ask("PUT", f"{PRODUCT}/schema", {"schema": rest}).json == {}
    assert xano.fields() == [field["name"] for field in rest]
    assert "notes" not in xano.get(f"{PRODUCT}/content/1").json


def test_a_type_it_does_not_know_is_refused(xano):
    answer = xano.ask("POST", f"{PRODUCT}/schema/type/boolean", {"name": "flag"})
    assert (answer.status_code, answer.json["code"], answer.json["param"]) == (
        400,
        "ERROR_CODE_INPUT_ERROR",
        "type",
    )
    assert xano.ask("POST", f"{PRODUCT}/schema/type/bool", {"name": "flag"}).json == {"name": "flag"}
    assert xano.fields()[-1] == "flag"
    assert xano.ask("POST", f"{PRODUCT}/schema/type/bool", {"name": "flag"}).status_code == 400


def test_deleting_says_null_or_nothing(xano):
    answer = xano.ask("DELETE", f"{PRODUCT}/content/1")
    assert (answer.status_code, answer.text.strip()) == (200, "null")
    xano.lever("answers", deletes="empty")
    answer = xano.ask("DELETE", f"{PRODUCT}/content/2")
    assert (answer.status_code, answer.text) == (200, "")
    assert xano.ask("DELETE", f"{PRODUCT}/content/2").json["code"] == "ERROR_CODE_NOT_FOUND"


def test_lists_come_bare_or_in_an_envelope(xano):
    assert [w["name"] for w in xano.get("/xk41-77qe-2p9d.n7.xano.io/api:meta/workspace").json] == [
        "Shop",
        "Website",
    ]
    xano.lever("answers", lists="pages")
    assert xano.get("/xk41-77qe-2p9d.n7.xano.io/api:meta/workspace?per_page=1").json["nextPage"] == 2
    page = xano.get(f"{PRODUCT}/content?page=3&per_page=50").json
    assert (
        page["itemsReceived"],
        page["nextPage"],
        page["prevPage"],
        page["itemsTotal"],
        page["pageTotal"],
    ) == (20, None, 2, 120, 3)
    assert xano.get(f"{PRODUCT}/content?page=0").status_code == 400


def test_bulk_work_names_what_failed(xano):
    answer = xano.ask(
        "POST",
        f"{PRODUCT}/content/bulk",
        {"items": [{"name": "a", "price": 1}, {"name": "b"}], "allow_id_field": False},
    ).json
    assert (len(answer["success"]), answer["success_total"], answer["error"]) == (
        1,
        1,
        [{"message": "Missing param: price", "param": "price"}],
    )
    patch = xano.ask(
        "POST", f"{PRODUCT}/content/bulk/patch", {"items": [{"row_id": 1, "updates": {"stock": 9}}]}
    ).json
    assert patch == {"error": [], "success": ["1"], "success_total": 1}


@pytest.mark.parametrize(
    ("type_", "sent", "stored"),
    [
        ("enum", {"values": ["To Do", "Done"]}, {"values": ["To Do", "Done"]}),
        ("enum", {}, {"values": []}),
        ("vector", {"vector": {"size": 3}}, {"vector": {"size": 3}}),
        (
            "object",
            {"children": [{"name": "score", "type": "int"}]},
            {"children": [{"name": "score", "type": "int"}]},
        ),
        ("json", {"default": "{}", "filters": {"trim": True}}, {"default": ""}),
        ("int", {"tableref_id": 7}, {"tableref_id": 7}),
        ("text", {"filters": {"trim": True}}, {"validators": {"trim": True}}),
    ],
)
def test_a_call_for_one_column_takes_what_its_type_has(xano, type_, sent, stored):
    answer = xano.ask("POST", f"{PRODUCT}/schema/type/{type_}", {"name": "extra", **sent})
    assert (answer.status_code, answer.json) == (200, {"name": "extra"})
    field = xano.get(f"{PRODUCT}/schema").json[-1]
    assert {name: field[name] for name in stored} == stored and ("validators" in field) == (
        "validators" in stored
    )


def test_a_uuid_refers_to_a_table_only_by_the_call_for_the_whole_schema(xano):
    xano.ask("POST", f"{PRODUCT}/schema/type/uuid", {"name": "extra", "tableref_id": 11})
    schema = xano.get(f"{PRODUCT}/schema").json
    assert "tableref_id" not in schema[-1]
    xano.ask("PUT", f"{PRODUCT}/schema", {"schema": [*schema[:-1], {**schema[-1], "tableref_id": 11}]})
    assert xano.get(f"{PRODUCT}/schema").json[-1]["tableref_id"] == 11


def test_a_vector_needs_a_size(xano):
    assert xano.ask("POST", f"{PRODUCT}/schema/type/vector", {"name": "extra"}).status_code == 400


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_a_wrong_password_is_refused_with_the_status_its_builder_chose(xano, status):
    xano.lever("answers", logins=str(status))
    wrong = {"email": "ana@northwind.example", "password": "no"}
    answer = xano.http.post("/xano/api:auth/auth/login", json=wrong)
    assert (answer.status_code, answer.json["message"]) == (status, "Invalid Credentials.")
