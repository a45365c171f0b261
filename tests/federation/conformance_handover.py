"""What the official suite starts as a client: `python -I -S conformance_handover.py PORT URL`.

It starts in milliseconds, and hands the scenario to the test that listens on that port
(`test_client_conformance.py`): the product in the test's process is the client. The exit code is the test's.
"""

import json
import os
import socket
import sys

with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as test, test.makefile("rw") as lines:
    scenario = {
        "url": sys.argv[2],
        "name": os.environ.get("MCP_CONFORMANCE_SCENARIO"),
        "context": json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}")),
    }
    lines.write(json.dumps(scenario) + "\n")
    lines.flush()
    outcome = json.loads(lines.readline())
print(outcome["printed"])
sys.exit(outcome["code"])
