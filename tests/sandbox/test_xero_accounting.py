"""The imitated Accounting API answers, refuses and limits as Xero does."""

import pytest

from tests.support.xero_app import new_app


@pytest.fixture
def xero():
    return new_app()


def reasons(answer):
    assert answer.status_code == 400, answer.text
    return [error["Message"] for element in answer.json["Elements"] for error in element["ValidationErrors"]]


# --- answers ---


def test_a_missing_scope_is_a_401(xero):
    xero.sign_in(scope="openid accounting.settings.read")
    answer = xero.get("/Reports/ProfitAndLoss")
    assert (answer.status_code, answer.json["Detail"]) == (401, "AuthorizationUnsuccessful")
    assert "insufficient_scope" in answer.headers["WWW-Authenticate"]


def test_it_speaks_xml_unless_asked_for_json(xero):
    answer = xero.sign_in().get("/Organisation", accept="*/*")
    assert answer.mimetype == "text/xml" and "<BaseCurrency>AUD</BaseCurrency>" in answer.text


def test_a_list_without_a_page_has_no_lines(xero):
    xero.sign_in()
    whole, page = xero.get("/Invoices").json, xero.get("/Invoices?page=1&pageSize=5").json
    assert "pagination" not in whole and not any(invoice["LineItems"] for invoice in whole["Invoices"])
    assert page["pagination"] == {"page": 1, "pageSize": 5, "pageCount": 14, "itemCount": 69}
    assert all(invoice["LineItems"] for invoice in page["Invoices"])


def test_dates_come_in_both_spellings_and_a_draft_may_have_no_due_date(xero):
    xero.sign_in()
    drafts = xero.get("/Invoices?page=1&Statuses=DRAFT&order=Date DESC").json["Invoices"]
    assert "DueDate" not in drafts[0] and drafts[0]["Date"].endswith("+0000)/")
    assert xero.get("/Payments?page=1").json["Payments"][0]["Date"].endswith("0)/")
    assert "+" not in xero.get("/Payments?page=1").json["Payments"][0]["Date"]


def test_a_search_of_invoices_never_looks_at_the_contact(xero):
    def numbers(words):
        answer = xero.get(f"/Invoices?page=1&searchTerm={words}").json
        return [invoice["InvoiceNumber"] for invoice in answer["Invoices"]]

    xero.sign_in()
    assert numbers("City Agency") == []
    assert numbers("inv-0042") == numbers("monthly retainer") == ["INV-0042"]


def test_only_a_sales_invoice_has_a_reference(xero):
    xero.sign_in()
    invoices = xero.get("/Invoices?page=1").json["Invoices"]
    assert {i["Type"] for i in invoices if "Reference" in i} == {"ACCREC"}
    expense = {"Description": "x", "Quantity": 1, "UnitAmount": 5, "AccountCode": "453"}
    bill = {"Type": "ACCPAY", "LineItems": [expense], "Reference": "lost", "InvoiceNumber": "B-1"}
    (made,) = xero.put_invoice(**bill).json["Invoices"]
    assert "Reference" not in made and made["InvoiceNumber"] == "B-1"


def test_a_summary_leaves_out_what_takes_long_to_collect(xero):
    xero.sign_in()
    whole = xero.get("/Contacts?page=1").json["Contacts"][0]
    summary = xero.get("/Contacts?page=1&summaryOnly=true").json["Contacts"][0]
    assert {"IsCustomer", "IsSupplier", "ContactPersons"} <= set(whole) - set(summary)
    invoice = xero.get("/Invoices?page=1&summaryOnly=true").json["Invoices"][0]
    assert not {"Payments", "LineItems"} & set(invoice) and {"Total", "AmountDue"} <= set(invoice)


