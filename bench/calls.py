"""What a call that asks no service and a list of tools cost on the full path, beside a bare Flask route and
the SDK's own server that answer as many bytes.
"""

from bench import house, messages, rounds, workload
from bench.product import Running
from bench.report import Report
from bench.rounds import Subject

CONNECTIONS = (1, 16, 64)
GOAL_BARE = {"sqlite": 0.5, "postgres": 0.35}
GOAL_SDK = {"sqlite": 1.0, "postgres": 0.7}
GOAL_CPU, GOAL_LIST, GOAL_LIST_MS = 2.0, 0.4, 1.0


def hub_calls(report: Report, running: Running, seconds: float, count: int) -> None:
    """A tool of the hub's own, in rounds with both yardsticks."""
    kind, request = running.kind, workload.hub_call(running)
    print(f"\nTools/call without a service, {kind}", flush=True)
    answer_bytes = len(messages.once(running.port, request))
    with house.bare_flask(answer_bytes) as bare, house.sdk_server(answer_bytes) as (port, pid):
        subjects = [
            running.subject("ours", request),
            _bare(*bare),
            Subject("the SDK's server", port, messages.call("ping", {}, port, None), pid),
        ]
        measured = rounds.measure(subjects, CONNECTIONS, seconds, count)
    measured.print_table()
    for n in CONNECTIONS:
        at_once = f"{kind}, {n} at once"
        ratio = measured.ratio("ours", "bare Flask", n, rounds.RATE)
        report.at_least(f"{at_once}, against bare Flask", ratio, GOAL_BARE[kind])
        ratio = measured.ratio("ours", "the SDK's server", n, rounds.RATE)
        report.at_least(f"{at_once}, against the SDK's server", ratio, GOAL_SDK[kind])
        ratio = measured.ratio("ours", "bare Flask", n, rounds.CPU)
        report.at_most(f"{at_once}, CPU against bare Flask", ratio, GOAL_CPU)


def lists(report: Report, running: Running, seconds: float, count: int) -> None:
    """A list of tools with all services connected, in rounds with a bare route."""
    kind, request = running.kind, workload.listing(running)
    print(f"\nTools/list with {len(workload.SERVICES)} services, {kind}", flush=True)
    with house.bare_flask(len(messages.once(running.port, request))) as bare:
        subjects = [running.subject("ours", request), _bare(*bare)]
        measured = rounds.measure(subjects, CONNECTIONS, seconds, count)
    measured.print_table()
    for n in CONNECTIONS:
        ratio = measured.ratio("ours", "bare Flask", n, rounds.RATE)
        report.at_least(f"{kind}, {n} at once, against bare Flask", ratio, GOAL_LIST)
    cpu = measured.median("ours", max(CONNECTIONS), rounds.CPU)
    report.at_most(f"{kind}, CPU of a list", cpu, GOAL_LIST_MS, "ms")


def _bare(port: int, pid: int) -> Subject:
    request = messages.call("ping", {}, port, None).replace(b"POST /mcp", b"POST /json", 1)
    return Subject("bare Flask", port, request, pid)
