"""Companies, their members, and who may do what.

May import: the floor, `web`, `accounts`. Start reading in `guard.py`, then `registration.py`.

Decided: every record is reached through the workspace of the verified caller; an id of another
workspace is simply not found.
"""
