"""The load generator: what it counts is what a server answered, and a wrong answer ends the run."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench import messages, wrk
from bench.messages import Chain

needs_wrk = pytest.mark.needs_wrk
GET = messages.get("/here", {"Host": "example.test", "X-Quoted": 'a "b" \\ %s'})
REPORT = {
    "requests": 400,
    "microseconds": 2_000_000,
    "bytes": 120_000,
    "lost": 0,
    "wrong": 0,
    "median": 1_500,
    "p95": 2_500,
    "p99": 9_000,
    "first": "",
    "token": "",
}


@contextlib.contextmanager
def serving(respond):
    """A server that answers with the status and body that `respond(path, headers, body)` returns."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, text = respond(self.path, self.headers, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_GET

        def log_message(self, *_arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@needs_wrk
def test_the_bytes_are_sent_as_they_are_and_counted_as_the_server_counts_them():
    seen = []

    def respond(path, headers, body):
        seen.append((path, headers["Host"], headers["X-Quoted"], body))
        return 200, "x" * 1_000

    with serving(respond) as port:
        load = wrk.run(port, GET, 2, 1)
    assert set(seen) == {("/here", "example.test", 'a "b" \\ %s', b"")}
    assert len(seen) - 2 <= load.calls <= len(seen)  # a request may be under way on each connection
    assert 1_000 < load.bytes < 1_300
    assert 0 < load.median <= load.p95 <= load.p99
    assert load.rate == pytest.approx(load.calls, rel=0.5)  # it ran for a second


@needs_wrk
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, "defect"),
        (303, ""),
        (200, '{"result":{"isError":true}}'),
        (200, '{"result": {"isError": true}}'),
        (200, '{"jsonrpc":"2.0","error":{"code":-32603}}'),
    ],
)
def test_a_wrong_answer_ends_the_run_and_is_quoted(status, body):
    answers = iter([(200, "{}")] * 5)
    with serving(lambda *_: next(answers, (status, body))) as port:
        with pytest.raises(SystemExit, match=f"of \\d+ answers were wrong, the first: {status} ") as ended:
            wrk.run(port, GET, 1, 1)
    assert body[:200] in str(ended.value)


@needs_wrk
def test_each_answer_gives_the_token_of_the_next_request():
    used = []

    def respond(_path, _headers, body):
        used.append(body.decode())
        return 200, json.dumps({"next": f"t{len(used):07}"})

    chain = Chain(messages.post("/", b"token=t0000000&more=1", {"Host": "x"}), "t0000000", "next")
    with serving(respond) as port:
        for _ in range(2):
            wrk.run(port, chain, 1, 1)
    tokens = [each.split("=")[1].split("&")[0] for each in used]
    # a run ends with a request under way, whose answer nobody reads: the next run sends its token again
    assert len(tokens) > 10 and len(tokens) - len(set(tokens)) <= 1
    assert tokens == sorted(tokens)


@needs_wrk
def test_a_server_that_is_not_there_is_no_measurement():
    with serving(lambda *_: (200, "")) as port:
        pass
    with pytest.raises(SystemExit):
        wrk.run(port, GET, 1, 1)


def test_without_wrk_a_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SystemExit, match="apt-get install wrk"):
        wrk.run(1, GET, 1, 1)


def test_a_report_is_read_among_other_lines():
    load = wrk.load_of(
        wrk.report_in(f"Running 2s test\n  2 threads\n{json.dumps(REPORT, separators=(',', ':'))}\n")
    )
    assert load == wrk.Load(rate=200, calls=400, median=1.5, p95=2.5, p99=9, bytes=300)


@pytest.mark.parametrize("trouble", [{"lost": 1}, {"requests": 0}, {"wrong": 3, "first": "500 oh"}])
def test_a_report_of_trouble_is_no_measurement(trouble):
    with pytest.raises(SystemExit):
        wrk.load_of({**REPORT, **trouble})


def test_a_run_without_a_report_is_no_measurement():
    with pytest.raises(SystemExit, match="did not report"):
        wrk.report_in("Running 2s test\n")
