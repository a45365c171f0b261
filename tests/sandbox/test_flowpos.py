"""The imitated FlowPOS verifies ID tokens as Firebase does, and separates scopes, businesses and days."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from werkzeug.test import Client

from app.sandbox.clock import now
from app.sandbox.server import create_app
from app.sandbox.services.flowpos.identity import KEY_ID, claims_of, private_key, signed

NOW = now()
CORNER, KIOSK, BOOKS = "/v1/businesses/b1a0-0001", "/v1/businesses/b1a0-0002", "/v1/businesses/b1a0-0003"


class FlowPosApp:
    def __init__(self):
        self.client = Client(create_app())

    def exchange(self, token):
        return self.client.post("/flowpos/mcp/token", json={"firebaseIdToken": token})

    def refresh(self, token):
        return self.client.post(
            "/flowpos/mcp/token/refresh", json={}, headers={"Authorization": f"Bearer {token}"}
        )

    def token(self, name="mara"):
        return self.exchange(signed(claims_of(name, NOW))).json["accessToken"]

    def get(self, path, token, **query):
        return self.client.get(
            f"/flowpos{path}", query_string=query, headers={"Authorization": f"Bearer {token}"}
        )

    def post(self, path, token, body, **headers):
        headers = {"Authorization": f"Bearer {token}", **headers}
        return self.client.post(f"/flowpos{path}", json=body, headers=headers)

    def lever(self, lever, **given):
        assert self.client.post(f"/_levers/flowpos/{lever}", json=given).status_code == 200


@pytest.fixture
def flowpos():
    return FlowPosApp()


def test_an_identity_token_is_exchanged_for_the_documented_answer(flowpos):
    answer = flowpos.exchange(signed(claims_of("mara", NOW)))
    body = answer.json
    assert (answer.status_code, body["expiresIn"], body["role"], body["activeBusinessId"]) == (
        200,
        86_400,
        "merchant",
        "b1a0-0001",
    )
    assert (
        body["authorizedBusinessIds"]
        == ["b1a0-0001", "b1a0-0002"]
        == [b["id"] for b in body["authorizedBusinesses"]]
    )
    assert body["scopes"] == ["pos:read", "pos:write", "reports:read", "psa:read", "pos:intents"]


def _claims(**changed):
    claims = {**claims_of("mara", NOW), **changed}
    return {name: value for name, value in claims.items() if value is not None}


PAST, SOON = int((NOW - timedelta(hours=2)).timestamp()), int((NOW + timedelta(hours=2)).timestamp())


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nonsense",
        "a.b.c",
        jwt.encode(_claims(), None, algorithm="none", headers={"kid": KEY_ID}),
        jwt.encode(_claims(), "s" * 32, algorithm="HS256", headers={"kid": KEY_ID}),
        jwt.encode(
            _claims(),
            rsa.generate_private_key(public_exponent=65537, key_size=2048),
            algorithm="RS256",
            headers={"kid": KEY_ID},
        ),
        signed(_claims(), kid="another"),
        jwt.encode(_claims(), private_key(), algorithm="RS256"),
        signed(_claims(aud="another-project")),
        signed(_claims(iss="https://securetoken.google.com/another-project")),
        signed(_claims(exp=PAST)),
        signed(_claims(exp=None)),
        signed(_claims(iat=SOON, exp=SOON + 3600)),
        signed(_claims(auth_time=SOON)),
        signed(_claims(auth_time=None)),
        signed(_claims(sub="")),
        signed(_claims(sub=None)),
        signed(_claims(sub="x" * 129)),
    ],
    ids=[
        "empty",
        "nonsense",
        "dots",
        "unsigned",
        "symmetric",
        "stranger",
        "other-key",
        "no-key",
        "other-project",
        "other-issuer",
        "expired",
        "no-expiry",
        "issued-later",
        "signed-in-later",
        "no-sign-in",
        "no-subject",
        "without-subject",
        "long-subject",
    ],
)
def test_an_identity_token_that_breaks_a_rule_is_refused(flowpos, token):
    answer = flowpos.exchange(token)
    assert (answer.status_code, answer.json["message"]) == (401, "Invalid or expired Firebase token")


@pytest.mark.parametrize("claims", [claims_of("zoe", NOW), _claims(sub="nobody-we-know")])
def test_a_person_without_a_business_is_refused_otherwise(flowpos, claims):
    answer = flowpos.exchange(signed(claims))
    assert (answer.status_code, answer.json["message"]) == (403, "No active business memberships")


def test_the_published_certificate_and_key_verify_what_a_login_gives(flowpos):
    login = {"email": "mara@corner.example", "password": "sandbox", "returnSecureToken": True}
    signed_in = flowpos.client.post("/flowpos/v1/accounts:signInWithPassword?key=k", json=login).json
    again = {"grant_type": "refresh_token", "refresh_token": signed_in["refreshToken"]}
    renewed = flowpos.client.post("/flowpos/v1/token?key=k", data=again).json
    account = "securetoken@system.gserviceaccount.com"
    pem = flowpos.client.get(f"/flowpos/robot/v1/metadata/x509/{account}").json[KEY_ID]
    [key] = flowpos.client.get(f"/flowpos/service_accounts/v1/jwk/{account}").json["keys"]
    for public in (x509.load_pem_x509_certificate(pem.encode()).public_key(), jwt.PyJWK(key).key):
        for token in (signed_in["idToken"], renewed["id_token"]):
            assert (
                jwt.decode(token, public, algorithms=["RS256"], audience="flowpos-sandbox")["email"]
                == "mara@corner.example"
            )
    wrong = flowpos.client.post(
        "/flowpos/v1/accounts:signInWithPassword?key=k", json={**login, "password": "guess"}
    )
    assert (wrong.status_code, wrong.json["error"]["message"]) == (400, "INVALID_LOGIN_CREDENTIALS")


def test_a_token_is_renewed_until_an_hour_after_its_end(flowpos):
    first = flowpos.token()
    flowpos.lever("advance", seconds=86_400 + 1800)
    assert flowpos.get("/v1/businesses", first).status_code == 401
    second = flowpos.refresh(first).json["accessToken"]
    assert flowpos.get("/v1/businesses", second).status_code == 200
    flowpos.lever("advance", seconds=86_400 + 3600)
    assert flowpos.refresh(second).status_code == 401


def test_a_membership_that_ended_is_gone_at_once_and_from_the_next_token(flowpos):
    token = flowpos.token()
    flowpos.lever("withdraw", person="mara", business="b1a0-0002")
    assert flowpos.get(f"{KIOSK}/products", token).json["message"] == "No active membership in this business"
    assert flowpos.refresh(token).json["authorizedBusinessIds"] == ["b1a0-0001"]
    flowpos.lever("withdraw", person="mara", business="b1a0-0001")
    assert flowpos.refresh(token).status_code == 403


@pytest.mark.parametrize(
    ("token", "path", "message"),
    [
        ("sandbox-flowpos-tom", f"{CORNER}/products", "No active membership in this business"),
        ("fp_mcp_sandbox_corner", f"{KIOSK}/products", "No active membership in this business"),
        ("fp_mcp_sandbox_reader", f"{CORNER}/reports/sales", "Missing scope reports:read"),
        ("sandbox-flowpos-mara", "/v1/tenants", "Operator key required"),
    ],
)
def test_what_a_token_does_not_open_is_refused(flowpos, token, path, message):
    answer = flowpos.get(path, token)
    assert (answer.status_code, answer.json) == (
        403,
        {"statusCode": 403, "message": message, "error": "Forbidden"},
    )


def test_only_the_platforms_own_key_lists_tenants(flowpos):
    assert len(flowpos.get("/v1/tenants", "fp_mcp_sandbox_operator").json["data"]) == 3


def test_a_write_that_is_sent_twice_is_done_twice(flowpos):
    token = flowpos.token()
    body = {"productId": "p-12", "locationId": "l-11", "delta": -3, "reason": "Count"}
    path = f"{CORNER}/inventory/adjustments"
    left = [flowpos.post(path, token, body, **{"Idempotency-Key": "k1"}).json["onHand"] for _ in range(2)]
    assert left == [37, 34]


def test_a_day_is_a_day_of_the_business(flowpos):
    token = flowpos.token()
    day = (NOW - timedelta(days=3)).date()
    for path, offset in ((CORNER, 2), (KIOSK, 13)):
        orders = flowpos.get(f"{path}/orders", token, **{"from": day, "to": day}).json["data"]
        assert orders and all(
            abs(
                (
                    datetime.fromisoformat(o["createdAt"]) - datetime(*day.timetuple()[:3], 12, tzinfo=UTC)
                ).total_seconds()
            )
            < (13 + offset) * 3600
            for o in orders
        )
        report = flowpos.get(f"{path}/reports/sales", token, **{"from": day, "to": day}).json
        assert [point["date"] for point in report["series"]] == [day.isoformat()]
        assert report["totals"]["orders"] == len([o for o in orders if o["status"] in {"paid", "refunded"}])


def test_a_day_without_sales_has_totals_of_zero(flowpos):
    long_ago = {"from": "2020-01-01", "to": "2020-01-01"}
    totals = flowpos.get(f"{CORNER}/reports/sales", flowpos.token(), **long_ago).json["totals"]
    assert set(totals.values()) == {0}


def test_lists_come_in_pages_and_bad_questions_are_named(flowpos):
    token = flowpos.token()
    first = flowpos.get(f"{CORNER}/products", token, limit=5).json
    second = flowpos.get(f"{CORNER}/products", token, limit=5, cursor=first["nextCursor"]).json
    assert (len(first["data"]), len(second["data"]), second["nextCursor"]) == (5, 3, None)
    backwards = flowpos.get(f"{CORNER}/orders", token, **{"from": "2026-02-02", "to": "2026-02-01"})
    assert json.loads(backwards.text) == {
        "statusCode": 400,
        "message": ["to must not be before from"],
        "error": "Bad Request",
    }
    for query in ({"limit": 101}, {"cursor": "x"}, {"from": "today"}):
        assert flowpos.get(f"{CORNER}/orders", token, **query).status_code == 400


def test_more_than_120_requests_a_minute_are_too_many(flowpos):
    token = flowpos.token()
    statuses = [flowpos.get(f"{CORNER}/locations", token).status_code for _ in range(121)]
    assert statuses == [200] * 120 + [429]
    assert flowpos.get(f"{CORNER}/locations", flowpos.token()).status_code == 200


@pytest.mark.parametrize("hour", [0, 1, 5, 9, 14, 23])
@pytest.mark.parametrize("later", [timedelta(0), timedelta(hours=7), timedelta(days=3)])
def test_the_shops_sell_today_and_never_in_the_future(monkeypatch, hour, later):
    """Whatever the hour, in every zone, and however long ago the demo data was written."""
    moment = now().replace(day=10, hour=hour, minute=7)
    monkeypatch.setattr("app.sandbox.clock.now", lambda shift=0: moment + timedelta(seconds=shift))
    flowpos = FlowPosApp()
    for name, business, zone in (
        ("mara", CORNER, "Europe/Berlin"),
        ("mara", KIOSK, "Pacific/Auckland"),
        ("tom", BOOKS, "America/New_York"),
    ):
        token = flowpos.exchange(signed(claims_of(name, moment))).json["accessToken"]
        assert flowpos.get(f"{business}/orders", token).status_code == 200
        flowpos.lever("advance", seconds=later.total_seconds())
        at = moment + later
        token = flowpos.exchange(signed(claims_of(name, at))).json["accessToken"]
        today = at.astimezone(ZoneInfo(zone)).date()
        orders = flowpos.get(f"{business}/orders", token, limit=100).json["data"]
        assert all(datetime.fromisoformat(order["createdAt"]) <= at for order in orders)
        for day in (today, today - timedelta(days=1)):
            period = {"from": day.isoformat(), "to": day.isoformat()}
            report = flowpos.get(f"{business}/reports/sales", token, **period).json
            assert report["totals"]["orders"] > 0, (zone, day)
        again = flowpos.get(f"{business}/orders", token, limit=100).json["data"]
        assert [order["id"] for order in again] == [order["id"] for order in orders], "each order once"
        flowpos.lever("reset")
