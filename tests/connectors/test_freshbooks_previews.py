"""What a person reads before FreshBooks is changed for them, and what is refused before they are asked."""

from decimal import Decimal

import pytest

from app.connectors.freshbooks import CONNECTOR
from app.connectors.lookups import NO_ACCESS
from app.errors import InvalidArguments, ObjectNotFound
from app.sandbox.clock import today
from tests.support.signed_in import SignedIn

TODAY = today().isoformat()
LINES = [
    {"description": "Design", "qty": 3, "unit_cost": 33.35},
    {"description": "Hosting", "qty": 1.5, "unit_cost": 10.25},
    {"description": "Discount", "qty": 1, "unit_cost": -5},
]


@pytest.fixture
def studio(sandbox):
    """Northwind Studio on its first day; one of its clients, Harbor Pottery, has no email address."""
    SignedIn(CONNECTOR, sandbox).levers("reset")
    here = SignedIn(CONNECTOR, sandbox)
    yield here
    changed = [
        line
        for line in here.levers.log()["requests"]
        if line["method"] != "GET" and not line["path"].startswith(("/auth/", "/oauth/"))
    ]
    assert changed == [], "a preview only reads"


def facts(preview):
    return {fact.label: fact.value for fact in preview.facts}


def invoice(here, client="Alder", **search):
    found = here.call("list_invoices", per_page=100, **search)["items"]
    return next(row for row in found if row["client"].startswith(client))


def test_a_draft_names_the_client_and_the_exact_total(studio):
    found = studio.preview("create_invoice", client_name="brightwater dental", line_items=LINES)
    assert found.headline == "Create draft invoice for Brightwater Dental: 3 lines, 110.43 USD before tax"
    assert found.button == "Create draft, 110.43 USD"
    assert facts(found)["Client"] == "Brightwater Dental <office@brightwater.example>"
    harbor = studio.preview("create_invoice", client_name="Harbor Pottery", line_items=LINES[:1])
    assert facts(harbor)["Client's email"] == "none on file"


def test_the_currency_given_is_the_one_of_the_total(studio):
    found = studio.preview(
        "create_invoice", client_name="Fable Books", line_items=LINES[:1], currency_code="EUR"
    )
    assert "1 line, 100.05 EUR" in found.headline and facts(found)["Client's currency"] == "CAD"


@pytest.mark.parametrize("verb", ["create_invoice", "log_time"])
def test_an_unknown_client_is_refused(studio, verb):
    work = {"line_items": LINES} if verb == "create_invoice" else {"hours": 1, "description": "Call"}
    with pytest.raises(ObjectNotFound):
        studio.preview(verb, client_id=1, **work)
    with pytest.raises(ObjectNotFound):
        studio.preview(verb, client_name="Nobody", **work)


def test_an_email_names_invoice_amount_and_address(studio):
    overdue = invoice(studio, status="overdue")
    found = studio.preview("send_invoice", invoice_id=overdue["invoice_id"], confirm=True)
    amount = f"{Decimal(overdue['amount']):,} USD"
    assert found.headline == (
        f"Email invoice {overdue['invoice_number']}, {amount}, to "
        "Alder & Finch Architects <accounts@alderfinch.example>"
    )
    assert found.button == f"Send invoice, {amount}"
    assert (facts(found)["Status"], facts(found)["Balance due"]) == ("overdue", amount)
    assert found.warning == ""
    assert len(studio.last_api.calls) == 1


def test_other_recipients_are_named_and_counted(studio):
    found = studio.preview(
        "send_invoice",
        invoice_id=invoice(studio, "Harbor")["invoice_id"],
        confirm=True,
        recipients=["ed@pottery.example", "ann@pottery.example"],
    )
    assert found.headline.endswith("for Harbor Pottery to ed@pottery.example and ann@pottery.example")
    assert found.warning == "Goes to 2 email addresses."


def test_what_cannot_be_sent_is_refused_before_anybody_is_asked(studio):
    harbor = invoice(studio, "Harbor")["invoice_id"]
    with pytest.raises(InvalidArguments, match="no email address on file"):
        studio.preview("send_invoice", invoice_id=harbor, confirm=True)
    with pytest.raises(InvalidArguments, match="confirm"):
        studio.preview("send_invoice", invoice_id=harbor, confirm=False, recipients=["ed@pottery.example"])
    with pytest.raises(ObjectNotFound):
        studio.preview("send_invoice", invoice_id=1, confirm=True)


def test_all_drafts_are_summed_per_currency_and_listed(studio):
    found = studio.preview("send_saturday_invoices", dry_run=False)
    run = studio.call("send_saturday_invoices")
    ready = [row for row in run["invoices"] if row["outcome"] == "would_send"]
    totals = {each["currency"]: f"{Decimal(each['amount']):,} {each['currency']}" for each in run["totals"]}
    assert found.headline == (
        f"Email {len(ready)} draft invoices, {totals['CAD']}, {totals['EUR']} and {totals['USD']}, to "
        f"{len(ready)} email addresses"
    )
    assert found.button == f"Send {len(ready)} invoices"
    assert f"Sends to {len(ready)} people" in found.warning and "when you approve" in found.warning
    looked_up = facts(found)
    assert looked_up[ready[0]["invoice_number"]].endswith(f"<{ready[0]['recipient']}>")
    assert "no email address on file" in looked_up["Skipped"] and "total is zero" in looked_up["Skipped"]


