"""Every request of every Stripe tool fits the parameter types of Stripe's own package for Node."""

import dataclasses

import pytest

from app.connectors.stripe import CONNECTOR
from tests.oracles import stripe_types
from tests.oracles.recording import record, targets_of

pytestmark = [pytest.mark.needs_node, pytest.mark.xdist_group("node")]


@pytest.fixture(scope="module")
def requests(connection_to):
    here = connection_to(CONNECTOR)
    return [request for name in targets_of(CONNECTOR) for request in record(CONNECTOR, here, name).requests]


def test_every_tool_has_sample_arguments():
    named = {name.partition("#")[0] for name in targets_of(CONNECTOR)}
    assert {tool.verb for tool in CONNECTOR.tools} <= named


def test_what_is_sent_fits_the_types_of_the_official_package(requests, tmp_path):
    problems = stripe_types.check(requests, tmp_path)
    assert not problems, f"{stripe_types.description()} says:\n" + "\n".join(sorted(problems))


def test_the_version_of_the_api_is_the_one_the_package_describes(requests):
    assert {request.headers["Stripe-Version"] for request in requests} == {stripe_types.api_version()}
    assert all("Idempotency-Key" in request.headers for request in requests if request.method == "POST")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"params": [("no_such_parameter", "1")]}, "no_such_parameter"),
        ({"params": [("limit", "many")]}, "many"),
        ({"params": [("status", "overdue")]}, "overdue"),
        ({"params": [("created[since]", "1")]}, "since"),
        ({"url": "https://api.stripe.com/v1/invoices_of_mine"}, "no such operation"),
        ({"method": "DELETE"}, "no such operation"),
    ],
)
def test_the_types_refuse_an_invented_request(requests, tmp_path, change, says):
    real = next(each for each in requests if each.path.endswith("/v1/invoices") and each.method == "GET")
    (problem,) = stripe_types.check([real, dataclasses.replace(real, **change)], tmp_path)
    assert says in problem
