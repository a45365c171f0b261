"""What processes have used, read from /proc: the stable figure on a machine that does other work as well."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


def cpu_of_tree(pid: int) -> float:
    """Seconds of user and system time of a process and its descendants, those that ended included.

    A process whose parent has not waited for it yet, or whose parent ended before, is missing or counted
    under another: a server under load does neither.
    """
    return sum(_seconds(each, with_ended=True) for each in tree(pid))


def cpu_of(pids: list[int], *, named: str) -> float:
    """Seconds of user and system time of those of these processes that run a program of that name."""
    return sum(_seconds(each, with_ended=False) for each in pids if _name(each) == named)


def tree(pid: int) -> list[int]:
    """A process and its descendants, as far as they live."""
    found = [pid]
    for each in found:
        found += children(each)
    return found


def children(pid: int) -> list[int]:
    """The processes that a process has started and that live, whichever thread started them."""
    found = []
    for listed in _PROC.glob(f"{pid}/task/*/children"):
        try:
            found += [int(each) for each in listed.read_text().split()]
        except OSError:  # the thread has ended
            continue
    return found


def resident_mib(pid: int) -> float:
    """Resident memory of a process in MiB, pages that it shares included."""
    for line in (_PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def _name(pid: int) -> str:
    try:
        return (_PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def _seconds(pid: int, *, with_ended: bool) -> float:
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    # utime, stime, and of children that were waited for cutime, cstime: fields 14 to 17 of proc_pid_stat(5)
    return sum(int(each) for each in fields[11 : 15 if with_ended else 13]) / _TICKS