def test_only_the_named_drafts_and_no_more_than_expected(studio):
    draft = invoice(studio, "Dune", status="draft")
    found = studio.preview("send_saturday_invoices", dry_run=False, invoice_ids=[draft["invoice_id"]])
    assert found.headline.startswith("Email 1 draft invoice, ") and "when you approve" not in found.warning
    with pytest.raises(InvalidArguments, match="more than max_invoices"):
        studio.preview("send_saturday_invoices", dry_run=False, max_invoices=1)


def test_a_dry_run_says_that_nothing_is_sent(studio):
    found = studio.preview("send_saturday_invoices")
    assert found.headline.endswith("without sending anything") and found.warning == ""


def test_hours_name_client_project_and_what_was_done(studio):
    project = studio.call("list_projects")["items"][0]
    client = studio.call("list_clients", search="cobalt")["items"][0]["id"]
    found = studio.preview(
        "log_time", hours=1.5, description="Call", client_id=client, project_id=project["id"], billable=False
    )
    assert found.headline == (
        f"Log 1.5 non-billable hours for Cobalt Cycles on project {project['title']}: “Call”"
    )
    assert facts(found) == {"Client": "Cobalt Cycles <mei@cobaltcycles.example>", "Project": project["title"]}
    alone = studio.preview("log_time", hours=1, description="Call", date="2030-01-15")
    assert alone.headline == "Log 1 billable hour on 15 January 2030: “Call”" and alone.facts == ()
    with pytest.raises(InvalidArguments, match="not both"):
        studio.preview("log_time", hours=1, description="x", client_id=client, client_name="Cobalt")
    with pytest.raises(ObjectNotFound):
        studio.preview("log_time", hours=1, description="x", project_id=1)


def test_a_new_client_is_compared_with_those_there_are(studio):
    found = studio.preview(
        "create_client", organization="Juniper Tea", first_name="Juno", email="hi@juniper.example"
    )
    assert found.headline == "Create client Juniper Tea (Juno) <hi@juniper.example>" and not found.warning
    for same in ({"organization": "cobalt cycles"}, {"email": "mei@cobaltcycles.example"}):
        again = studio.preview("create_client", **same)
        assert again.warning == "A client with this name or email already exists."
        assert "Cobalt Cycles <mei@cobaltcycles.example>" in facts(again).values()
    with pytest.raises(InvalidArguments, match="Give an organization"):
        studio.preview("create_client", currency_code="USD")


def test_a_name_cannot_imitate_another_request(studio):
    real = {"organization": "Juniper Tea", "email": "hi@juniper.example"}
    imitation = {"organization": "Juniper Tea <hi@juniper.example>"}
    one, other = (studio.preview("create_client", given) for given in (real, imitation))
    assert one.full_headline(real, {}) == "Create client Juniper Tea <hi@juniper.example>"
    assert other.headline == "Create client “Juniper Tea <hi@juniper.example>”"


def test_a_payment_says_what_stays_due(studio):
    overdue = invoice(studio, status="overdue")
    found = studio.preview(
        "record_payment", invoice_id=overdue["invoice_id"], amount="10.50", date="2026-11-05", type="Check"
    )
    assert found.headline == (
        f"Record payment of 10.50 USD by check on invoice {overdue['invoice_number']} for "
        "Alder & Finch Architects, received 5 November 2026"
    )
    rest = Decimal(overdue["outstanding"]) - Decimal("10.50")
    assert facts(found)["Due after this payment"] == f"{rest:,} USD"
    with pytest.raises(InvalidArguments, match="more than the balance due"):
        studio.preview(
            "record_payment",
            invoice_id=overdue["invoice_id"],
            amount=str(Decimal(overdue["outstanding"]) + 1),
            date=TODAY,
        )


def test_without_the_right_to_read_clients_the_rest_is_still_there(sandbox):
    scopes = tuple(
        scope
        for scope in CONNECTOR.auth.write_scopes
        if scope not in {"user:clients:read", "user:projects:read"}
    )
    here = SignedIn(CONNECTOR, sandbox, company="harbour", scopes=scopes)
    found = here.preview("log_time", hours=2, description="Call", client_id=217_570, project_id=3)
    assert found.headline == "Log 2 billable hours for a client on a project: “Call”"
    assert facts(found) == {"Client": NO_ACCESS, "Project": NO_ACCESS}
    new = here.preview("create_client", organization="Juniper Tea")
    assert facts(new) == {"Clients with this name or email": NO_ACCESS} and not new.warning
