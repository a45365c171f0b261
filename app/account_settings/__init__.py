"""One's own account and workspace: name, time zone, emails, password, browsers, data
export, deletion.

May import everything up to `team`. Start reading in `routes.py` and `sign_in_routes.py`, then
`account_deletion.py` and `workspace_deletion.py`.

Decided:
- What changes how one signs in, or cannot be undone, needs a sign-in within the last half hour. That replaces
  asking for the current password: whoever forgot it signs in by a mailed code and sets a new one, so there is
  no separate reset.
- A code proves a new address before anything changes. Only that mailbox learns whether somebody else has the
  address.
- Deletion happens at once and in one transaction. The access that must be revoked at services is queued in
  the same transaction (`vault.revocation`), so it continues after a crash and after the workspace is gone; no
  page waits for a service.
- What remains names people by id alone: the audit trail (who did what to which record, with the arguments of
  changes by AI clients), and the usage rows until the retention setting removes them, so that an operator's
  totals stay true.
- The download is written one page of rows at a time, each read on its own. However much there is, memory
  stays small, and no database connection is held while a slow client downloads.
"""
