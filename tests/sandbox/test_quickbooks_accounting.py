"""The imitated Accounting API answers, refuses and limits as QuickBooks does."""

import pytest

from tests.support.quickbooks_app import new_app


@pytest.fixture
def quickbooks():
    return new_app().sign_in()


def code_of(answer):
    assert answer.status_code == 400, answer.text
    return answer.json["Fault"]["Error"][0]["code"]


# --- answers ---


def test_it_speaks_xml_unless_asked_for_json(quickbooks):
    answer = quickbooks.get("/companyinfo/1", accept="*/*")
    assert (
        answer.mimetype == "application/xml"
        and "<CompanyName>Maple &amp; Pine Landscaping</CompanyName>" in answer.text
    )


def test_not_found_is_a_400(quickbooks):
    assert code_of(quickbooks.get("/invoice/999999")) == "610"


def test_nothing_found_leaves_the_entity_out(quickbooks):
    assert quickbooks.query("SELECT * FROM Invoice WHERE DocNumber = 'x'").json["QueryResponse"] == {}
    assert quickbooks.query("select count(*) from Invoice").json["QueryResponse"] == {"totalCount": 40}


@pytest.mark.parametrize(
    ("statement", "ids"),
    [
        ("SELECT * FROM Customer WHERE DisplayName = 'Amy\\'s Bird Sanctuary'", ["1"]),
        ("SELECT * FROM Customer WHERE Id IN ('1', '24') ORDERBY DisplayName DESC", ["24", "1"]),
        ("SELECT * FROM Customer WHERE Active = false", ["30"]),
        ("SELECT * FROM Customer WHERE DisplayName LIKE '%shop' AND Active = true", ["2"]),
        ("SELECT * FROM Customer ORDERBY DisplayName STARTPOSITION 2 MAXRESULTS 2", ["1", "2"]),
        ("SELECT * FROM Invoice WHERE DocNumber >= '1039' ORDERBY TxnDate DESC, DocNumber", ["140", "139"]),
        ("SELECT * FROM Invoice WHERE CustomerRef = '9' AND Balance > '0'", ["131"]),
    ],
)
def test_it_understands_the_query_language(quickbooks, statement, ids):
    answer = quickbooks.query(statement).json["QueryResponse"]
    assert [record["Id"] for record in next(v for v in answer.values() if isinstance(v, list))] == ids


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELECT * FROM Customer WHERE DisplayName = 'Amy's'", "4000"),
        ("SELECT * FROM Customer WHERE DisplayName = 'x\\'", "4000"),
        ("SELECT * FROM Customer WHERE Active = true OR Active = false", "4000"),
        ("SELECT Id FROM Customer", "4000"),
        ("DROP TABLE Customer", "4000"),
        ("SELECT * FROM Customer; SELECT * FROM Invoice", "4000"),
        ("SELECT * FROM Employee", "4001"),
        ("SELECT * FROM Customer WHERE Secret = 'x'", "4001"),
        ("SELECT * FROM Invoice WHERE Balance > 'much'", "4001"),
        ("", "2020"),
    ],
)
def test_what_it_cannot_parse_is_refused(quickbooks, statement, code):
    assert code_of(quickbooks.query(statement)) == code


# --- writing ---


def test_the_same_requestid_gives_the_first_answer(quickbooks):
    first, again = (
        quickbooks.new_invoice("/invoice?requestid=a1"),
        quickbooks.new_invoice("/invoice?requestid=a1", DueDate="2099-01-01"),
    )
    assert first.text == again.text
    assert (
        quickbooks.new_invoice("/invoice?requestid=a2").json["Invoice"]["Id"] != first.json["Invoice"]["Id"]
    )
    assert code_of(quickbooks.new_invoice("/invoice?requestid=" + "x" * 51)) == "2010"


