"""What the whole tool list costs a model to read, in tokens (o200k), with every service connected."""

from collections import defaultdict

import pytest

from app.connectors.services import services_of
from app.mcp_server.toolbox import Toolbox
from tests.support import tokens

pytestmark = [pytest.mark.needs_node, pytest.mark.xdist_group("node")]

MOST_PER_TOOL = 165  # on average: name, description, input schema
MOST_FOR_ALL = 35_000  # the array `tools` of tools/list, with output schemas


@pytest.fixture(scope="module")
def listed():
    """The list as it is without debugging; services that only tests have are not in it."""
    everything = Toolbox(public_url="https://patchbay.example.com").everything("wsp_any")
    ours = [tool for tool in everything if not tool["name"].startswith("acme_")]
    assert sum("icons" in tool for tool in ours) == len([s for s in services_of(None) if s.slug != "acme"])
    assert len(ours) > 100
    return ours


def test_a_tool_costs_a_model_165_tokens_at_most_on_average(listed):
    counts = tokens.count([tokens.visible(tool) for tool in listed])
    by_service = defaultdict(list)
    slugs = [each.slug for each in services_of(None)]
    for tool, cost in zip(listed, counts, strict=True):
        by_service[next((s for s in slugs if tool["name"].startswith(f"{s}_")), "built in")].append(cost)
    average = {slug: round(sum(costs) / len(costs)) for slug, costs in by_service.items()}
    assert sum(counts) <= MOST_PER_TOOL * len(listed), (
        f"shorten descriptions of tools and arguments; average per service: {average}"
    )


def test_the_whole_list_costs_35_000_tokens_at_most(listed):
    [total] = tokens.count([tokens.as_json(listed)])
    assert total <= MOST_FOR_ALL, f"{total} tokens: shorten descriptions, or results in schemas.of_answer"
