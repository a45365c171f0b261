"""The imitated FreshBooks behaves as FreshBooks does: its OAuth, its two API families, its quirks."""

from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import Client

from app.sandbox.clock import today
from app.sandbox.server import create_app
from app.sandbox.services.freshbooks import SERVICE

CALLBACK = "https://hub.example/integrations/freshbooks/callback"
SECRET = {"client_id": "sandbox", "client_secret": "sandbox"}
ALL = (
    "user:profile:read user:invoices:read user:invoices:write user:clients:read user:clients:write "
    "user:payments:read user:payments:write"
    " user:projects:read user:time_entries:read user:time_entries:write user:expenses:read user:reports:read"
)
NORTHWIND, NORTHWIND_ID = "nW7kQ", 88101


class FreshBooks:
    def __init__(self):
        self.http = Client(create_app(None, {"freshbooks": SERVICE}))
        self.tokens = {}

    def consent(self, company="northwind", scope=ALL):
        query = {
            "response_type": "code",
            "client_id": "sandbox",
            "redirect_uri": CALLBACK,
            "scope": scope,
            "state": "s",
        }
        form = {"company": company, "decision": "approve"}
        return self.http.post("/freshbooks/oauth/authorize/", query_string=query, data=form)

    def sign_in(self, company="northwind", scope=ALL):
        code = parse_qs(urlsplit(self.consent(company, scope).headers["Location"]).query)["code"][0]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, **SECRET}
        self.tokens = self.http.post("/freshbooks/auth/oauth/token", json=form).json
        return self

    def refresh(self, token=None, **changed):
        form = {
            "grant_type": "refresh_token",
            "refresh_token": token or self.tokens["refresh_token"],
            "redirect_uri": CALLBACK,
            **SECRET,
        }
        form = {k: v for k, v in {**form, **changed}.items() if v is not None}
        return self.http.post("/freshbooks/auth/oauth/token", data=form)

    def ask(self, method, path, token=None, **options):
        headers = {"Authorization": f"Bearer {token or self.tokens['access_token']}"}
        return self.http.open("/freshbooks" + path, method=method, headers=headers, **options)

    def books(self, path, account=NORTHWIND, **query):
        return self.ask("GET", f"/accounting/account/{account}/{path}", query_string=query)

    def invoices(self, **query):
        return self.books("invoices/invoices", **{"per_page": 100, **query}).json["response"]["result"][
            "invoices"
        ]

    def write(self, method, path, body, account=NORTHWIND):
        return self.ask(method, f"/accounting/account/{account}/{path}", json=body)

    def log(self):
        return self.http.get("/_levers/freshbooks/log").json


@pytest.fixture
def freshbooks():
    return FreshBooks().sign_in()


def errno_of(answer):
    return answer.json["response"]["errors"][0]["errno"]


# --- authorization ---


def test_tokens_look_like_freshbooks(freshbooks):
    tokens = freshbooks.tokens
    assert tokens["access_token"].startswith("eyJ") and tokens["expires_in"] == 43_200
    assert len(tokens["refresh_token"]) == 64 and int(tokens["refresh_token"], 16)
    assert isinstance(tokens["created_at"], int)


