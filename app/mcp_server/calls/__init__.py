"""One `tools/call` from its parameters to its stored outcome: start reading in `invoker.py`."""
