"""What must hold for MCP servers that a workspace added, whatever they did: one line per promise."""

import statistics
import time
from collections import Counter

from bench.chaos_checks import Promise
from bench.chaos_load import ITEM, Answers, Load, Target, call
from bench.chaos_server_faults import ServersSeen
from bench.chaos_upstream import HANG_AT_MOST_SECONDS, Drifter

HEALED_WITHIN_SECONDS = 30.0
# A list that waited for a server that hangs would take longer: a call waits two seconds for one.
_LIST_SECONDS = 2.0
_TOOLS = ("drifter_look", "drifter_add", "drifter_turn", "harbour_crm_list_deals", "harbour_crm_add_note")


def promises(answers: Answers, drifter: Drifter, seen: ServersSeen, kills: int) -> list[Promise]:
    """Those that are known once the load has ended."""
    return [
        _writes(answers, drifter),
        _changed_tool(answers, drifter, seen),
        _others(answers, seen),
        _lists(answers, seen),
        _refreshes(drifter, seen, kills),
    ]


def healed(target: Target, answers: Answers, ended: float) -> Promise:
    """Calls until each tool answers to each workspace at each instance. `ended`: when the last fault did."""
    waiting = {(port, token, tool) for port in target.ports for token in target.tokens for tool in _TOOLS}
    until = ended + HEALED_WITHIN_SECONDS
    took = 0.0
    while waiting and time.monotonic() < until:
        for each in sorted(waiting):
            port, token, tool = each
            if call(target, port, token, tool, Load.arguments(tool, answers), answers) == "ok":
                waiting.discard(each)
        took = time.monotonic() - ended
        if waiting:
            time.sleep(0.5)
    figure = f"{took:.1f} s" + (f"; not {sorted({tool for _, _, tool in waiting})}" if waiting else "")
    return Promise("after the faults everything heals by itself within 30 s", figure, not waiting)


def _writes(answers: Answers, drifter: Drifter) -> Promise:
    written = [name for name in answers.written if name.startswith(ITEM)]
    there = drifter.record.written
    missing = [name for name in written if not there[name]]
    doubled = [name for name, times in there.items() if times > 1]
    figure = f"{len(written):,} answered, {len(missing)} missing, {len(doubled)} doubled"
    return Promise(
        "a write is at an added server at most once", figure, bool(written) and not missing and not doubled
    )


def _changed_tool(answers: Answers, drifter: Drifter, seen: ServersSeen) -> Promise:
    """A call that began once the tool was held never reached the server."""
    turned = [answers.turns[name] for name in drifter.record.turned if name in answers.turns]
    through = sum(1 for began in turned for start, end in seen.held if start < began < end)
    tried = sum(1 for began in answers.turns.values() for start, end in seen.held if start < began < end)
    figure = (
        f"{len(seen.held)} changes, {tried} calls meanwhile, {through} reached the server; "
        f"{seen.unnoticed} unnoticed"
    )
    held = bool(seen.held) and bool(tried) and not through and not seen.unnoticed
    return Promise("a changed tool is never called unreviewed", figure, held)


def _others(answers: Answers, seen: ServersSeen) -> Promise:
    """Calls of other services while only servers were at fault. A connection that had ended before has."""
    during = [
        each
        for each in answers.calls
        if not each.tool.startswith(("drifter", "harbour", "tools/"))
        and any(start < each.began and each.began + each.seconds < end for start, end in seen.windows)
    ]
    outcomes = Counter(each.code or each.outcome for each in during)
    wrong = {name: n for name, n in outcomes.items() if name not in {"ok", "RECONNECT_NEEDED"}}
    middle = statistics.median(each.seconds for each in during) if during else 0.0
    figure = f"{outcomes['ok']:,} answered, median {1000 * middle:.0f} ms; otherwise: {wrong or 'none'}"
    return Promise("calls of other services go on", figure, outcomes["ok"] > 0 and not wrong)


def _lists(answers: Answers, seen: ServersSeen) -> Promise:
    took = [
        each.seconds
        for each in answers.calls
        if each.tool == "tools/list" and any(start < each.began < end for start, end in seen.hangs)
    ]
    slowest = max(took, default=HANG_AT_MOST_SECONDS)
    figure = f"{len(took)} lists during {len(seen.hangs)} hangs, slowest {slowest:.2f} s"
    return Promise("no list waits for a server", figure, slowest < _LIST_SECONDS)


def _refreshes(drifter: Drifter, seen: ServersSeen, kills: int) -> Promise:
    done = drifter.record.refreshes
    figure = f"{seen.expiries} expired, {done} refreshed, {kills} kills"
    return Promise("one refresh per expiry at an added server", figure, 0 < done <= seen.expiries + kills)
