""" "Try it": a tool run from the browser goes through the door of an AI client's call."""

import contextlib
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import col, select

from app import database
from app.approvals.models import Approval
from app.audit import AuditEntry
from app.usage.models import CallRow
from app.vault.models import Connection
from app.workspaces.models import Membership, Workspace

pytestmark = pytest.mark.usefixtures("patient_database")  # of what many do at once

LINE = {"description": "Web design", "qty": 2, "unit_cost": 110.5}


def path_of(connection, tool):
    return f"/integrations/{connection.slug}/{connection.id}/tools/{tool}"


def text_of(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def calls():
    with database.reading() as db:
        return list(db.exec(select(CallRow).order_by(col(CallRow.id))).all())


def entries(action):
    with database.reading() as db:
        return list(db.exec(select(AuditEntry).where(AuditEntry.action == action)).all())


def writes_at(sandbox, slug):
    """What the service was asked to change."""
    return [each for each in sandbox.log(slug)["requests"] if each["method"] != "GET"]


def change(connection, **values):
    with database.transaction() as db:
        row = db.get(Connection, connection.id)
        for name, value in values.items():
            setattr(row, name, value)


@pytest.fixture
def alice(people, sign_in):
    return sign_in(people.alice)


@pytest.fixture
def invoice_form(alice, connect, open_form):
    """`invoice_form(level)`: the form of freshbooks_create_invoice, filled in; with its connection."""

    def _form(level="write"):
        connection = connect(alice, "freshbooks", level=level)
        form = open_form(alice, connection, "freshbooks_create_invoice")
        form.write({"client_name": "brightwater dental", "line_items": [LINE]})
        return form, connection

    return _form


# --- reading ---


def test_a_list_is_a_table_with_its_data_as_json(alice, connect, open_form):
    form = open_form(alice, connect(alice, "freshbooks"), "freshbooks_list_invoices")
    form.write({"status": "overdue", "per_page": 2})
    answer = form.send()
    assert answer.status_code == 200 and len(form.data["items"]) == 2
    first = form.data["items"][0]
    assert f">{first['invoice_number']}<" in answer.text and ">Outstanding</th>" in answer.text
    assert '<th scope="col" class="numeric">Amount</th>' in answer.text
    assert "FreshBooks account: Northwind Studio" in answer.text
    assert form.value_of("per_page") == "2"


def test_it_is_counted_and_marked_as_tried_here(alice, people, connect, open_form):
    connection = connect(alice, "xero")
    open_form(alice, connection, "xero_list_accounts").send()
    (row,) = calls()
    assert (row.tool, row.slug, row.connection_id, row.outcome) == (
        "xero_list_accounts",
        "xero",
        connection.id,
        "ok",
    )
    assert (row.client_name, row.user_id) == ("Tried in Patchbay", people.alice.id)
    assert row.grant_id.startswith("browser:") and row.bytes and row.upstream_ms
    assert not entries("tool.called")


def test_the_next_page_goes_on_with_the_same_list(alice, connect, open_form):
    form = open_form(alice, connect(alice, "freshbooks"), "freshbooks_list_invoices")
    form.write({"per_page": 2})
    form.send()
    first = [row["invoice_id"] for row in form.data["items"]]
    form.press("cursor")
    second = [row["invoice_id"] for row in form.data["items"]]
    assert len(second) == 2 and not set(first) & set(second)


def test_an_id_of_a_row_leads_to_the_tools_that_take_it(alice, connect, open_form):
    connection = connect(alice, "freshbooks")
    form = open_form(alice, connection, "freshbooks_list_invoices")
    answer = form.send()
    invoice = form.data["items"][0]["invoice_id"]
    link = f"{path_of(connection, 'freshbooks_get_invoice')}?invoice_id={invoice}"
    assert f'href="{link}"' in answer.text
    form = open_form(alice, connection, "freshbooks_get_invoice", invoice_id=str(invoice))
    assert form.value_of("invoice_id") == str(invoice)
    form.send()
    assert form.data["invoice_id"] == invoice


def test_any_argument_can_be_filled_in_by_the_address(alice, connect, open_form):
    form = open_form(
        alice,
        connect(alice, "freshbooks"),
        "freshbooks_list_invoices",
        status="overdue",
        page="2",
        unknown="x",
    )
    assert (form.value_of("status"), form.value_of("page")) == ("overdue", "2")


def test_an_object_is_labels_and_values(alice, connect, open_form):
    form = open_form(alice, connect(alice, "xero"), "xero_get_organisation")
    answer = form.send()
    assert "<dt>Base currency</dt>" in answer.text and form.data["base_currency"] in answer.text


def test_htmx_gets_the_part_below_the_heading(alice, connect):
    connection = connect(alice, "xero")
    alice.get(path_of(connection, "xero_list_accounts"))
    answer = alice.submit(path_of(connection, "xero_list_accounts"), htmx=True)
    assert answer.status_code == 200 and "<html" not in answer.text
    assert answer.text.lstrip().startswith('<div id="trial"') and "<table>" in answer.text


def test_tools_that_a_description_names_are_links_by_their_titles(alice, connect, open_form):
    connection = connect(alice, "xero", level="write")
    form = open_form(alice, connection, "xero_create_invoice")
    link = path_of(connection, "xero_list_contacts")
    assert f'From <a href="{link}">List Xero contacts</a>.' in form.html
    assert open_form(alice, connection, "xero_list_contacts").send().status_code == 200


def test_of_several_businesses_one_is_chosen(alice, connect, open_form):
    connection = connect(alice, "xero")
    (first,) = connection.businesses
    other = {**first, "id": "00000000-0000-0000-0000-000000000000", "name": "Another organisation"}
    change(connection, businesses=[first, other])
    form = open_form(alice, connection, "xero_list_accounts")
    select = next(c for c in form.form.controls if c.name == "business")
    assert (select.options, select.value) == ([first["id"], other["id"]], first["id"])
    assert f"organisation: {first['name']}." in form.send().text
    select = next(c for c in form.form.controls if c.name == "business")
    select.value = other["id"]
    answer = form.send()
    assert "organisation: Another organisation." in answer.text
    assert next(c for c in form.form.controls if c.name == "business").value == other["id"]


# --- forms that do not fit ---


def test_what_does_not_fit_is_beside_its_field_and_not_a_call(alice, connect, open_form):
    form = open_form(alice, connect(alice, "freshbooks"), "freshbooks_list_invoices")
    form.form.controls = [c for c in form.form.controls if c.name != "a.per_page"]
    answer = form.send({"a.per_page": "many", "a.date_from": "soon"})
    assert answer.status_code == 422 and "Nothing was called." in answer.text
    assert 'id="f-per_page-error">Enter a number.</p>' in answer.text
    assert 'id="f-date_from-error">Enter a date.</p>' in answer.text
    field = answer.text.split('id="f-per_page"')[1].split(">")[0]
    assert 'aria-invalid="true"' in field and 'value="many"' in field and "f-per_page-error" in field
    assert not calls()
    form.write({"per_page": 2, "date_from": ""})
    assert form.send().status_code == 200 and len(calls()) == 1


def test_what_is_missing_in_a_line_is_beside_that_line(invoice_form):
    form, _ = invoice_form()
    form.write({"line_items": [LINE, {"description": "Hosting"}]})
    answer = form.send()
    assert answer.status_code == 422
    assert 'id="f-line_items-1-qty-error">Fill this in.</p>' in answer.text
    assert "f-line_items-0-qty-error" not in answer.text and not calls()


def test_lines_at_the_end_that_are_empty_are_left_out(invoice_form, sandbox):
    form, _ = invoice_form()
    for _ in range(2):
        form.send({"more": "line_items"})
    assert form.value_of("line_items.#") == "3"
    form.send()
    form.press("call")
    assert form.data["amount"] == "221.00"


def test_broken_json_is_named(alice, connect, open_form):
    form = open_form(alice, connect(alice, "xano", level="write"), "xano_create_table_record")
    answer = form.send({"a.record_data": "{name: 1"})
    assert answer.status_code == 422 and "This isn&#39;t valid JSON." in answer.text


# --- the rules of the connection ---


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"permission": "off"}, "switched off for AI clients"),
        ({"hidden_tools": ["xero_list_accounts"]}, "This tool is switched off"),
    ],
)
def test_what_is_off_for_ai_clients_is_off_here(alice, connect, values, words):
    connection = connect(alice, "xero")
    path = path_of(connection, "xero_list_accounts")
    change(connection, **values)
    page = alice.get(path).text
    assert words in page and 'id="run"' not in page
    assert words in alice.submit(path).text
    assert [row.outcome for row in calls()] == ["PERMISSION_DENIED"]
    change(connection, permission="read", hidden_tools=[])
    alice.get(path)
    assert "<table>" in alice.submit(path).text


