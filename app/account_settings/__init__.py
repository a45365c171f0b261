"""One's own account and workspace: name, address, password, browsers signed in, a copy of one's data, going
for good.

May import everything up to `team`. Start reading in `routes.py`, then `leaving.py` and `closing.py`.

Decided:
- What changes how one signs in, or cannot be undone, needs a sign-in of the last half hour. That proof takes
  the place of asking for the current password: who forgot it comes in by a mailed code and sets a new one, so
  there is no separate reset.
- A new address is proved by a code before anything changes. Whether somebody else has it is told to that
  mailbox only.
- Deleting is done at once and in one transaction. What has to be ended at services is written down in the
  same transaction (`vault.revocation`), so it goes on after a crash and after the workspace is gone; no page
  waits for a service.
- What stays is a skeleton of ids: the audit trail (who did what to which record, without name or address),
  and the usage rows until the retention setting removes them. They hold no content, and an operator's totals
  stay true.
- The download is written a page of rows at a time, each read on its own: however much there is, memory stays
  small and no database connection is held while somebody's slow line takes it.
"""
