"""docs/webhooks.md lists what the code sends, and its sample verifies it."""

import re
import types

from app import events
from app.webhooks import endpoints, log, queue, sending
from app.webhooks.models import TEST
from tests.support.sources import ROOT

PAGE = (ROOT / "docs" / "webhooks.md").read_text()


def test_every_event_and_field_is_in_the_table():
    rows = dict(re.findall(r"^\| `([a-z]+\.[a-z]+)` \| (.+) \|$", PAGE, re.MULTILINE))
    assert rows.keys() == {*events.CATALOGUE, TEST}
    for kind in events.CATALOGUE.values():
        fields = "; ".join(f"`{name}` ({meaning})" for name, meaning in kind.fields.items())
        assert rows[kind.name] == f"{kind.meaning} | {fields}", f"docs/webhooks.md: {kind.name}"


def test_its_figures_are_those_of_the_code():
    waits = re.search(r"^\| after the one before \| at once \| (.+) \|$", PAGE, re.MULTILINE)[1].split(" | ")
    seconds = {"s": 1, "min": 60, "h": 3_600}
    documented = [int(n) * seconds[unit] for n, unit in (wait.split() for wait in waits)]
    assert documented == [wait.total_seconds() for wait in queue.SCHEDULE]
    for words in (
        f"within {sending.SECONDS:.0f} seconds",
        f"the last {log.RETENTION.days} days",
        "up to five webhooks" if endpoints.MOST_ENDPOINTS == 5 else "",
        "three days of nothing but failures" if queue.TURNED_OFF_AFTER.days == 3 else "",
        "For 24 hours every request" if endpoints.OVERLAP.total_seconds() == 24 * 3_600 else "",
    ):
        assert words and words in PAGE, words


def test_the_sample_in_python_accepts_our_events_and_refuses_others(
    add, announce, send_due, receiver, monkeypatch, capsys
):
    endpoint = add()
    announce()
    send_due()
    monkeypatch.setenv("WEBHOOK_SECRET", endpoint.secret)
    sample = types.ModuleType("sample")
    exec(re.search(r"```python\n(.+?)```", PAGE, re.DOTALL)[1], sample.__dict__)
    [request] = receiver.requests
    headers = {
        name: value for name, value in request.headers.items() if name.startswith(("webhook", "content"))
    }
    client = sample.app.test_client()
    assert client.post("/webhooks", data=request.body, headers=headers).status_code == 204
    assert "member.joined It happened. http://localhost:8000/team" in capsys.readouterr().out
    assert client.post("/webhooks", data=request.body + b" ", headers=headers).status_code == 400
