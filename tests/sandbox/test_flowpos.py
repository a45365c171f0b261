"""The imitated FlowPOS verifies ID tokens as Firebase does, and its MCP endpoint separates scopes,
businesses, sessions and days.
"""

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
from tests.support import loops
from tests.support.waiting import AT_MOST_SECONDS

NOW = now()
CORNER, KIOSK = "b1a0-0001", "b1a0-0002"


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

    def send(self, token, message, method="POST", **headers):
        return self.client.open(
            "/flowpos/mcp",
            method=method,
            json=message,
            headers={
                "Authorization": f"Bearer {token}",
                "Accept": "application/json, text/event-stream",
                **headers,
            },
        )

    def session(self, token, business=None):
        """A session of the token, in that business."""
        session = McpSession(self, token)
        if business:
            session.call("set_active_business", businessId=business)
        return session

    def lever(self, lever, **given):
        assert self.client.post(f"/_levers/flowpos/{lever}", json=given).status_code == 200


class McpSession:
    """What a client of 2024 does, without a library: one request, one answer."""

    def __init__(self, flowpos, token):
        self.flowpos, self.token, self.headers = flowpos, token, {}
        client = {
            "protocolVersion": "2024-11-05",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        }
        answer = self.ask("initialize", client)
        self.revision = self.read(answer)["result"]["protocolVersion"]
        self.headers = {"mcp-session-id": answer.headers["mcp-session-id"]}
        self.ask("notifications/initialized", {}, id=None)

    def ask(self, method, params, **more):
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params, **more}
        message = {name: value for name, value in message.items() if value is not None}
        return self.flowpos.send(self.token, message, **self.headers)

    def read(self, answer):
        (data,) = [line for line in answer.text.splitlines() if line.startswith("data: ")]
        return json.loads(data.removeprefix("data: "))

    @property
    def tools(self):
        return {tool["name"] for tool in self.read(self.ask("tools/list", {}))["result"]["tools"]}

    def send(self, tool, **arguments):
        return self.ask("tools/call", {"name": tool, "arguments": arguments})

    def call(self, tool, **arguments):
        """The JSON in the text of the result, as FlowPOS documents it."""
        result = self.read(self.send(tool, **arguments))["result"]
        return {**json.loads(result["content"][0]["text"]), "isError": result["isError"]}


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


def test_without_a_living_token_every_method_is_refused(flowpos):
    for method in ("POST", "GET", "DELETE"):
        refused = flowpos.send("somebody-elses", {}, method=method)
        assert (refused.status_code, refused.json["statusCode"]) == (401, 401)


def test_the_official_client_lists_and_calls(sandbox):
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    async def go():
        headers = {"Authorization": "Bearer sandbox-flowpos-mara"}
        http = httpx2.AsyncClient(headers=headers, timeout=AT_MOST_SECONDS)
        async with Client(streamable_http_client(f"{sandbox}/flowpos/mcp", http_client=http)) as client:
            names = {tool.name for tool in (await client.list_tools()).tools}
            result = await client.call_tool("get_products", {"limit": 1})
            return client.protocol_version, names, json.loads(result.content[0].text)

    revision, names, answer = loops.run(go())
    assert revision == "2024-11-05" and {"get_products", "summarize_day", "set_active_business"} <= names
    assert answer["data"][0]["name"] == "Espresso beans 1 kg"


def test_a_token_is_renewed_until_an_hour_after_its_end(flowpos):
    first = flowpos.token()
    flowpos.lever("advance", seconds=86_400 + 1800)
    assert flowpos.send(first, {}).status_code == 401
    second = flowpos.refresh(first).json["accessToken"]
    assert flowpos.session(second).call("get_products")["data"]
    flowpos.lever("advance", seconds=86_400 + 3600)
    assert flowpos.refresh(second).status_code == 401


def test_a_membership_that_ended_is_gone_at_once_and_from_the_next_token(flowpos):
    token = flowpos.token()
    kiosk = flowpos.session(token, KIOSK)
    flowpos.lever("withdraw", person="mara", business=KIOSK)
    assert kiosk.call("get_products")["message"] == "No active membership in this business"
    assert "set_active_business" not in kiosk.tools, "there is nothing to choose any more"
    assert flowpos.refresh(token).json["authorizedBusinessIds"] == [CORNER]
    flowpos.lever("withdraw", person="mara", business=CORNER)
    assert flowpos.refresh(token).status_code == 403


@pytest.mark.parametrize(
    ("token", "tools"),
    [
        ("sandbox-flowpos-mara", {"get_products", "create_order", "summarize_day", "set_active_business"}),
        ("sandbox-flowpos-tom", {"get_products", "create_order", "summarize_day"}),
        ("sandbox-flowpos-reader", {"get_products", "set_active_business"}),
        ("fp_mcp_sandbox_corner", {"get_products", "create_order", "summarize_day"}),
        ("fp_mcp_sandbox_operator", {"list_tenants", "set_active_tenant"}),
    ],
)
def test_a_token_sees_the_tools_of_its_scopes_and_a_choice_where_there_is_one(flowpos, token, tools):
    watched = {"get_products", "create_order", "summarize_day", "set_active_business"}
    watched |= {"list_tenants", "set_active_tenant"}
    assert flowpos.session(token).tools & watched == tools


