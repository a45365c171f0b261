"""CPU and memory as the kernel counts them: every process of a tree, those that ended included."""

import os
import subprocess
import sys

import pytest

from bench import processes

SPENT = 0.3
# Burns CPU itself, in a child that has ended, and in a child of another thread that lives on.
TREE = f"""
import subprocess, sys, threading, time
def burn():
    while time.process_time() < {SPENT}: pass
if sys.argv[1:]:
    burn()
    print("burnt", flush=True)
    if sys.argv[1] == "stay": sys.stdin.read()
    sys.exit()
subprocess.run([sys.executable, __file__, "end"], stdout=subprocess.DEVNULL)
def other():
    global child
    child = subprocess.Popen([sys.executable, __file__, "stay"], stdout=subprocess.PIPE)
    started.set()
    forever.wait()
started, forever = threading.Event(), threading.Event()
threading.Thread(target=other, daemon=True).start()
started.wait()
child.stdout.readline()
burn()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def started(tmp_path):
    program = tmp_path / "tree.py"
    program.write_text(TREE)
    command = [sys.executable, str(program)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.stdin.close()


def test_the_cpu_of_a_tree_is_that_of_all_its_processes(started):
    spent = processes.cpu_of_tree(started.pid)
    assert 3 * SPENT * 0.95 <= spent <= 3 * SPENT * 2  # at most as much again to start three interpreters
    assert len(processes.tree(started.pid)) == 2


def test_a_process_that_another_thread_started_belongs_to_the_tree(started):
    (child,) = processes.children(started.pid)
    alone = processes.cpu_of([child], named=processes._name(child))
    assert SPENT * 0.95 <= alone <= SPENT * 2


def test_a_process_of_another_name_or_none_at_all_counts_nothing(started):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert processes.cpu_of([started.pid, gone.pid], named="postgres") == 0.0
    assert processes.cpu_of_tree(gone.pid) == 0.0


def test_resident_memory_is_in_mebibytes():
    held = bytearray(os.urandom(1)) * (64 * 1024 * 1024)
    full = processes.resident_mib(os.getpid())
    del held
    assert full - processes.resident_mib(os.getpid()) == pytest.approx(64, abs=4)