def test_a_read_only_connection_writes_nothing(invoice_form, sandbox):
    form, _ = invoice_form("read")
    before = len(writes_at(sandbox, "freshbooks"))
    answer = form.send()
    assert "is read only" in answer.text and len(writes_at(sandbox, "freshbooks")) == before
    assert [row.outcome for row in calls()] == ["PERMISSION_DENIED"]


def test_over_the_limit_it_says_when_to_try_again(alice, people, connect, open_form, early):
    connection = connect(alice, "xero")
    with database.transaction() as db:
        db.get(Workspace, people.northwind.id).per_minute = 1
    assert open_form(alice, connection, "xero_list_accounts").send().status_code == 200
    answer = open_form(alice, connection, "xero_list_accounts").send()
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0
    assert f"try again in {answer.headers['Retry-After']} second" in answer.text
    assert [row.outcome for row in calls()] == ["ok", "RATE_LIMITED"]


def test_it_waits_for_one_of_the_workspaces_permits(alice, people, app, connect, open_form, monkeypatch):
    connection = connect(alice, "xero")
    form = open_form(alice, connection, "xero_list_accounts")
    permits = app.extensions["browser_calls"]._permits
    monkeypatch.setattr(permits, "_patience", 0.05)
    with contextlib.ExitStack() as held:
        for _ in range(permits.member_limit):
            held.enter_context(permits.acquire(people.northwind.id, people.alice.id))
        assert form.send().status_code == 429 and calls()[-1].outcome == "RATE_LIMITED"
    assert form.send().status_code == 200 and calls()[-1].outcome == "ok"


