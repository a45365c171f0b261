"""A redirect has its target in the header alone: the body would repeat an authorization code."""


def test_the_body_of_a_redirect_is_empty(visitor, people, sign_in):
    answer = visitor.get("/account")
    assert answer.status_code == 303 and answer.headers["Location"] and answer.get_data() == b""
    code = "/integrations/xero/callback?code=canary-code&state=nobody"
    for client in (visitor, sign_in(people.alice)):
        answer = client.get(code)
        assert "canary-code" not in answer.text
