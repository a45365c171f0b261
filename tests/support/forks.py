"""Processes of the product made in milliseconds: forks of one that has imported it and runs a single thread.

Starting Python and importing the product takes seconds of computing. Targets are functions of modules that
import little beyond the product; a test that is about a command starts the command.
"""

import multiprocessing

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.support.preloaded"])
