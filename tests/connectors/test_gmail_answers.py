"""Gmail's answers that its imitation never gives, and what is worked out without asking Gmail."""

import base64
import contextlib
import json
from datetime import date
from email import message_from_bytes
from email.policy import default

import pytest
import responses

from app import clock
from app.connectors.api import Api
from app.connectors.gmail import CONNECTOR
from app.connectors.gmail.composing import ReplyContext, compose
from app.connectors.gmail.errors import read_error
from app.connectors.gmail.html_text import html_to_text
from app.connectors.gmail.invoices import invoice_query
from app.connectors.rows import size_in_tokens
from app.errors import (
    InvalidArguments,
    ObjectNotFound,
    PermissionDenied,
    ProviderError,
    ProviderRateLimited,
    ProviderUnavailable,
    ReconnectNeeded,
    ToolError,
)
from app.outbound import Response


class Fixed:
    """A TokenSource with one token."""

    def bearer(self):
        return "t"

    def refreshed(self, rejected):
        raise AssertionError("no 401 here")


def call(api, verb, **arguments):
    tool = CONNECTOR.find_tool(f"gmail_{verb}")
    return tool.call(api, tool.parse(arguments))


def test_invoice_days_are_exact_epoch_seconds_with_the_last_day_included():
    assert "after:1767225600 before:1767312000" in invoice_query(
        date(2026, 1, 1), date(2026, 1, 1), None, None
    )


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "piece",
    ["<a ", "<!--", '<a b="', "<![CDATA[", "<?", "<script>", "</a ", '<a b=">', "<", "&", "<div hidden>"],
)
def test_html_made_to_take_for_ever_is_read_in_no_time(piece):
    html_to_text(piece * (400_000 // len(piece)))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<head><title>t</title><body>shown", "shown"),
        ('<a title="a>b" href="https://x.example/">here</a>', "here (https://x.example/)"),
        ('<a href="javascript:alert(1)">here</a>', "here"),
        ('<a href="https://x.example">https://x.example</a>', "https://x.example"),
        ("<div hidden><div>no</div>no</div>yes", "yes"),
        ('<span style="font-size: 0px">no</span><span style="font-size:0.9em">yes</span>', "yes"),
        ("<script>if (a < b) {}</script>&lt;b&gt; 1 < 2", "<b> 1 < 2"),
        ("<table><tr><td>Total</td><td>5 &euro;</td></tr></table>", "Total 5 €"),
    ],
)
def test_html_becomes_text(source, text):
    assert html_to_text(source) == text


def test_invoice_words_cannot_become_operators():
    query = invoice_query(None, None, 'a" OR in:anywhere (', 'x) OR "in:spam" -paid')
    assert query.startswith(
        'has:attachment filename:pdf (invoice OR receipt OR bill) from:"a OR in:anywhere"'
    )
    assert query.endswith('"x" "OR" "in:spam" "-paid"')


def test_long_references_are_not_encoded():
    references = tuple(f"<{'x' * 150}{n}@example.com>" for n in range(30))
    made = compose(
        to=["a@b.example"],
        subject="Re: s",
        body="b",
        body_type="text",
        reply=ReplyContext("t", references[-1], references, "s"),
    )
    raw = base64.urlsafe_b64decode(made["raw"])
    assert b"=?" not in raw and message_from_bytes(raw, policy=default)["References"].split() == list(
        references
    )
    assert made["threadId"] == "t"


def test_another_subject_leaves_the_conversation():
    made = compose(
        to=["a@b.example"],
        subject="New",
        body="b",
        body_type="text",
        reply=ReplyContext("t", "<a@b>", ("<a@b>",), "Old"),
    )
    assert "threadId" not in made


def answer(status, body):
    return Response(status, {}, json.dumps(body).encode())