@pytest.mark.parametrize(
    ("token", "tool", "arguments", "message"),
    [
        ("sandbox-flowpos-mara", "set_active_business", {"businessId": "b1a0-0003"}, "No active membership"),
        ("fp_mcp_sandbox_reader", "get_sales_report", {}, "Missing scope reports:read"),
        ("sandbox-flowpos-tom", "set_active_business", {"businessId": "b1a0-0003"}, "Forbidden resource"),
        ("sandbox-flowpos-mara", "list_tenants", {}, "Forbidden resource"),
        ("fp_mcp_sandbox_operator", "get_products", {}, "Missing scope pos:read"),
    ],
)
def test_a_tool_that_is_not_listed_is_refused_too(flowpos, token, tool, arguments, message):
    answer = flowpos.session(token).call(tool, **arguments)
    assert answer["isError"] and answer["statusCode"] == 403 and answer["message"].startswith(message)


def test_only_the_platforms_own_key_lists_tenants(flowpos):
    assert len(flowpos.session("fp_mcp_sandbox_operator").call("list_tenants")["data"]) == 3


def test_the_active_business_is_the_sessions_own_and_can_be_lost_with_it_or_without(flowpos):
    token = flowpos.token()
    corner, kiosk = flowpos.session(token), flowpos.session(token, KIOSK)
    currency = lambda session: session.call("get_products", limit=1)["data"][0]["currency"]  # noqa: E731
    assert (currency(corner), currency(kiosk)) == ("EUR", "NZD")
    flowpos.lever("forget_choices")
    assert currency(kiosk) == "EUR", "the session goes on, in the first business"
    flowpos.lever("forget_sessions")
    assert kiosk.send("get_products").status_code == 404


def test_a_write_that_is_sent_twice_is_done_twice(flowpos):
    session = flowpos.session(flowpos.token())
    change = {"productId": "p-12", "locationId": "l-11", "delta": -3, "reason": "Count"}
    assert [session.call("adjust_inventory", **change)["onHand"] for _ in range(2)] == [37, 34]


def test_a_day_is_a_day_of_the_business(flowpos):
    token = flowpos.token()
    day = (NOW - timedelta(days=3)).date()
    days = {"from": day.isoformat(), "to": day.isoformat()}
    for business, offset in ((CORNER, 2), (KIOSK, 13)):
        session = flowpos.session(token, business)
        orders = session.call("list_orders", **days)["data"]
        noon = datetime(*day.timetuple()[:3], 12, tzinfo=UTC)
        assert orders and all(
            abs((datetime.fromisoformat(order["createdAt"]) - noon).total_seconds()) < (13 + offset) * 3600
            for order in orders
        )
        report = session.call("get_sales_report", **days)
        assert [point["date"] for point in report["series"]] == [day.isoformat()]
        assert report["totals"]["orders"] == len([o for o in orders if o["status"] in {"paid", "refunded"}])
        assert session.call("summarize_day", date=day.isoformat())["totals"] == report["totals"]


def test_a_day_without_sales_has_totals_of_zero(flowpos):
    session = flowpos.session(flowpos.token())
    totals = session.call("get_sales_report", **{"from": "2020-01-01", "to": "2020-01-01"})["totals"]
    assert set(totals.values()) == {0}


def test_lists_come_in_pages_and_bad_questions_are_named(flowpos):
    session = flowpos.session(flowpos.token())
    first = session.call("get_products", limit=5)
    second = session.call("get_products", limit=5, cursor=first["nextCursor"])
    assert (len(first["data"]), len(second["data"]), second["nextCursor"]) == (5, 3, None)
    backwards = session.call("list_orders", **{"from": "2026-02-02", "to": "2026-02-01"})
    assert backwards == {
        "statusCode": 400,
        "message": ["to must not be before from"],
        "error": "Bad Request",
        "isError": True,
    }
    for query in ({"limit": 101}, {"cursor": "x"}, {"from": "today"}):
        assert session.call("list_orders", **query)["statusCode"] == 400


def test_more_than_120_calls_a_minute_are_too_many(flowpos):
    session = flowpos.session(flowpos.token())
    statuses = [session.send("list_locations").status_code for _ in range(121)]
    assert statuses == [200] * 120 + [429]
    assert flowpos.session(flowpos.token()).send("list_locations").status_code == 200


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
        ("tom", None, "America/New_York"),
    ):
        token = flowpos.exchange(signed(claims_of(name, moment))).json["accessToken"]
        assert flowpos.session(token, business).call("list_orders")["data"]
        flowpos.lever("advance", seconds=later.total_seconds())
        at = moment + later
        token = flowpos.exchange(signed(claims_of(name, at))).json["accessToken"]
        session = flowpos.session(token, business)
        today = at.astimezone(ZoneInfo(zone)).date()
        orders = session.call("list_orders", limit=100)["data"]
        assert all(datetime.fromisoformat(order["createdAt"]) <= at for order in orders)
        for day in (today, today - timedelta(days=1)):
            period = {"from": day.isoformat(), "to": day.isoformat()}
            assert session.call("get_sales_report", **period)["totals"]["orders"] > 0, (zone, day)
        again = session.call("list_orders", limit=100)["data"]
        assert [order["id"] for order in again] == [order["id"] for order in orders], "each order once"
        flowpos.lever("reset")
