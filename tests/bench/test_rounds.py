"""Figures of alternate rounds: medians, and ratios within a round."""

import math

import pytest

from bench import messages, processes, rounds, wrk
from bench.report import Report
from bench.rounds import Measured, Subject, Turn
from bench.wrk import Load


def turn(rate: float, median: float = 1.0, cpu: float = 1.0) -> Turn:
    return Turn(Load(rate, 100, median, median, median, 10.0), cpu, math.nan)


@pytest.fixture
def measured() -> Measured:
    """The machine is busy in the second round, and hits both alike."""
    found = Measured()
    for ours, theirs in ((40, 100), (5, 10), (50, 100)):
        found.add("ours", 1, turn(ours, median=3.0))
        found.add("theirs", 1, turn(theirs, median=1.0))
    return found


def test_a_figure_is_the_median_of_its_rounds(measured):
    assert measured.median("ours", 1, rounds.RATE) == 40


def test_a_ratio_compares_within_each_round(measured):
    assert measured.ratio("ours", "theirs", 1, rounds.RATE) == 0.5
    assert measured.added("ours", "theirs", 1, rounds.MEDIAN) == 2.0


def test_the_table_has_a_line_for_each_and_a_dash_for_what_is_not_measured(measured, capsys):
    measured.print_table()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[-2:] == ["ms", "bytes"]
    assert [line.split()[:5] for line in lines[1:]] == [
        ["ours", "1", "40.0", "1.00", "-"],
        ["theirs", "1", "100.0", "1.00", "-"],
    ]


def test_subjects_take_turns_and_their_cpu_is_spread_over_what_they_answered(monkeypatch):
    turns, spent = [], {"a": 10.0, "b": 20.0}

    def run(port, request, connections, seconds):
        turns.append((request.decode(), connections))
        spent[request.decode()] += 0.5
        return Load(100, 98, 1, 1, 1, 10)

    monkeypatch.setattr(messages, "once", lambda port, request: b"")
    monkeypatch.setattr(wrk, "run", run)
    monkeypatch.setattr(rounds, "_SETTLE_SECONDS", 0)
    monkeypatch.setattr(processes, "cpu_of_tree", lambda pid: spent["ab"[pid - 1]])
    subjects = [Subject("a", 1, b"a", 1), Subject("b", 2, b"b", 2, database_cpu=lambda: spent["b"] * 2)]
    measured = rounds.measure(subjects, [2], 1, rounds=3)
    warm, alternate = turns[:2], turns[2:]
    assert warm == [("a", 2), ("b", 2)] and alternate == [("a", 2), ("b", 2)] * 3
    # half a second for 98 answers, and for the two requests that were under way when the load ended
    assert measured.median("a", 2, rounds.CPU) == pytest.approx(5.0)
    assert measured.median("b", 2, rounds.DATABASE_CPU) == pytest.approx(10.0)


def test_the_report_ends_with_what_falls_short(capsys):
    report = Report()
    report.at_least("rate", 0.4, 0.5)
    report.at_least("rate of another", 0.5, 0.5)
    report.at_most("memory", 130, 120, "MiB")
    report.at_most("growth", 2, 2, "MiB")
    report.end()
    end = capsys.readouterr().out.split("Falls short:\n")[1]
    assert [line.split(":")[0].strip() for line in end.splitlines()] == ["rate", "memory"]
