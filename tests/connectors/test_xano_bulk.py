"""Many Xano records at once: counted by what Xano answers, failures named by their place, stops reported."""

import pytest

from app.connectors.xano.bulk_answers import BatchAnswer
from app.errors import InvalidArguments, OutcomeUnknown, ProviderError, ProviderRateLimited, ProviderTimeout
from tests.support.xano import PRODUCT, SHOP

NAMED = {**SHOP, "table_id": 7}


@pytest.mark.parametrize("shape, ids", [("ids", 3), ("counts", 3), ("empty", 0)])
def test_bulk_answers_become_counts_whatever_their_shape(xano, shape, ids):
    xano.levers("answers", bulk=shape)
    made = xano.call("bulk_create_records", NAMED, records=[{"name": name} for name in "abc"])
    assert (made["created"], made["failed"], len(made["ids"]), made["failures"]) == (3, 0, ids, [])
    assert xano.last_api.note == "3 of 3 records created."
    changed = xano.call(
        "bulk_update_records", NAMED, updates=[{"row_id": n, "updates": {"name": f"n{n}"}} for n in (1, 2)]
    )
    assert (changed["updated"], changed["failed"]) == (2, 0)


def test_what_failed_is_counted_with_its_reasons(xano):
    made = xano.call(
        "bulk_create_records",
        PRODUCT,
        records=[{"name": "a", "price": 1}, {"name": "b"}, {"price": 2, "name": "c"}],
    )
    assert (made["created"], made["failed"], len(made["ids"])) == (2, 1, 2)
    assert made["failures"] == [
        {"position": 1, "among": None, "record_id": None, "reason": "Missing param: price"}
    ]
    assert xano.last_api.note == "2 of 3 records created, 1 failed."
    updates = [{"row_id": 1, "updates": {"stock": 7}}, {"row_id": 9999, "updates": {"stock": 7}}]
    changed = xano.call("bulk_update_records", PRODUCT, updates=updates)
    assert (changed["updated"], changed["ids"]) == (1, ["1"])
    assert changed["failures"] == [{"position": 1, "among": None, "record_id": "9999", "reason": "Not Found"}]


def test_work_that_failed_altogether_is_no_success(xano):
    with pytest.raises(InvalidArguments, match="took none of the 2 records") as refused:
        xano.call("bulk_create_records", PRODUCT, records=[{"name": "a"}, {"name": "b"}])
    assert (refused.value.details["created"], refused.value.details["failed"]) == (0, 2)


def test_records_may_bring_their_ids(xano):
    made = xano.call(
        "bulk_create_records",
        NAMED,
        records=[{"id": 501, "name": "a"}, {"id": 1, "name": "b"}],
        allow_id_field=True,
    )
    assert (made["created"], made["ids"], made["failures"][0]["reason"]) == (
        1,
        ["501"],
        "Duplicate record detected.",
    )


def test_ids_that_xano_would_replace_are_refused_unless_they_are_meant(xano):
    before = len(xano.requests())
    with pytest.raises(InvalidArguments, match="Set allow_id_field to true"):
        xano.call("bulk_create_records", NAMED, records=[{"name": "a"}, {"id": 501, "name": "b"}])
    assert len(xano.requests()) == before


def test_a_record_is_changed_once(xano):
    with pytest.raises(InvalidArguments, match="each row_id once"):
        xano.call(
            "bulk_update_records",
            NAMED,
            updates=[{"row_id": 1, "updates": {"name": "a"}}, {"row_id": "1", "updates": {"name": "b"}}],
        )


def test_much_work_goes_in_portions_and_tells_how_far_it_is(xano):
    made = xano.call("bulk_create_records", NAMED, records=[{"name": f"n{n}"} for n in range(250)])
    assert (made["created"], len(set(made["ids"]))) == (250, 250)
    assert [report[:2] for report in xano.reports] == [(0, 250), (100, 250), (200, 250), (250, 250)]
    assert sum(line["path"].endswith("/bulk") for line in xano.requests()) == 3


def test_a_stop_in_the_middle_says_what_was_done(xano):
    xano.levers("rate_limit", path="/bulk", skip=1)
    with pytest.raises(
        ProviderRateLimited, match=r"100 of 250 records created\. Then it stopped: Xano is rate limiting us"
    ) as stopped:
        xano.call("bulk_create_records", NAMED, records=[{"name": f"n{n}"} for n in range(250)])
    assert {name: stopped.value.details[name] for name in ("created", "failed", "unconfirmed", "total")} == {
        "created": 100,
        "failed": 0,
        "unconfirmed": 0,
        "total": 250,
    }
    assert len(stopped.value.details["ids"]) == 100