def test_an_invoice_is_posted_at_once_with_a_line_for_the_sum(quickbooks):
    made = quickbooks.new_invoice().json["Invoice"]
    assert (made["DocNumber"], made["TotalAmt"], made["Balance"], made["EmailStatus"], made["SyncToken"]) == (
        "1041",
        71,
        71,
        "NotSet",
        "0",
    )
    assert [line["DetailType"] for line in made["Line"]] == ["SalesItemLineDetail", "SubTotalLineDetail"]
    assert quickbooks.get("/customer/24").json["Customer"]["Balance"] > 71


def test_a_write_needs_the_latest_synctoken(quickbooks):
    id_ = quickbooks.new_invoice().json["Invoice"]["Id"]
    change = {"Id": id_, "SyncToken": "0", "sparse": True, "PrivateNote": "one"}
    assert quickbooks.post("/invoice", change).json["Invoice"]["SyncToken"] == "1"
    assert code_of(quickbooks.post("/invoice", change)) == "5010"
    assert code_of(quickbooks.post("/invoice?operation=void", {"Id": id_})) == "2020"
    assert (
        quickbooks.post("/invoice", {**change, "SyncToken": "1", "PrivateNote": "two"}).json["Invoice"][
            "PrivateNote"
        ]
        == "two"
    )


def test_a_change_that_is_not_sparse_clears_what_it_leaves_out(quickbooks):
    before = quickbooks.get("/customer/24").json["Customer"]
    sparse = quickbooks.post(
        "/customer", {"Id": "24", "SyncToken": before["SyncToken"], "sparse": True, "CompanyName": "S"}
    ).json["Customer"]
    assert sparse["PrimaryEmailAddr"] == before["PrimaryEmailAddr"]
    whole = quickbooks.post(
        "/customer", {"Id": "24", "SyncToken": sparse["SyncToken"], "DisplayName": "S"}
    ).json["Customer"]
    assert "PrimaryEmailAddr" not in whole and whole["DisplayName"] == "S"


def test_voiding_keeps_the_invoice_and_frees_what_was_paid_on_it(quickbooks):
    invoice = quickbooks.new_invoice().json["Invoice"]
    line = {"Amount": 71, "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
    payment = quickbooks.post(
        "/payment", {"CustomerRef": {"value": "24"}, "TotalAmt": 71, "Line": [line]}
    ).json["Payment"]
    paid = quickbooks.get(f"/invoice/{invoice['Id']}").json["Invoice"]
    assert (paid["Balance"], payment["UnappliedAmt"]) == (0, 0)
    voided = quickbooks.post(
        "/invoice?operation=void", {"Id": invoice["Id"], "SyncToken": paid["SyncToken"]}
    ).json["Invoice"]
    assert (voided["TotalAmt"], voided["Balance"], voided["PrivateNote"]) == (0, 0, "Voided")
    assert {(each["Amount"], each["SalesItemLineDetail"].get("Qty")) for each in voided["Line"][:-1]} == {
        (0, 0)
    }
    assert quickbooks.get(f"/payment/{payment['Id']}").json["Payment"]["UnappliedAmt"] == 71


def test_deleting_removes_it(quickbooks):
    invoice = quickbooks.new_invoice().json["Invoice"]
    gone = quickbooks.post("/invoice?operation=delete", {"Id": invoice["Id"], "SyncToken": "0"}).json[
        "Invoice"
    ]
    assert gone == {"status": "Deleted", "domain": "QBO", "Id": invoice["Id"]}
    assert code_of(quickbooks.get(f"/invoice/{invoice['Id']}")) == "610"


def line(**changes):
    detail = {"ItemRef": {"value": "6"}, "Qty": 2, "UnitPrice": 35.5}
    return {"DetailType": "SalesItemLineDetail", "Amount": 71, "SalesItemLineDetail": {**detail, **changes}}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"CustomerRef": {}}, "2020"),
        ({"CustomerRef": {"value": "999"}}, "2500"),
        ({"Line": []}, "2020"),
        ({"Line": [5]}, "2020"),
        ({"Line": [line(ItemRef={"value": "12"})]}, "2500"),
        ({"Line": [line(Qty=3)]}, "6070"),
        ({"TxnDate": "2026-11-20", "DueDate": "2026-11-19"}, "6000"),
        ({"BillEmail": {"Address": "nobody"}}, "2210"),
        ({"Colour": "red"}, "2010"),
    ],
)
def test_an_invoice_that_breaks_a_rule_is_refused(quickbooks, changes, code):
    before = quickbooks.query("SELECT COUNT(*) FROM Invoice").json["QueryResponse"]
    assert code_of(quickbooks.new_invoice(**changes)) == code
    assert quickbooks.query("SELECT COUNT(*) FROM Invoice").json["QueryResponse"] == before


