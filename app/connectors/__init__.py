"""What can be connected: one declaration and a few typed functions per service.

May import: the floor. Never Flask, never `vault`. Start reading in `spec.py`, then `ways.py` (ways in by a
form), then a service.
"""
