"""Companies, their members, and who may do what.

May import: the floor, `web`, `accounts`. Start reading in `guard.py`, then `registration.py`.

Decided: every record is reached through the workspace of the authenticated caller, so the id of a record in
another workspace is simply not found.
"""