@pytest.mark.parametrize("body", [None, [], "x", 5])
def test_a_body_that_is_none_is_refused(quickbooks, body):
    assert code_of(quickbooks.post("/invoice", body)) == "2010"


def test_a_payment_takes_no_more_than_the_balance_of_the_customers_own_invoice(quickbooks):
    id_ = quickbooks.new_invoice().json["Invoice"]["Id"]
    part = {"Amount": 72, "LinkedTxn": [{"TxnId": id_, "TxnType": "Invoice"}]}
    assert (
        code_of(quickbooks.post("/payment", {"CustomerRef": {"value": "24"}, "TotalAmt": 72, "Line": [part]}))
        == "6000"
    )
    assert (
        code_of(
            quickbooks.post(
                "/payment", {"CustomerRef": {"value": "1"}, "TotalAmt": 71, "Line": [{**part, "Amount": 71}]}
            )
        )
        == "6000"
    )


def test_names_are_unique_among_inactive_ones_too(quickbooks):
    assert code_of(quickbooks.post("/customer", {"DisplayName": "old mill inn"})) == "6240"


def test_a_mail_needs_an_address_and_the_right_type_and_is_counted(quickbooks):
    id_ = quickbooks.new_invoice().json["Invoice"]["Id"]
    assert code_of(quickbooks.post(f"/invoice/{id_}/send?sendTo=a@example.com", {})) == "2010"

    def send(query=""):
        return quickbooks.call(
            "POST", f"/invoice/{id_}/send{query}", **{"Content-Type": "application/octet-stream"}
        )

    assert code_of(send()) == "6000"
    sent = send("?sendTo=a@example.com").json["Invoice"]
    assert (sent["EmailStatus"], sent["BillEmail"]["Address"], sent["DeliveryInfo"]["DeliveryType"]) == (
        "EmailSent",
        "a@example.com",
        "Email",
    )
    for _ in range(39):
        assert send().status_code == 200
    assert code_of(send()) == "6000"


# --- limits and reports ---


def test_over_the_limit_it_does_not_say_when_to_come_back(quickbooks):
    quickbooks.lever("limit", per_minute=2)
    answers = [quickbooks.get("/companyinfo/1") for _ in range(3)]
    assert [a.status_code for a in answers] == [200, 200, 429]
    assert "Retry-After" not in answers[2].headers and answers[2].json["fault"]["error"][0]["code"] == "3001"
    quickbooks.lever("advance", seconds=61)
    assert quickbooks.get("/companyinfo/1").status_code == 200


def test_one_date_alone_is_replaced_by_the_year_to_date(quickbooks):
    header = quickbooks.get("/reports/ProfitAndLoss?start_date=2001-05-05").json["Header"]
    assert header["StartPeriod"].endswith("-01-01") and header["StartPeriod"] > "2001-05-05"


def test_an_empty_report_says_so_and_leaves_its_cells_empty(quickbooks):
    body = quickbooks.get("/reports/ProfitAndLoss?start_date=2001-01-01&end_date=2001-01-31").json
    assert {"Name": "NoReportData", "Value": "true"} in body["Header"]["Option"]
    assert {cell["value"] for row in body["Rows"]["Row"] for cell in row["Summary"]["ColData"][1:]} == {""}


