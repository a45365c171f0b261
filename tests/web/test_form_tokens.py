"""The token of forms is another text in every response, so sizes of compressed pages do not give it away."""

import pytest

ROLE = "/logout"


def token_of(visitor, path="/account"):
    visitor.get(path)
    return visitor.csrf


def test_no_two_responses_have_the_same_token_and_each_is_accepted(people, sign_in):
    alice = sign_in(people.alice)
    tokens = [token_of(alice) for _ in range(5)]
    assert len(set(tokens)) == 5
    for token in tokens:
        answer = alice.client.post("/memory", data={"csrf_token": token, "text": "A note"})
        assert answer.status_code == 303
    assert len({token[:8] for token in tokens}) == 5, "they begin alike"


def test_one_response_repeats_one_token(people, sign_in):
    alice = sign_in(people.alice)
    alice.get("/integrations")
    found = set(alice.page.split('name="csrf_token" value="')[1:])
    assert len(found) > 3 and len({each.split('"')[0] for each in found}) == 1


@pytest.mark.parametrize("token", ["", "x", "====", "é", "A" * 400, "eyJhbGciOiJub25lIn0."])
def test_anything_else_is_refused(people, sign_in, token):
    alice = sign_in(people.alice)
    assert alice.client.post(ROLE, data={"csrf_token": token}).status_code == 400
    assert alice.get("/account").status_code == 200
    assert alice.submit(ROLE).status_code == 303


def test_the_token_of_another_session_is_refused(people, sign_in):
    alice, bob = sign_in(people.alice), sign_in(people.bob)
    token = token_of(bob)
    token_of(alice)
    assert alice.client.post(ROLE, data={"csrf_token": token}).status_code == 400
