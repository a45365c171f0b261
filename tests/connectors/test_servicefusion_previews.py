"""What a person reads before a job, an estimate or a customer is created in ServiceFusion."""

import pytest

from app.errors import InvalidArguments, ObjectNotFound


def customer(reed, name="Cobalt Cycles"):
    return reed.call("list_customers", name=name)["items"][0]["id"]


def writes(reed):
    return [
        line
        for line in reed.levers.log()["requests"]
        if line["method"] != "GET" and "token" not in line["path"]
    ]


def test_a_job_names_customer_day_people_and_money(reed):
    [tech] = reed.call("list_technicians", last_name="Ortiz")["items"]
    found = reed.preview(
        "create_job",
        customer_id=customer(reed),
        start_date="2030-01-15",
        technician_ids=[tech["id"]],
        services=[{"service": "Inspection", "rate": 120}],
        products=[{"product": "Filter", "multiplier": 2, "rate": 45.5}],
    )
    assert found.headline == (
        "Create job for “Cobalt Cycles” on 15 January 2030: 2 lines, 211.00 in the company's currency, "
        f"assigned to {tech['first_name']} Ortiz"
    )
    assert found.button == "Create job, 211.00"
    assert ("Customer", "“Cobalt Cycles”") in [(fact.label, fact.value) for fact in found.facts]
    assert not writes(reed)


def test_a_price_that_the_price_book_decides_is_not_guessed(reed):
    found = reed.preview(
        "create_estimate",
        customer_id=customer(reed),
        services=[{"service": "Inspection", "multiplier": 3}, {"service": "Repair", "rate": 10}],
    )
    assert found.headline == (
        "Create estimate for “Cobalt Cycles”: 2 lines, 10.00 in the company's currency and 1 line at the "
        "price book's price"
    )
    assert found.button == "Create estimate"


def test_an_unknown_name_says_that_a_customer_is_made(reed):
    found = reed.preview("create_job", customer_name="Nobody Yet")
    assert found.headline == "Create job for new customer “Nobody Yet”"
    assert "not in ServiceFusion yet" in found.facts[0].value
    known = reed.preview("create_job", customer_name="Cobalt Cycles")
    assert known.headline == "Create job for “Cobalt Cycles”"


def test_a_customer_of_the_same_name_is_noted(reed):
    assert reed.preview("create_customer", customer_name="cobalt cycles").warning.startswith("1 customer of")
    assert reed.preview("create_customer", customer_name="Poppy").facts[0].value == "No customer of this name"
    assert not writes(reed)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, InvalidArguments),
        ({"customer_id": 999_999_999}, ObjectNotFound),
        ({"customer_name": "Cobalt Cycles", "technician_ids": [999_999_999]}, ObjectNotFound),
    ],
)
def test_what_cannot_work_is_refused_before_anybody_is_asked(reed, arguments, error):
    with pytest.raises(error):
        reed.preview("create_job", arguments)
    assert not writes(reed)