def test_only_the_outermost_sections_have_a_group(quickbooks):
    rows = quickbooks.get("/reports/BalanceSheet").json["Rows"]["Row"]
    assert [row["group"] for row in rows] == ["TotalAssets", "TotalLiabilitiesAndEquity"]
    assert not any("group" in inner for row in rows for inner in row["Rows"]["Row"])


@pytest.mark.parametrize(
    "query", ["start_date=x&end_date=y", "accounting_method=Maybe", "summarize_column_by=Colour"]
)
def test_a_report_parameter_it_does_not_know_is_refused(quickbooks, query):
    assert code_of(quickbooks.get(f"/reports/ProfitAndLoss?{query}")) == "5050"


@pytest.mark.parametrize("report", ["ProfitAndLoss", "BalanceSheet"])
def test_the_start_of_a_report_is_before_its_end(quickbooks, report):
    path = f"/reports/{report}?start_date=2026-11-01&end_date="
    assert code_of(quickbooks.get(path + "2026-11-01")) == "5050"
    assert quickbooks.get(path + "2026-11-02").status_code == 200


# --- the Canadian company ---


@pytest.fixture
def northern():
    return new_app().sign_in("northern")


def invoice_with(tax_code, **changes):
    tax = {"TaxCodeRef": {"value": tax_code}} if tax_code else {}
    detail = {"ItemRef": {"value": "2"}, "Qty": 1, "UnitPrice": 100, **tax}
    return {
        "CustomerRef": {"value": "1"},
        "CurrencyRef": {"value": "CAD"},
        "Line": [{"DetailType": "SalesItemLineDetail", "Amount": 100, "SalesItemLineDetail": detail}],
        **changes,
    }


def test_it_refuses_lines_without_a_tax_code_in_intuits_words(northern):
    refused = northern.post("/invoice", invoice_with(None))
    assert code_of(refused) == "6000"
    assert refused.json["Fault"]["Error"][0]["Detail"] == (
        "Business Validation Error: Make sure all your transactions have a GST/HST rate before you save."
    )


def test_it_adds_the_tax_of_the_code(northern):
    made = northern.post("/invoice", invoice_with("6")).json["Invoice"]
    assert (made["TotalAmt"], made["TxnTaxDetail"]["TotalTax"], made["GlobalTaxCalculation"]) == (
        112,
        12,
        "TaxExcluded",
    )
    assert [each["Amount"] for each in made["TxnTaxDetail"]["TaxLine"]] == [5, 7]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"CurrencyRef": {}}, "2020"),
        ({"CurrencyRef": {"value": "USD"}}, "6000"),
        ({"GlobalTaxCalculation": "Sometimes"}, "2110"),
    ],
)
def test_it_names_its_currency_and_a_known_way_of_tax(northern, changes, code):
    assert code_of(northern.post("/invoice", invoice_with("5", **changes))) == code


def test_a_code_it_does_not_have_is_an_invalid_reference(northern, quickbooks):
    assert code_of(northern.post("/invoice", invoice_with("99"))) == "2500"
    detail = {"ItemRef": {"value": "6"}, "Qty": 2, "UnitPrice": 35.5, "TaxCodeRef": {"value": "5"}}
    sold = {"DetailType": "SalesItemLineDetail", "Amount": 71, "SalesItemLineDetail": detail}
    assert code_of(quickbooks.new_invoice(Line=[sold])) == "2500"


def test_the_query_language_is_taken_in_a_body_too(northern):
    statement = "SELECT *, Sku FROM TaxCode WHERE Active = True ORDERBY Name, Id"
    answer = northern.client.post(
        f"/quickbooks/v3/company/{northern.realm}/query",
        data=statement,
        headers={
            "Authorization": f"Bearer {northern.tokens['access_token']}",
            "Accept": "application/json",
            "Content-Type": "application/text",
        },
    )
    assert [c["Id"] for c in answer.json["QueryResponse"]["TaxCode"]] == ["2", "6", "5", "3"]
    assert code_of(northern.post("/query", {"query": statement})) == "2010"