def test_a_refresh_token_works_once_without_grace(freshbooks):
    old = freshbooks.tokens["refresh_token"]
    assert freshbooks.refresh().status_code == 200
    again = freshbooks.refresh(old)
    assert (again.status_code, again.json["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("missing", ["redirect_uri", "client_secret"])
def test_a_refresh_needs_the_redirect_address_and_the_secret(freshbooks, missing):
    answer = freshbooks.refresh(**{missing: None})
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
    assert freshbooks.refresh().status_code == 200


def test_a_refresh_with_another_redirect_address_is_refused(freshbooks):
    assert freshbooks.refresh(redirect_uri=CALLBACK + "2").json["error"] == "invalid_grant"


def test_a_second_consent_of_the_same_person_kills_the_first_refresh_token(freshbooks):
    first = freshbooks.tokens
    freshbooks.sign_in()
    assert freshbooks.refresh(first["refresh_token"]).json["error"] == "invalid_grant"
    assert freshbooks.ask("GET", "/auth/api/v1/users/me", first["access_token"]).status_code == 200
    harbour = FreshBooks()
    harbour.http = freshbooks.http
    harbour.sign_in("harbour")
    assert freshbooks.refresh().status_code == 200


def test_an_unticked_scope_fails_the_whole_consent(freshbooks):
    answer = freshbooks.consent(scope=ALL + " user:uploads:read")
    assert answer.status_code == 400 and "Location" not in answer.headers
    assert "The requested scope is invalid, unknown, or malformed" in answer.text


def test_an_access_token_dies_after_twelve_hours_and_on_revocation(freshbooks):
    assert freshbooks.ask("GET", "/auth/api/v1/users/me").status_code == 200
    assert (
        freshbooks.http.post(
            "/freshbooks/auth/oauth/revoke", json={**SECRET, "token": freshbooks.tokens["access_token"]}
        ).json
        == {}
    )
    answer = freshbooks.ask("GET", "/auth/api/v1/users/me")
    assert (answer.status_code, answer.json["error"]) == (401, "unauthenticated")
    freshbooks.sign_in()
    freshbooks.http.post("/_levers/freshbooks/advance", json={"seconds": 43_200})
    assert freshbooks.ask("GET", "/auth/api/v1/users/me").status_code == 401


def test_a_person_may_have_a_business_without_account_id_and_one_as_a_customer():
    me = FreshBooks().sign_in("byrd").ask("GET", "/auth/api/v1/users/me").json["response"]
    seen = [(m["role"], m["business"]["account_id"]) for m in me["business_memberships"]]
    assert seen == [("owner", "zDmNq"), ("owner", None), ("client", "h0oLi")]
    assert "wRk8s" in {role["accountid"] for role in me["roles"]}


def test_a_customer_may_not_write(freshbooks):
    freshbooks.sign_in("byrd")
    answer = freshbooks.write("POST", "users/clients", {"client": {"organization": "X"}}, account="h0oLi")
    assert (answer.status_code, errno_of(answer)) == (403, 1003)


def test_a_missing_scope_is_a_403(freshbooks):
    freshbooks.sign_in(scope="user:profile:read user:invoices:write")
    answer = freshbooks.books("invoices/invoices")
    assert answer.status_code == 403
    assert answer.json["message"].endswith("needs user:invoices:read.")
    assert "user:invoices:write" in answer.json["message"], "also the scopes of the token"


def test_the_wrong_kind_of_id_is_unknown(freshbooks):
    assert freshbooks.books("invoices/invoices", account=NORTHWIND_ID).status_code == 404
    assert freshbooks.ask("GET", f"/timetracking/business/{NORTHWIND}/time_entries").status_code == 404
    assert freshbooks.books("invoices/invoices", account="zDmNq").status_code == 404, "somebody else's"


# --- invoices ---


def test_a_filter_that_does_not_exist_is_ignored(freshbooks):
    everything = freshbooks.books("invoices/invoices").json["response"]["result"]["total"]
    for ignored in ("status", "statusid", "payment_status", "create_date_min"):
        assert (
            freshbooks.books("invoices/invoices", **{f"search[{ignored}]": "draft"}).json["response"][
                "result"
            ]["total"]
            == everything
        )
    drafts = freshbooks.books("invoices/invoices", **{"search[v3_status]": "draft"}).json["response"][
        "result"
    ]["total"]
    assert 0 < drafts < everything


def test_filters_that_work(freshbooks):
    some = freshbooks.invoices(**{"search[v3_status]": "overdue"})
    assert some and all(i["v3_status"] == "overdue" and i["due_date"] < today().isoformat() for i in some)
    client = some[0]["customerid"]
    assert {i["customerid"] for i in freshbooks.invoices(**{"search[customerid]": client})} == {client}
    low = (today() - timedelta(days=20)).isoformat()
    assert all(i["create_date"] >= low for i in freshbooks.invoices(**{"search[date_min]": low}))
    assert all(
        Decimal(i["outstanding"]["amount"]) > 0
        for i in freshbooks.invoices(**{"search[outstanding]": "true"})
    )


def test_a_page_has_a_hundred_rows_at_most(freshbooks):
    result = freshbooks.books("invoices/invoices", per_page=500).json["response"]["result"]
    assert (len(result["invoices"]), result["per_page"], result["pages"]) == (100, 100, 2)
    assert freshbooks.books("invoices/invoices").json["response"]["result"]["per_page"] == 15
    assert errno_of(freshbooks.books("invoices/invoices", per_page="many")) == 1013


def test_lines_come_only_when_included(freshbooks):
    assert "lines" not in freshbooks.invoices()[0]
    assert "lines" in freshbooks.invoices(**{"include[]": "lines"})[0]


def test_money_is_text_in_several_currencies(freshbooks):
    invoices = freshbooks.invoices()
    assert all(isinstance(i["amount"]["amount"], str) for i in invoices)
    assert {i["amount"]["code"] for i in invoices} == {"USD", "EUR", "CAD"}


@pytest.mark.parametrize(
    ("fields", "errno", "field", "status"),
    [
        ({}, 1001, "customerid", 200),
        ({"customerid": 1}, 1012, "customerid", 200),
        ({"customerid": 217_570, "due_date": "2027-01-01"}, 1038, "due_date", 403),
        ({"customerid": 217_570, "create_date": "tomorrow"}, 1004, "create_date", 200),
        ({"customerid": 217_570, "lines": [{"qty": "1"}]}, 1004, "lines", 200),
    ],
)
def test_most_errors_come_with_http_200(freshbooks, fields, errno, field, status):
    answer = freshbooks.write("POST", "invoices/invoices", {"invoice": fields})
    error = answer.json["response"]["errors"][0]
    assert (answer.status_code, error["errno"], error["field"]) == (status, errno, field)


def test_an_answer_has_lines_only_when_they_are_included(freshbooks):
    line = {"name": "Work", "qty": "2", "unit_cost": {"amount": "50.00", "code": "USD"}}
    body = {"invoice": {"customerid": 217_570, "lines": [line]}}
    bare = freshbooks.write("POST", "invoices/invoices", body).json["response"]["result"]["invoice"]
    assert "lines" not in bare and bare["amount"]["amount"] == "100.00"
    made = freshbooks.write("POST", "invoices/invoices?include[]=lines", body).json["response"]["result"]
    assert [each["qty"] for each in made["invoice"]["lines"]] == ["2"]
    path = f"invoices/invoices/{bare['invoiceid']}"
    for query, has_lines in (("", False), ("?include[]=lines", True)):
        changed = freshbooks.write("PUT", path + query, {"invoice": {"notes": "x"}}).json
        assert ("lines" in changed["response"]["result"]["invoice"]) == has_lines


def test_a_business_may_name_its_time_zone(freshbooks):
    def zones(company):
        me = freshbooks.sign_in(company).ask("GET", "/auth/api/v1/users/me").json["response"]
        return [m["business"].get("timezone", "not a member") for m in me["business_memberships"]]

    assert zones("northwind") == ["US/Pacific"]
    assert zones("byrd") == ["not a member", None, None]


def test_held_mail_leaves_a_draft(freshbooks):
    draft = next(i for i in freshbooks.invoices(**{"search[v3_status]": "draft"}) if i["email"])
    assert freshbooks.http.post("/_levers/freshbooks/hold_mail", json={}).status_code == 200
    path = f"invoices/invoices/{draft['invoiceid']}"
    answer = freshbooks.write("PUT", path, {"invoice": {"action_email": True}})
    assert answer.json["response"]["result"]["invoice"]["v3_status"] == "draft"
    assert freshbooks.log()["mails"] == []


def test_mailing_an_invoice_makes_a_draft_sent_and_is_written_down(freshbooks):
    draft = next(i for i in freshbooks.invoices(**{"search[v3_status]": "draft"}) if i["email"])
    path = f"invoices/invoices/{draft['invoiceid']}"
    sent = freshbooks.write("PUT", path, {"invoice": {"action_email": True}}).json["response"]["result"][
        "invoice"
    ]
    assert sent["v3_status"] == "sent"
    assert freshbooks.log()["mails"][0]["to"] == [draft["email"]]
    assert freshbooks.write("POST", path + "/send", {}).status_code == 404
    assert freshbooks.write("PUT", path + "/send", {}).status_code == 404


def test_an_invoice_of_a_client_without_address_cannot_be_mailed(freshbooks):
    draft = next(i for i in freshbooks.invoices(**{"search[v3_status]": "draft"}) if not i["email"])
    answer = freshbooks.write(
        "PUT", f"invoices/invoices/{draft['invoiceid']}", {"invoice": {"action_email": True}}
    )
    assert errno_of(answer) == 1001
    assert freshbooks.log()["mails"] == []


def test_a_deleted_invoice_is_gone(freshbooks):
    number = freshbooks.invoices()[0]["invoiceid"]
    freshbooks.write("PUT", f"invoices/invoices/{number}", {"invoice": {"vis_state": 1}})
    answer = freshbooks.books(f"invoices/invoices/{number}")
    assert (answer.status_code, errno_of(answer)) == (404, 1012)
    assert number not in {i["invoiceid"] for i in freshbooks.invoices()}


def test_a_payment_settles_its_invoice(freshbooks):
    invoice = freshbooks.invoices(**{"search[v3_status]": "overdue"})[0]
    fields = {
        "invoiceid": invoice["invoiceid"],
        "amount": {"amount": invoice["outstanding"]["amount"]},
        "date": today().isoformat(),
    }
    assert (
        freshbooks.write("POST", "payments/payments", {"payment": fields}).json["response"]["result"][
            "payment"
        ]["type"]
        == "Other"
    )
    after = freshbooks.books(f"invoices/invoices/{invoice['invoiceid']}").json["response"]["result"][
        "invoice"
    ]
    assert (after["v3_status"], after["outstanding"]["amount"]) == ("paid", "0.00")


# --- time, projects, reports ---


def test_time_entries_are_the_callers_own_unless_the_team_is_asked_for(freshbooks):
    path = f"/timetracking/business/{NORTHWIND_ID}/time_entries"
    own = freshbooks.ask("GET", path, query_string={"search[billable]": "false"}).json
    team = freshbooks.ask("GET", path, query_string={"team": "true"}).json
    assert 0 < own["meta"]["total"] < team["meta"]["total"]
    unbilled = freshbooks.ask("GET", path, query_string={"billable": "true", "billed": "false"}).json
    assert unbilled["meta"]["total_unbilled"] == unbilled["meta"]["total_logged"] > 0


def test_the_business_family_refuses_in_its_own_shape(freshbooks):
    answer = freshbooks.ask(
        "POST", f"/timetracking/business/{NORTHWIND_ID}/time_entries", json={"time_entry": {"note": "x"}}
    )
    assert (answer.status_code, answer.json["errno"]) == (422, 2001)
    assert answer.json["error"]["started_at"] == "field required"
    missing = freshbooks.ask("DELETE", f"/timetracking/business/{NORTHWIND_ID}/time_entries/1")
    assert (missing.status_code, missing.json) == (404, {"error": "Requested resource could not be found."})


def test_a_time_entry_can_be_made_and_removed(freshbooks):
    path = f"/timetracking/business/{NORTHWIND_ID}/time_entries"
    fields = {"is_logged": True, "duration": 7200, "started_at": "2026-11-20T14:00:00Z", "note": "Call"}
    entry = freshbooks.ask("POST", path, json={"time_entry": fields}).json["time_entry"]
    assert freshbooks.ask("GET", f"{path}/{entry['id']}").json["time_entry"]["duration"] == 7200
    assert freshbooks.ask("DELETE", f"{path}/{entry['id']}").status_code == 204


def test_reports_keep_currencies_apart(freshbooks):
    first = today().replace(day=1).isoformat()
    report = freshbooks.books("reports/accounting/payments_collected", start_date=first).json["response"][
        "result"
    ]["payments_collected"]
    assert len(report["totals"]) == len(report["currency_codes"]) > 1
    assert sum(Decimal(t["amount"]) for t in report["totals"]) == sum(
        Decimal(p["amount"]["amount"]) for p in report["payments"]
    )
    aging = freshbooks.books("reports/accounting/accounts_aging", currency_code="USD").json["response"][
        "result"
    ]["accounts_aging"]
    assert (
        sum(Decimal(a["total"]["amount"]) for a in aging["accounts"])
        == Decimal(aging["totals"]["total"]["amount"])
        > 0
    )
    assert errno_of(freshbooks.books("reports/accounting/revenue_by_client")) == 1004
    profit = freshbooks.books("reports/accounting/profitloss_entity", start_date=first).json["response"][
        "result"
    ]["profitloss"]
    assert Decimal(profit["total_income"]["total"]["amount"]) > 0


def test_companies_do_not_mix(freshbooks):
    freshbooks.write("POST", "users/clients", {"client": {"organization": "Only here"}})
    freshbooks.sign_in("harbour")
    clients = freshbooks.books(
        "users/clients", account="hB3vR", **{"search[organization_like]": "only"}
    ).json["response"]["result"]
    assert clients["total"] == 0


@pytest.mark.parametrize("company", ["northwind", "harbour", "byrd"])
@pytest.mark.parametrize("day", ["2026-11-01", "2027-01-31", "2028-02-29"])
def test_this_month_is_never_empty(company, day):
    """Whatever day the sandbox starts on."""
    from app.sandbox.services.freshbooks.people import PEOPLE
    from app.sandbox.services.freshbooks.seed import seed
    from app.sandbox.store import Store

    today = date.fromisoformat(day)
    for business in PEOPLE[SERVICE.company(company).person].businesses:
        book = Store().book("freshbooks", business.account_id)
        seed(book, today)
        month = day[:7]
        assert any(i["create_date"][:7] == month and i["v3_status"] != "draft" for i in book.all("invoice"))
        assert any(i["v3_status"] == "draft" for i in book.all("invoice"))
        assert any(p["date"][:7] == month for p in book.all("payment"))
        assert all(p["date"] <= day for p in book.all("payment"))
        assert all(i["create_date"] <= day for i in book.all("invoice"))
