"""What is poisoned is held; what is only unusual is not. Both corpora are in `corpus/`."""

from pathlib import Path
from typing import Any

import pytest

from app.connectors.services import services_of
from app.federation import hygiene
from tests.federation.corpus.poisoned import CASES, MORE

FOREIGN = {"stripe_create_refund", "gmail_send_message"}
_MOST_FALSE_HOLDS = 2


def benign() -> list[dict[str, Any]]:
    """The harmless tools."""
    path = Path(__file__).parent / "corpus" / "benign.txt"
    return [_parsed(line) for line in path.read_text().splitlines() if line and not line.startswith("#")]


def _parsed(line: str) -> dict[str, Any]:
    name, description, given = (part.strip() for part in line.split(" |", 2))
    pairs = (pair.partition("=") for pair in given.split("; ") if pair)
    properties = {key.strip(): {"type": "string", "description": about} for key, _, about in pairs}
    return {
        "name": name,
        "description": description,
        "inputSchema": {"type": "object", "properties": properties},
    }


def hard(definitions, foreign=FOREIGN):
    """The kinds of hard findings by tool."""
    found = hygiene.inspect(definitions, foreign)
    return {name: {each.kind for each in some if each.is_hard} for name, some in found.items()}


def test_the_corpora_have_their_sizes():
    assert len(CASES) == 40
    assert len(benign()) == len({tool["name"] for tool in benign()}) == 200


@pytest.mark.parametrize(("kind", "definitions"), {**CASES, **MORE}.values(), ids={**CASES, **MORE})
def test_a_poisoned_definition_is_held(kind, definitions):
    found = hard(definitions)
    assert found.keys() == {each["name"] for each in definitions}
    assert all(kind in kinds for kinds in found.values()), found


@pytest.mark.parametrize(("kind", "definitions"), {**CASES, **MORE}.values(), ids={**CASES, **MORE})
def test_it_is_held_among_harmless_ones_as_well(kind, definitions):
    """The server lists it in the midst of others, and those go on."""
    others = benign()[:5]
    found = hard([*others[:3], *definitions, *others[3:]])
    assert all(kind in found[each["name"]] for each in definitions)
    assert not any(found[each["name"]] for each in others)


def test_harmless_tools_are_not_held():
    """Each on its own, and all of them as the list of one server."""
    alone = {tool["name"] for tool in benign() if hard([tool])[tool["name"]]}
    together = {name for name, kinds in hard(benign()).items() if kinds}
    assert len(alone | together) <= _MOST_FALSE_HOLDS, alone | together


def test_our_own_connectors_would_not_be_held():
    definitions = [
        {
            "name": tool.name_in(connector.slug),
            "title": tool.title,
            "description": tool.description,
            "inputSchema": tool.input_schema,
            "outputSchema": tool.data_schema,
            "annotations": {"readOnlyHint": tool.reads_only},
        }
        for connector in services_of(None)
        for tool in connector.tools
    ]
    found = hard(definitions, services_of(None).tool_names)
    assert len(definitions) > 100 and not any(found.values()), found


def test_a_sentence_names_the_place_and_none_of_the_text():
    [finding] = hygiene.inspect(CASES["order in a default"][1], ())["get_report"]
    assert finding.sentence == (
        "An argument tries to control the AI client, such as by telling it to ignore its instructions."
    )


def test_a_list_too_long_to_judge_is_held_from_there_on():
    tools = [{"name": f"tool_{n}", "description": "x" * 119_990} for n in range(9)]
    found = list(hard(tools).values())
    assert found == [set()] * 8 + [{"unread"}]


def test_a_common_phrase_is_a_note_and_holds_nothing():
    tool = {"name": "start", "description": "Always use this tool first."}
    [finding] = hygiene.inspect([tool], ())["start"]
    assert (finding.kind, finding.is_hard) == ("note", False)