def refusal(code, message, reason=None, detail=None):
    error = {"code": code, "message": message}
    error |= {"errors": [{"reason": reason}]} if reason else {}
    error |= {"details": [{"@type": "x", "reason": detail}, "odd"]} if detail else {}
    return answer(code, {"error": error})


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (refusal(403, "x", "quotaExceeded"), ProviderRateLimited),
        (refusal(403, "x", "userRateLimitExceeded"), ProviderRateLimited),
        (refusal(403, "x", detail="RATE_LIMIT_EXCEEDED"), ProviderRateLimited),
        (answer(403, {"error": {"code": 403, "status": "RESOURCE_EXHAUSTED"}}), ProviderRateLimited),
        (refusal(403, "x", "storageQuotaExceeded"), ProviderError),
        (refusal(403, "x", detail="USER_PROJECT_DENIED"), ProviderError),
        (refusal(403, "x", detail="CONSUMER_SUSPENDED"), ProviderError),
        (refusal(403, "x", "dailyLimitExceeded"), ProviderError),
        (refusal(403, "x", "domainPolicy"), PermissionDenied),
        (refusal(403, "x", "accessNotConfigured"), ProviderError),
        (refusal(403, "x", detail="SERVICE_DISABLED"), ProviderError),
        (refusal(403, "x", detail="ACCESS_TOKEN_SCOPE_INSUFFICIENT"), PermissionDenied),
        (refusal(403, "x", "rateLimitExceeded"), ProviderRateLimited),
        (refusal(429, "Too many concurrent requests for user", "rateLimitExceeded"), ProviderRateLimited),
        (refusal(401, "x", "authError"), ReconnectNeeded),
        (refusal(400, "Mail service not enabled", "failedPrecondition"), ProviderError),
        (refusal(400, "Precondition check failed.", "failedPrecondition"), ProviderError),
        (refusal(400, "Recipient address required", "invalidArgument"), InvalidArguments),
        (refusal(404, "x", "notFound"), ObjectNotFound),
        (refusal(503, "x", "backendError"), ProviderUnavailable),
        (answer(403, ["odd"]), PermissionDenied),
        (answer(400, {"error": "odd"}), InvalidArguments),
        (Response(500, {}, b"<html>"), ProviderUnavailable),
    ],
)
def test_refusals_mean(given, kind):
    error = read_error(given)
    assert type(error) is kind and "x" not in error.message.split()


def test_the_retry_moment_is_read_from_the_sentence():
    at = clock.now()
    error = read_error(
        refusal(
            403,
            f"User-rate limit exceeded.  Retry after {at:%Y-%m-%dT%H:%M:%S}.000Z",
            "userRateLimitExceeded",
        )
    )
    assert error.retry_after_seconds == 1
    assert (
        read_error(
            refusal(403, "Retry after 9999-99-99T99:99:99Z", "userRateLimitExceeded")
        ).retry_after_seconds
        is None
    )


@pytest.mark.parametrize("status", [403, 429, 503])
def test_a_wait_in_a_header_counts_first(status):
    body = {"error": {"code": status, "message": "x", "errors": [{"reason": "quotaExceeded"}]}}
    error = read_error(Response(status, {"Retry-After": "17"}, json.dumps(body).encode()))
    assert error.retry_after_seconds == 17


def test_a_wait_is_read_from_googles_details():
    delay = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.074824224s"}
    body = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [delay]}}
    assert read_error(answer(429, body)).retry_after_seconds == 35


def test_a_file_that_did_not_come_is_no_empty_file():
    part = {"partId": "", "mimeType": "application/pdf", "filename": "x.pdf"}
    part["body"] = {"attachmentId": "A1", "size": 3}
    base = "http://localhost/gmail/v1/users/me/messages/m1"
    with responses.RequestsMock() as mocked:
        mocked.get(base, json={"id": "m1", "payload": part})
        mocked.get(f"{base}/attachments/A1", json={"size": 3})
        with pytest.raises(ProviderUnavailable, match="could not be read"):
            call(
                Api(CONNECTOR, "http://localhost", Fixed()),
                "download_attachment",
                message_id="m1",
                filename="x.pdf",
            )


def test_a_text_too_long_to_come_along_is_fetched():
    with responses.RequestsMock() as mocked:
        api = Api(CONNECTOR, "http://localhost", Fixed())
        part = {"mimeType": "text/plain", "filename": "", "body": {"attachmentId": "A1", "size": 3}}
        mocked.get("http://localhost/gmail/v1/users/me/messages/m1", json={"id": "m1", "payload": part})
        data = base64.urlsafe_b64encode("日本".encode("iso-2022-jp")).decode()
        mocked.get(
            "http://localhost/gmail/v1/users/me/messages/m1/attachments/A1", json={"size": 3, "data": data}
        )
        part["headers"] = [{"name": "content-type", "value": "text/plain; charset=ISO-2022-JP"}]
        mocked.replace(
            responses.GET,
            "http://localhost/gmail/v1/users/me/messages/m1",
            json={"id": "m1", "payload": part},
        )
        assert call(api, "get_message", message_id="m1")["body"] == "日本"


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {},
        {"mimeType": "text/plain", "body": {"data": "!!!"}},
        {"mimeType": "multipart/mixed"},
        {
            "mimeType": "text/plain",
            "headers": [{"name": "Content-Type", "value": "text/plain; charset=nonsense"}],
            "body": {"data": "_w"},
        },
        {
            "mimeType": "text/plain",
            "headers": [{"name": "Subject", "value": "=?x?B?!!?= =?utf-8?Q?=C3?="}],
            "body": {},
        },
    ],
)
def test_odd_messages_are_read_or_refused_but_never_crash(payload):
    with responses.RequestsMock() as mocked:
        mocked.get("http://localhost/gmail/v1/users/me/messages/m1", json={"id": "m1", "payload": payload})
        api = Api(CONNECTOR, "http://localhost", Fixed())
        try:
            assert call(api, "get_message", message_id="m1")["id"] == "m1"
        except ProviderUnavailable:
            assert payload["body"]["data"] == "!!!"


