"""What creates something in ServiceFusion, where nothing can be taken back."""

import pytest

from app.errors import InvalidArguments, OutcomeUnknown


def customer(there, name):
    return there.call("list_customers", name=name)["items"][0]["id"]


def test_a_job_is_made_for_a_customer_by_id(reed):
    who, [tech] = customer(reed, "Juniper"), reed.call("list_technicians", last_name="Park")["items"]
    made = reed.call(
        "create_job", customer_id=who, description="Check", technician_ids=[tech["id"]], duration_minutes=90
    )
    assert (made["customer_id"], made["duration_seconds"]) == (who, 5400)
    assert made["techs_assigned"][0]["last_name"] == "Park"
    assert reed.call("get_job", job_id=made["id"]) == made


def test_a_new_record_shows_the_parts_it_was_given(reed):
    """A create leaves them out unless they are asked for, and a record without lines looks like a failure."""
    lines = {
        "products": [{"product": "Filter", "multiplier": 2, "rate": 45.5}],
        "services": [{"service": "Check"}],
    }
    for verb in ("create_job", "create_estimate"):
        made = reed.call(verb, customer_id=customer(reed, "Juniper"), **lines)
        assert [(p["name"], p["multiplier"], p["rate"], p["total"]) for p in made["products"]] == [
            ("Filter", 2, "45.50", "91.00")
        ]
        assert [s["name"] for s in made["services"]] == ["Check"] and made["total"] == "191.00"
    place = {"street_1": "9 Oak St", "city": "Austin"}
    person = {"fname": "Ana", "lname": "Silva", "phones": [{"phone": "555-0177"}]}
    made = reed.call("create_customer", customer_name="Poppy", locations=[place], contacts=[person])
    assert made["locations"][0]["city"] == "Austin"
    assert made["contacts"][0]["phones"][0]["phone"] == "555-0177"


def test_an_estimate_has_no_priority_and_a_job_has(reed):
    who = customer(reed, "Juniper")
    assert reed.call("create_job", customer_id=who, priority="High")["priority"] == "High"
    with pytest.raises(InvalidArguments, match="priority"):
        reed.call("create_estimate", customer_id=who, priority="High")
    assert "priority" not in reed.call("create_estimate", customer_id=who)


def test_a_quantity_is_whole(reed):
    before = len(reed.levers.log()["requests"])
    for lines in (
        {"products": [{"product": "A", "multiplier": 0.5}]},
        {"services": [{"service": "A", "multiplier": 1.5}]},
    ):
        with pytest.raises(InvalidArguments, match="multiplier"):
            reed.call("create_estimate", customer_id=901_234, **lines)
    assert len(reed.levers.log()["requests"]) == before


@pytest.mark.parametrize("is_object", [False, True])
def test_a_refused_record_names_the_field_and_the_reason(reed, is_object):
    reed.levers("object_errors", object=is_object)
    with pytest.raises(InvalidArguments, match="name the fields and reasons") as refused:
        reed.call("create_job", customer_id=customer(reed, "Juniper"), status="Nowhere")
    assert refused.value.details["fields"] == ["status"]
    assert refused.value.details["reasons"] == ["Status is invalid."]


@pytest.mark.parametrize("arguments", [{}, {"customer_id": 1, "customer_name": "Both"}])
def test_a_job_names_its_customer_in_one_way(reed, arguments):
    before = len(reed.levers.log()["requests"])
    with pytest.raises(InvalidArguments):
        reed.call("create_job", arguments)
    assert len(reed.levers.log()["requests"]) == before


def test_an_unknown_id_makes_no_customer(reed):
    with pytest.raises(InvalidArguments) as refused:
        reed.call("create_estimate", customer_id=999_999)
    assert refused.value.details["fields"] == ["customer_name"] and refused.value.details["reasons"]


def test_a_create_that_may_have_arrived_is_not_repeated(reed):
    before = reed.call("list_estimates")["total"]
    reed.levers("drop", method="POST", path="/v1/estimates", when="after", times=5)
    with pytest.raises(OutcomeUnknown):
        reed.call("create_estimate", customer_id=customer(reed, "Juniper"), description="Once")
    assert reed.call("list_estimates")["total"] == before + 1
    reed.levers("clear")
