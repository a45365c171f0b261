"""The names that AI clients call an MCP server's tools by."""

import random
import re

import pytest

from app.federation import naming

SLUG = "harbour"


def generated(seed: int = 7) -> list[str]:
    """200 names as servers may have them: long ones, case twins, other scripts, odd characters."""
    chance = random.Random(seed)
    words = "list get create customer Invoice order line item search by id status report".split()  # noqa: SIM905
    names = {"_".join(chance.choices(words, k=chance.randint(1, 5))) for _ in range(60)}
    camel = {"".join(word.title() for word in chance.choices(words, k=3)) for _ in range(40)}
    names |= camel | {name.lower() for name in camel} | {name.upper() for name in camel}
    names |= {f"{'very_long_' * 12}{number}"[-120:] for number in range(20)}
    names |= {
        "顧客一覧",
        "顧客詳細",
        "список",
        "rechnungen_löschen",
        "rechnungen_loschen",
        "a.b",
        "a-b",
        "a/b",
        "a b",
        "A_B",
        "1",
        "_",
    }
    return sorted(names)[:200]


def test_200_names_are_valid_unique_and_the_same_in_every_order():
    names = generated()
    assert len(names) == 200
    first = naming.choose(SLUG, names, {})
    assert first.keys() == set(names)
    full = [naming.full_name(SLUG, verb) for verb in first.values()]
    assert len(set(full)) == 200
    assert all(re.fullmatch(r"harbour_[a-z0-9][a-z0-9_]*", name) and len(name) <= 48 for name in full)
    for seed in range(20):
        shuffled = names[:]
        random.Random(seed).shuffle(shuffled)
        assert naming.choose(SLUG, shuffled, {}) == first


def test_a_name_stays_what_it_was_when_others_come():
    before = naming.choose(SLUG, ["getUser"], {})
    assert before == {"getUser": "get_user"}
    after = naming.choose(SLUG, ["get_user", "GetUser", "getUser"], before)
    assert after["getUser"] == "get_user"
    assert len(set(after.values())) == 3
    assert naming.choose(SLUG, [], after) == after


@pytest.mark.parametrize(
    ("name", "verb"),
    [
        ("list_contacts", "list_contacts"),
        ("listContacts", "list_contacts"),
        ("HTTPStatus", "http_status"),
        ("contacts.list", "contacts_list"),
        ("harbour_list_contacts", "list_contacts"),
        ("Ärger-liste", "arger_liste"),
    ],
)
def test_a_plain_name_is_kept_readable(name, verb):
    assert naming.choose(SLUG, [name], {}) == {name: verb}


def test_names_in_other_scripts_are_told_apart():
    verbs = naming.choose(SLUG, ["顧客一覧", "顧客詳細", "list_顧客"], {}).values()
    assert len(set(verbs)) == 3 and all(re.fullmatch(r"[a-z0-9_]+", verb) for verb in verbs)
