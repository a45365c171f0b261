"""What a call that asks no service and a list of tools cost on the full path, beside a bare Flask route and
the SDK's own server that answer as many bytes.
"""

import contextlib
from collections.abc import Sequence

from bench import house, messages, product, rounds
from bench.report import Report
from bench.rounds import Subject

CONNECTIONS = (1, 16, 64)
SERVICES = (
    *("flowpos", "freshbooks", "gmail", "google_sheets", "quickbooks"),
    *("servicefusion", "stripe", "xano", "xero"),
)
GOAL_BARE = {"sqlite": 0.5, "postgres": 0.35}
GOAL_SDK = {"sqlite": 1.0, "postgres": 0.7}
GOAL_CPU, GOAL_LIST, GOAL_LIST_MS = 2.0, 0.4, 1.0
GOAL_TRIPS = 2


def hub_calls(report: Report, kinds: Sequence[str], seconds: float, count: int) -> None:
    """A tool of the hub's own, in rounds with both yardsticks."""
    for kind in kinds:
        print(f"\nTools/call without a service, {kind}", flush=True)
        with product.run(kind) as running, contextlib.ExitStack() as stack:
            request = messages.call("hub_list_connections", {}, running.port, running.token)
            answer_bytes = len(messages.once(running.port, request))
            port, pid = stack.enter_context(house.sdk_server(answer_bytes))
            subjects = [
                running.subject("ours", request),
                _bare(stack, answer_bytes),
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
            report.sends(kind, product.statements(running.environ, *[request] * 3), GOAL_TRIPS)


def lists(report: Report, kinds: Sequence[str], seconds: float, count: int) -> None:
    """A list of tools with all services connected, in rounds with a bare route."""
    for kind in kinds:
        print(f"\nTools/list with {len(SERVICES)} services, {kind}", flush=True)
        with product.run(kind, *SERVICES) as running, contextlib.ExitStack() as stack:
            request = messages.listing(running.port, running.token)
            subjects = [
                running.subject("ours", request),
                _bare(stack, len(messages.once(running.port, request))),
            ]
            measured = rounds.measure(subjects, CONNECTIONS, seconds, count)
            measured.print_table()
            for n in CONNECTIONS:
                ratio = measured.ratio("ours", "bare Flask", n, rounds.RATE)
                report.at_least(f"{kind}, {n} at once, against bare Flask", ratio, GOAL_LIST)
            cpu = measured.median("ours", max(CONNECTIONS), rounds.CPU)
            report.at_most(f"{kind}, CPU of a list", cpu, GOAL_LIST_MS, "ms")
            report.sends(kind, product.statements(running.environ, *[request] * 3))


def _bare(stack: contextlib.ExitStack, answer_bytes: int) -> Subject:
    port, pid = stack.enter_context(house.bare_flask(answer_bytes))
    body = messages.call("ping", {}, port, None).replace(b"POST /mcp", b"POST /json", 1)
    return Subject("bare Flask", port, body, pid)