def test_a_lost_answer_in_the_middle_is_of_unknown_outcome(xano):
    xano.levers("drop", path="/bulk", skip=1, when="after")
    with pytest.raises(
        OutcomeUnknown, match=r"100 of 250 records created\. Then it stopped: .*check there before repeating"
    ) as stopped:
        xano.call("bulk_create_records", NAMED, records=[{"name": f"n{n}"} for n in range(250)])
    assert stopped.value.details["unconfirmed"] == 100
    assert sum(line["path"].endswith("/bulk") for line in xano.requests()) == 2


def test_work_stops_when_the_client_has_gone(xano):
    api_of = xano.api
    xano.api = lambda business, **more: api_of(business, cancelled=lambda: len(xano.reports) > 1, **more)
    with pytest.raises(ProviderTimeout, match=r"200 of 250|100 of 250"):
        xano.call("bulk_create_records", NAMED, records=[{"name": f"n{n}"} for n in range(250)])


# --- answers that confirm nothing ---


@pytest.mark.parametrize("shape", ["no ids", "blank"])
def test_an_answer_that_names_nothing_is_neither_success_nor_failure(xano, shape):
    xano.levers("answers", bulk=shape)
    for verb, arguments in (
        ("bulk_create_records", {"records": [{"name": "a"}, {"name": "b"}]}),
        ("bulk_update_records", {"updates": [{"row_id": 1, "updates": {"name": "a"}}]}),
    ):
        with pytest.raises(OutcomeUnknown, match="check there before repeating"):
            xano.call(verb, NAMED, **arguments)


def test_an_error_sent_with_success_is_an_error(xano):
    xano.levers("answers", bulk="error")
    with pytest.raises(ProviderError, match="Its reason is in the details") as refused:
        xano.call("bulk_create_records", NAMED, records=[{"name": "a"}, {"name": "b"}])
    assert refused.value.details["reason"] == "The table is locked."
    assert xano.call("browse_table_content", NAMED)["total"] == 4


BATCH = [{"name": "a"}, {"name": "b", "price": 1}, {"name": "c"}]


@pytest.mark.parametrize(
    ("body", "done", "places"),
    [
        ([1, 2, 3], 3, []),
        ([1, 2], 2, [None]),
        ([{"id": 1}, {"id": 2}], 2, [None]),
        ({"success": [1, 2], "success_total": 2, "error": [{"index": 2, "message": "No"}]}, 2, [2]),
        ({"success": [1], "error": [{"message": "Missing param: price"}] * 2}, 1, [0, 2]),
        ({"success": [1, 2], "error": [{"message": "No", "item": {"name": "c"}}]}, 2, [2]),
        ({"success": [], "error": ["x", "y", "z"]}, 0, [0, 1, 2]),
        ({"success": [1, 2], "error": [{"message": "No"}]}, 2, [None]),
        ({"success_total": 2, "success": None, "error": "One failed"}, 2, [None]),
        ({"success": [1], "error": []}, 1, [None, None]),
        (None, 3, []),
    ],
)
def test_an_answer_counts_for_what_it_says(body, done, places):
    answer = BatchAnswer.of(body, BATCH)
    assert (answer.done, [failure.position for failure in answer.failures]) == (done, places)
    assert answer.done + len(answer.failures) == answer.size == 3


@pytest.mark.parametrize("body", [[], {}, {"id": 3}, "odd", 7, True, {"success": [], "error": []}])
def test_an_answer_of_another_shape_is_of_unknown_outcome(body):
    with pytest.raises(OutcomeUnknown):
        BatchAnswer.of(body, BATCH)


def test_places_count_through_all_batches(xano):
    records = [{"name": f"n{n}", "price": 1} for n in range(150)]
    records[120] = {"name": "without price"}
    records[130] = {"name": "n", "price": "dear"}
    made = xano.call("bulk_create_records", PRODUCT, records=records)
    assert (made["created"], made["failed"]) == (148, 2)
    assert [(each["position"], each["among"]) for each in made["failures"]] == [
        (120, None),
        (None, "100-149"),
    ]


def test_an_error_among_ids_keeps_its_place_and_reason():
    body = [{"id": 4}, {"code": "ERROR_CODE_INPUT_ERROR", "message": "Missing param: price"}]
    answer = BatchAnswer.of(body, [{"name": "a", "price": 1}, {"name": "b"}])
    assert (answer.done, answer.ids) == (1, ["4"])
    assert [(each.position, each.reason) for each in answer.failures] == [(1, "Missing param: price")]
    assert BatchAnswer.of([4, None, None], [{}, {}]).failures[0].position is None
