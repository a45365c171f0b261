"""What ServiceFusion's reference allows, our tools read. Sources stand in `answers/servicefusion.py`."""

import json

import pytest
import responses
from responses import matchers

from app.connectors.api import Api
from app.connectors.servicefusion import CONNECTOR
from app.connectors.servicefusion.errors import read_error
from app.errors import InvalidArguments, ObjectNotFound, OutcomeUnknown
from app.outbound import Response
from tests.oracles.answers import servicefusion as reference
from tests.support.fixed_token import FixedToken

BASE = "http://localhost:1/v1"


@pytest.fixture
def answers():
    with responses.RequestsMock() as mock:
        yield mock


def call(verb, **arguments):
    tool = CONNECTOR.find_tool(f"servicefusion_{verb}")
    return tool.call(Api(CONNECTOR, "http://localhost:1", FixedToken()), tool.parse(arguments))


ONE = [
    ("get_customer", {"customer_id": 1}, "/customers/1", "CUSTOMER"),
    ("get_job", {"job_id": 1}, "/jobs/1", "JOB"),
    ("get_estimate", {"estimate_id": 1}, "/estimates/1", "ESTIMATE"),
    ("get_technician", {"technician_id": 1}, "/techs/1", "TECHNICIAN"),
]
MANY = [
    ("list_customers", {}, "/customers", "CUSTOMER"),
    ("list_jobs", {}, "/jobs", "JOB"),
    ("list_estimates", {}, "/estimates", "ESTIMATE"),
    ("list_technicians", {}, "/techs", "TECHNICIAN"),
    ("list_customer_equipment", {"customer_id": 1}, "/customers/1/equipment", "EQUIPMENT"),
]
NEW = [
    ("create_customer", {"customer_name": "Maple"}, "/customers", "CUSTOMER"),
    ("create_job", {"customer_id": 1}, "/jobs", "JOB"),
    ("create_estimate", {"customer_id": 1}, "/estimates", "ESTIMATE"),
]


def forms_of(name):
    return [getattr(reference, f"{name}_{form}", None) for form in ("FULL", "BARE", "OF_NULLS")]


@pytest.mark.parametrize(("verb", "arguments", "path", "name"), ONE)
def test_a_record_is_read_with_whatever_it_has(answers, verb, arguments, path, name):
    for record in filter(None, forms_of(name)):
        answers.add("GET", BASE + path, json=record)
        assert call(verb, **arguments)["id"] == record["id"]
        answers.reset()


@pytest.mark.parametrize(("verb", "arguments", "path", "name"), MANY)
def test_a_list_is_read_with_whatever_its_records_have(answers, verb, arguments, path, name):
    records = [record for record in forms_of(name) if record]
    for meta in ({"totalCount": 3, "pageCount": 1, "currentPage": 1, "perPage": 25}, {}):
        answers.add("GET", BASE + path, json=reference.page(*records, **meta))
        found = call(verb, **arguments)
        assert [row["id"] for row in found["items"]] == [record["id"] for record in records]
        assert (found["next"], found["total"]) == (None, meta.get("totalCount"))
        answers.reset()


@pytest.mark.parametrize(("verb", "arguments", "path", "name"), NEW)
def test_a_new_record_needs_only_its_id(answers, verb, arguments, path, name):
    for record in filter(None, forms_of(name)):
        answers.add("POST", BASE + path, json=record, status=201)
        assert call(verb, **arguments)["id"] == record["id"]
        answers.reset()
    answers.add("POST", BASE + path, json={"code": 200, "name": "Odd", "message": "Odd"}, status=200)
    with pytest.raises(OutcomeUnknown, match="look for it before repeating"):
        call(verb, **arguments)


def test_amounts_are_decimal_text_and_dates_that_are_none_are_null(answers):
    answers.add("GET", f"{BASE}/jobs/1", json=reference.JOB_FULL)
    job = call("get_job", job_id=1)
    assert (job["total"], job["due_total"], job["closed_at"]) == ("350.00", "350.00", None)
    [product] = job["products"]
    assert (product["multiplier"], product["rate"], product["total"]) == (2, "45.50", "91.00")
    answers.add("GET", f"{BASE}/customers/1", json=reference.CUSTOMER_FULL)
    assert call("get_customer", customer_id=1)["account_balance"] == "120.50"


def test_a_list_without_its_numbers_still_ends(answers):
    records = [{**reference.JOB_BARE, "id": 700 + n} for n in range(2)]

    def add(page, items):
        answers.add(
            "GET",
            f"{BASE}/jobs",
            json=reference.page(*items),
            match=[matchers.query_param_matcher({"page": page}, strict_match=False)],
        )

    add(1, records)
    add(2, records)  # past the end it repeats the last page
    first = call("list_jobs", per_page=2)
    assert (len(first["items"]), first["next"], first["total"]) == (2, 2, None)
    second = call("list_jobs", per_page=2, page=2)
    assert (second["items"], second["next"]) == ([], None)


def test_the_jobs_of_a_customer_without_a_name_are_refused_with_the_reason(answers):
    answers.add("GET", f"{BASE}/customers/1", json=reference.CUSTOMER_BARE)
    with pytest.raises(ObjectNotFound, match="found by name only"):
        call("get_customer_job_history", customer_id=1)


def test_a_status_that_the_company_does_not_use_is_refused_with_those_it_uses(answers):
    answers.add("GET", f"{BASE}/estimates", json=reference.page(totalCount=0, pageCount=0))
    answers.add("GET", f"{BASE}/job-statuses", json=reference.page(*reference.STATUSES, pageCount=1))
    with pytest.raises(InvalidArguments, match="does not use that status") as refused:
        call("list_estimates", status=["open"])
    assert refused.value.details["statuses"] == ["Scheduled", "Cancelled", "Job Closed"]
    assert call("list_estimates", status=["cancelled"])["items"] == []


@pytest.mark.parametrize("body", reference.ERRORS_422)
def test_a_422_names_fields_and_reasons_in_each_of_its_shapes(body):
    error = read_error(Response(422, {}, json.dumps(body).encode()))
    assert isinstance(error, InvalidArguments)
    assert error.details["fields"] == ["name"]
    assert error.details["reasons"] == ["Name is too long (maximum is 45 characters)."]


def test_the_reason_of_a_400_is_in_the_details(answers):
    answers.add("GET", f"{BASE}/jobs", json=reference.ERROR_400, status=400)
    with pytest.raises(InvalidArguments, match="reasons are in the details") as refused:
        call("list_jobs")
    assert refused.value.details["reasons"] == ["Filter requested_date is invalid."]
    assert "requested_date" not in refused.value.message


def test_a_404_may_be_a_page_of_html(answers):
    answers.add("GET", f"{BASE}/jobs/1", body="<html>Not found</html>", status=404)
    with pytest.raises(ObjectNotFound):
        call("get_job", job_id=1)