@pytest.mark.parametrize(
    "body",
    ["null", '"x"', '{"messages": "x"}', '{"messages": [1, {}]}', '{"id": 5, "payload": [], "labelIds": 7}'],
)
@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("search_messages", {}),
        ("search_invoices", {}),
        ("get_message", {"message_id": "m1"}),
        ("get_thread", {"thread_id": "t1"}),
        ("list_attachments", {"message_id": "m1"}),
        ("download_attachment", {"message_id": "m1", "part_id": "1"}),
        ("list_labels", {}),
        ("create_draft", {"to": ["a@b.example"], "subject": "s", "body": "b"}),
        ("send_draft", {"draft_id": "r-1"}),
        ("modify_labels", {"message_id": "m1", "add_label_ids": ["X"]}),
    ],
)
def test_answers_of_another_form_never_crash(verb, arguments, body, monkeypatch):
    monkeypatch.setattr(Api, "_send", lambda *_: Response(200, {}, body.encode()))
    with contextlib.suppress(ToolError):
        call(Api(CONNECTOR, "http://localhost", Fixed()), verb, **arguments)


def test_answers_stay_small_whatever_strangers_send():
    long = {"headers": [{"name": n, "value": "W" * 5_000} for n in ("From", "To", "Subject", "Cc")]}
    body = base64.urlsafe_b64encode(b'"\n' * 15_000).decode()
    files = [
        {"partId": f"1.{n}", "mimeType": "application/pdf", "filename": f"{n:03d}" * 60, "body": {"size": 1}}
        for n in range(100)
    ]
    text = {"partId": "0", "mimeType": "text/plain", "body": {"data": body}}
    message = {
        "threadId": "t1",
        "snippet": "s" * 500,
        "payload": {**long, "mimeType": "multipart/mixed", "parts": [text, *files]},
    }
    base = "http://localhost/gmail/v1/users/me"
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        ids = [f"m{n}" for n in range(100)]
        mocked.get(f"{base}/messages", json={"messages": [{"id": i} for i in ids]})
        for i in ids:
            mocked.get(f"{base}/messages/{i}", json={**message, "id": i})
        mocked.get(f"{base}/threads/t1", json={"id": "t1", "messages": [{**message, "id": i} for i in ids]})
        api = Api(CONNECTOR, "http://localhost", Fixed())
        for data in (
            call(api, "search_messages", max_results=100),
            call(api, "search_invoices", max_results=100),
            call(api, "get_message", message_id="m1"),
            call(api, "get_thread", thread_id="t1"),
            call(api, "list_attachments", message_id="m1"),
        ):
            assert size_in_tokens(data) < 23_000


def test_a_text_of_quotes_and_line_ends_is_read_to_its_end():
    text = '"\n' * 60_000
    part = {
        "partId": "1",
        "mimeType": "text/csv",
        "filename": "x.csv",
        "body": {"data": base64.urlsafe_b64encode(text.encode()).decode()},
    }
    with responses.RequestsMock() as mocked:
        mocked.get(
            "http://localhost/gmail/v1/users/me/messages/m1", json={"id": "m1", "payload": {"parts": [part]}}
        )
        whole, offset = "", 0
        while offset is not None:
            piece = call(
                Api(CONNECTOR, "http://localhost", Fixed()),
                "download_attachment",
                message_id="m1",
                part_id="1",
                offset=offset,
            )
            assert size_in_tokens(piece) < 23_000
            whole, offset = whole + piece["content"], piece["next_offset"]
    assert whole == text