def test_a_broken_connection_says_so_and_offers_to_reconnect(alice, connect, open_form):
    connection = connect(alice, "xero")
    change(
        connection, state="reconnect_needed", last_error="Xero disconnected us. Reconnect to keep using it."
    )
    answer = open_form(alice, connection, "xero_list_accounts").send()
    assert "Xero disconnected us." in answer.text and "Reconnect Xero" in answer.text
    assert [row.outcome for row in calls()] == ["RECONNECT_NEEDED"]


def test_a_fault_of_the_service_is_in_words(alice, connect, open_form, sandbox):
    connection = connect(alice, "xero")
    sandbox.lever("xero", "fail", status=503, times=20)
    answer = open_form(alice, connection, "xero_list_accounts").send()
    sandbox.lever("xero", "reset")
    assert 'role="alert"' in answer.text and [row.outcome for row in calls()] == ["PROVIDER_UNAVAILABLE"]


# --- writing ---


def test_a_write_is_previewed_and_runs_when_its_button_is_pressed(invoice_form, sandbox, people):
    form, connection = invoice_form()
    before = len(writes_at(sandbox, "freshbooks"))
    answer = form.send()
    assert answer.status_code == 200 and "Nothing has changed yet." in answer.text
    assert "221.00" in text_of(answer.text.split('class="card result-preview"')[1].split("</h2>")[0])
    assert "Looked up in FreshBooks just now" in answer.text
    assert len(writes_at(sandbox, "freshbooks")) == before and not calls() and not entries("tool.called")
    form.press("call")
    assert form.data["amount"] == "221.00" and len(writes_at(sandbox, "freshbooks")) == before + 1
    assert [(row.tool, row.outcome) for row in calls()] == [("freshbooks_create_invoice", "ok")]
    (entry,) = entries("tool.called")
    assert (entry.user_id, entry.subject) == (people.alice.id, connection.id)
    assert (entry.details["client"], entry.details["outcome"]) == ("Tried in Patchbay", "ok")


def test_pressing_twice_does_it_once(invoice_form, sandbox):
    form, _ = invoice_form()
    form.send()
    before, pressed = len(writes_at(sandbox, "freshbooks")), form.forms
    form.press("call")
    form.forms = pressed
    again = form.press("call")
    assert again.status_code == 409 and "already used" in again.text
    assert len(writes_at(sandbox, "freshbooks")) == before + 1 and len(calls()) == 1


