"""Several accounts of one server, each with its own key: whose key goes out, and who may use which."""

import json

import pytest
from mcp.server.mcpserver import Context
from mcp_types import ToolAnnotations

from tests.conftest import both_databases
from tests.federation.revisions import both_upstream_revisions

WHOSE, SIGN = "notebook_whose_key", "notebook_sign_note"
OWN = {"visibility": "personal", "permission": "write"}
SHARED = {"visibility": "shared", "permission": "write"}


@pytest.fixture
def echoing(notebook, add, connect, people):
    """The Notebook, which answers with the key it was sent; alice and bob with two accounts each."""

    def key_of(context):
        return context.request_context.request.headers["authorization"].removeprefix("Bearer ")

    def whose_key(context: Context) -> str:
        """Say whose key this is."""
        return key_of(context)

    def sign_note(context: Context, text: str) -> str:
        """Write a note, signed by the account."""
        notebook.book.notes.append(f"{text} ({key_of(context)})")
        return key_of(context)

    notebook.add_tool(whose_key, annotations=ToolAnnotations(read_only_hint=True))
    notebook.add_tool(sign_note, annotations=ToolAnnotations(destructive_hint=False))
    keys = {"key-office", "key-alice", "key-branch", "key-bob"}
    notebook.key = "key-office"
    add(notebook.url, access="key", key="key-office")
    notebook.takes = keys.__contains__
    for user, label, token, options in (
        (people.alice, "Office", "key-office", SHARED),
        (people.alice, "Alice's own", "key-alice", OWN),
        (people.bob, "Branch", "key-branch", SHARED),
        (people.bob, "Bob's own", "key-bob", OWN),
    ):
        connect(user, token=token, label=label, **options)
    return notebook


def sent_keys(upstream):
    """The keys of all requests so far, whatever they were."""
    return {each.headers["authorization"].removeprefix("Bearer ") for each in upstream.seen}


def text_of(answer):
    assert answer["success"], answer
    return json.dumps(answer["data"])


@both_databases
@both_upstream_revisions
def test_a_read_goes_where_account_says_and_the_answer_names_it(echoing, client_of, people):
    alice = client_of(people.alice)
    for label, key in (("Office", "key-office"), ("Alice's own", "key-alice"), ("Branch", "key-branch")):
        echoing.seen.clear()
        answer = alice.call(WHOSE, {"account": label})
        assert key in text_of(answer)
        assert f"Notebook account: {label} (one of 3; name another in `account`)." in answer["message"]
        assert sent_keys(echoing) == {key}, "lists, sessions and calls alike"


@both_databases
@both_upstream_revisions
def test_nobody_sees_or_uses_anothers_personal_account(echoing, client_of, people):
    bob = client_of(people.bob)
    echoing.seen.clear()
    for label in ("Alice's own", "notebook:usr_alice:key-alice"):
        for tool, arguments in ((WHOSE, {}), (SIGN, {"text": "x"})):
            code, sentence = bob.refusal(tool, {**arguments, "account": label})
            assert code == "INVALID_ARGUMENTS" and "Alice" not in sentence
    refused = bob.call(WHOSE, {"account": "Alice's own"})
    assert set(refused["error"]["details"]["accounts"]) == {"Office", "Branch", "Bob's own"}
    connections = json.dumps(bob.call("hub_list_connections"))
    assert "Office" in connections and "Bob's own" in connections and "Alice's own" not in connections
    bob.call(WHOSE)
    for label in ("Office", "Branch", "Bob's own"):
        assert bob.call(WHOSE, {"account": label})["success"]
    assert "key-alice" not in sent_keys(echoing)


@both_upstream_revisions
def test_a_read_that_names_none_uses_one_that_the_person_may_use(echoing, client_of, people):
    for user, theirs in ((people.alice, "key-alice"), (people.bob, "key-bob")):
        echoing.seen.clear()
        answer = client_of(user).call(WHOSE)
        assert sent_keys(echoing) <= {"key-office", "key-branch", theirs} and len(sent_keys(echoing)) == 1
        assert "(one of 3;" in answer["message"]


@both_upstream_revisions
def test_a_write_that_names_none_is_refused_with_the_choice(echoing, client_of, people):
    alice = client_of(people.alice)
    echoing.seen.clear()
    refused = alice.call(SIGN, {"text": "Pay the rent"})["error"]
    assert refused["code"] == "AMBIGUOUS_ACCOUNT"
    assert set(refused["details"]["accounts"]) == {"Office", "Alice's own", "Branch"}
    assert not echoing.seen, "nothing was sent"
    assert "key-branch" in text_of(alice.call(SIGN, {"text": "Pay the rent", "account": "Branch"}))
    assert echoing.book.notes[-1] == "Pay the rent (key-branch)"


@both_upstream_revisions
def test_no_answer_page_or_list_has_a_key(echoing, client_of, people, sign_in):
    alice, client = sign_in(people.alice), client_of(people.alice)
    texts = [json.dumps(client.tools()), json.dumps(client.call("hub_list_connections"))]
    for path in ("/integrations", "/integrations/servers/notebook"):
        alice.get(path)
        texts.append(alice.page)
    assert not [text for text in texts if "key-alice" in text or "key-office" in text]