def test_records_alike_in_the_sorted_field_need_a_second_one(xero):
    def ids(order):
        pages = [xero.get(f"/Contacts?page={n}&pageSize=5&order={order}").json for n in (1, 2, 3)]
        return [contact["ContactID"] for page in pages for contact in page["Contacts"]]

    xero.sign_in()
    assert len(set(ids("IsCustomer"))) < len(ids("IsCustomer"))
    assert len(set(ids("IsCustomer,ContactID DESC"))) == len(ids("IsCustomer,ContactID DESC"))


def test_a_bank_account_may_have_no_code_and_is_paid_from_by_its_id(xero):
    xero.sign_in()
    (card,) = [a for a in xero.get("/Accounts").json["Accounts"] if "Code" not in a]
    open_ = xero.get('/Invoices?page=1&Statuses=AUTHORISED&where=Type=="ACCREC"').json["Invoices"][0]
    paid = {"Invoice": {"InvoiceID": open_["InvoiceID"]}, "Amount": 1, "Date": "/Date(4102444800000)/"}

    def pay(account):
        return xero.call("PUT", "/Payments", json={"Payments": [{**paid, "Account": account}]})

    (made,) = pay({"AccountID": card["AccountID"]}).json["Payments"]
    assert made["Account"] == {"AccountID": card["AccountID"]}
    assert "valid code for payments" in reasons(pay({}))[0]


def test_a_where_it_cannot_read_is_refused(xero):
    answer = xero.sign_in().get('/Invoices?page=1&where=Secret=="x"')
    assert (answer.status_code, answer.json["Type"]) == (400, "QueryParseException")
    assert (
        xero.get('/Invoices?page=1&where=Type=="ACCPAY" AND Date>=DateTime(2000,01,01)').json["pagination"][
            "itemCount"
        ]
        == 24
    )


def test_the_balance_sheet_balances(xero):
    rows = xero.sign_in().get("/Reports/BalanceSheet?periods=3&timeframe=MONTH").json["Reports"][0]["Rows"]
    lines = {
        row["Cells"][0]["Value"]: [c["Value"] for c in row["Cells"][1:]]
        for section in rows
        for row in section.get("Rows", [])
    }
    assert lines["Net Assets"] == lines["Total Equity"] and len(lines["Net Assets"]) == 4


# --- limits ---


def test_every_answer_counts_down_the_limits(xero):
    xero.sign_in()
    before, after = xero.get("/Organisation").headers, xero.get("/Organisation").headers
    assert int(after["X-MinLimit-Remaining"]) == int(before["X-MinLimit-Remaining"]) - 1
    assert {"X-DayLimit-Remaining", "X-AppMinLimit-Remaining"} <= set(after.keys())


def test_over_the_limit_by_the_minute_it_says_when_to_come_back(xero):
    tenant = xero.sign_in().tenant()
    xero.lever("limit", per_minute=2)
    answers = [xero.get("/Organisation", tenant=tenant) for _ in range(3)]
    assert [a.status_code for a in answers] == [200, 200, 429]
    assert (
        answers[2].headers["X-Rate-Limit-Problem"] == "minute"
        and 0 < int(answers[2].headers["Retry-After"]) <= 60
    )
    xero.lever("advance", seconds=61)
    assert xero.get("/Organisation", tenant=tenant).status_code == 200


def test_the_daily_limit_is_a_lever_of_its_own(xero):
    tenant = xero.sign_in().tenant()
    xero.lever("rate_limit", retry_after=36_000)
    answer = xero.get("/Organisation", tenant=tenant)
    assert (answer.status_code, answer.headers["X-Rate-Limit-Problem"], answer.headers["Retry-After"]) == (
        429,
        "day",
        "36000",
    )


# --- writing ---