def test_two_presses_at_once_do_it_once(app, invoice_form, sandbox, alice):
    form, connection = invoice_form()
    form.send()
    token = next(c.value for f in form.forms for c in f.controls if c.name == "call")
    before = len(writes_at(sandbox, "freshbooks"))
    path = path_of(connection, "freshbooks_create_invoice")
    cookies = [(c.key, c.value) for c in alice.client._cookies.values()]

    def press(_):
        client = app.test_client()
        for name, value in cookies:
            client.set_cookie(name, value)
        return client.post(path, data={"csrf_token": alice.csrf, "call": token}).status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(press, range(2))) == [200, 409]
    assert len(writes_at(sandbox, "freshbooks")) == before + 1


def test_a_button_is_for_one_person_and_tool(invoice_form, sandbox, sign_in, people):
    form, connection = invoice_form()
    form.send()
    token = next(c.value for f in form.forms for c in f.controls if c.name == "call")
    before = len(writes_at(sandbox, "freshbooks"))
    bob = sign_in(people.bob)
    refused = bob.submit(path_of(connection, "freshbooks_create_invoice"), {"call": token})
    assert refused.status_code == 400 and "Preview it again" in refused.text
    other = form._visitor.submit(path_of(connection, "freshbooks_create_client"), {"call": token})
    forged = form._visitor.submit(
        path_of(connection, "freshbooks_create_invoice"), {"call": token[:-2] + "xx"}
    )
    assert other.status_code == forged.status_code == 400
    assert len(writes_at(sandbox, "freshbooks")) == before
    form.press("call")
    assert form.data["amount"] == "221.00"


def test_a_preview_that_cannot_work_says_why(alice, connect, open_form):
    connection = connect(alice, "freshbooks", level="write")
    form = open_form(alice, connection, "freshbooks_send_invoice")
    assert "confirm" not in form.names
    form.write({"invoice_id": 999999999})
    answer = form.send()
    assert 'role="alert"' in answer.text and "Nothing has changed yet." not in answer.text
    assert [row.outcome for row in calls()] == ["NOT_FOUND"] and not entries("tool.called")


def test_where_writes_wait_for_approval_it_makes_the_request_and_leads_there(invoice_form, sandbox, alice):
    form, _ = invoice_form("ask")
    before = len(writes_at(sandbox, "freshbooks"))
    assert "Request approval" in form.html
    answer = form.send()
    with database.reading() as db:
        approval = db.exec(select(Approval)).one()
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/approvals/{approval.id}")
    assert (approval.client_name, approval.state) == ("Patchbay", "waiting")
    assert len(writes_at(sandbox, "freshbooks")) == before
    page = alice.get(f"/approvals/{approval.id}").text
    assert "221.00" in page
    alice.submit(f"/approvals/{approval.id}/approve")
    with database.reading() as db:
        assert db.get(Approval, approval.id).state == "done"
    assert len(writes_at(sandbox, "freshbooks")) == before + 1
    assert [row.outcome for row in calls()] == ["APPROVAL_NEEDED", "ok"]
    assert {row.client_name for row in calls()} == {"Tried in Patchbay"}


def test_the_same_write_again_is_a_new_request_once_the_first_is_decided(invoice_form, alice):
    form, _ = invoice_form("ask")
    first = form.send().headers["Location"]
    assert form.send().headers["Location"] == first
    alice.get(first)
    alice.submit(f"{first}/approve")
    assert form.send().headers["Location"] != first


def test_who_left_the_workspace_gets_nothing_done_by_an_approval(
    alice, connect, open_form, people, sign_in, sandbox
):
    connection = connect(alice, "freshbooks", level="ask")
    form = open_form(sign_in(people.bob), connection, "freshbooks_create_invoice")
    form.write({"client_name": "brightwater dental", "line_items": [LINE]})
    where = form.send().headers["Location"]
    with database.transaction() as db:
        db.delete(db.get(Membership, (people.northwind.id, people.bob.id)))
    before = len(writes_at(sandbox, "freshbooks"))
    alice.get("/approvals")
    alice.submit(f"{where}/approve")
    assert len(writes_at(sandbox, "freshbooks")) == before
