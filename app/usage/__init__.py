"""Every tool call counted; tiers and limits.

May import: the floor, `workspaces`, `vault`. Never Flask. Start reading in `ledger.py`.

Decided: a call is written down before it is answered, so killing a worker loses none. Calls of one
process that finish together share a commit; alone, a call costs one. Limits are fixed windows of a
minute and a day, counted in Redis where there is one and in the database where not, exact in both.
"""