def test_a_repeated_write_gives_its_first_answer(xero):
    xero.sign_in()
    first, again = xero.put_invoice(key="k1"), xero.put_invoice(key="k1")
    assert first.json["Invoices"][0]["InvoiceID"] == again.json["Invoices"][0]["InvoiceID"]
    assert xero.put_invoice(key="k1", Reference="another").status_code == 400
    xero.lever("advance", seconds=6 * 60 + 1)
    assert (
        xero.put_invoice(key="k1").json["Invoices"][0]["InvoiceID"] != first.json["Invoices"][0]["InvoiceID"]
    )


def test_a_repeated_refusal_is_remembered_too(xero):
    xero.sign_in()
    line = {"Description": "Work", "Quantity": 1, "UnitAmount": 1, "AccountCode": "999"}
    first, again = (xero.put_invoice(key="k2", LineItems=[line]) for _ in range(2))
    assert (
        reasons(first) == ["Account code '999' is not a valid code for this document."]
        and again.text == first.text
    )


def test_it_adds_up_an_invoice(xero):
    made = xero.sign_in().put_invoice().json["Invoices"][0]
    assert (made["SubTotal"], made["TotalTax"], made["Total"], made["CurrencyCode"]) == (
        21.0,
        2.1,
        23.1,
        "AUD",
    )


def test_nothing_approved_goes_into_a_locked_period(xero):
    lock = xero.sign_in().get("/Organisation").json["Organisations"][0]["PeriodLockDate"]
    assert lock.startswith("/Date(")
    old = {"Date": "2020-01-01", "DueDate": "2020-02-01"}
    assert any(
        "period lock date" in reason for reason in reasons(xero.put_invoice(Status="AUTHORISED", **old))
    )
    assert xero.put_invoice(Status="DRAFT", **old).status_code == 200


def test_a_demo_company_sends_no_mail_and_a_trading_one_does(xero):
    xero.sign_in("both")
    for name, prefix in (("Demo Company (AU)", "INV"), ("Harbour Street Trading", "HST")):
        tenant = xero.tenant(name)
        open_ = xero.get("/Invoices?page=1&Statuses=AUTHORISED&searchTerm=" + prefix, tenant=tenant).json[
            "Invoices"
        ][0]["InvoiceID"]
        answer = xero.call("POST", f"/Invoices/{open_}/Email", tenant=tenant)
        if prefix == "INV":
            assert reasons(answer) == ["Daily Email Rate Limit Exceeded"]
        else:
            assert (answer.status_code, answer.text) == (204, "")
    mails = xero.client.get("/_levers/xero/log").json["mails"]
    assert [mail["organisation"] for mail in mails] == ["Harbour Street Trading"]


def test_paying_the_rest_makes_an_invoice_paid(xero):
    invoice = xero.sign_in().get("/Invoices/INV-0042").json["Invoices"][0]
    payment = {
        "Invoice": {"InvoiceID": invoice["InvoiceID"]},
        "Account": {"Code": "090"},
        "Date": invoice["DateString"][:10],
    }
    over = xero.call("PUT", "/Payments", json={"Payments": [{**payment, "Amount": 99_999}]})
    assert reasons(over) == ["Payment amount exceeds the amount outstanding on this document"]
    paid = xero.call(
        "PUT", "/Payments", json={"Payments": [{**payment, "Amount": invoice["AmountDue"]}]}
    ).json["Payments"][0]
    assert paid["Invoice"]["AmountDue"] == 0
    assert xero.get("/Invoices/INV-0042").json["Invoices"][0]["Status"] == "PAID"


def test_a_contacts_name_is_unique(xero):
    xero.sign_in()
    assert (
        "already assigned to another contact"
        in reasons(xero.call("PUT", "/Contacts", json={"Contacts": [{"Name": "city agency"}]}))[0]
    )


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"Invoices": []},
        {"Invoices": "x"},
        {"Invoices": [1]},
        {"Invoices": [{}]},
        {"Invoices": [{"LineItems": [5]}]},
    ],
)
def test_a_malformed_write_is_a_400(xero, body):
    assert xero.sign_in().call("PUT", "/Invoices", json=body).status_code == 400
