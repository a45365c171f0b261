"""Every tool call counted: tiers and limits, the totals, and the page that shows them.

May import: the floor, `web`, `accounts`, `workspaces`, `connectors`, `vault`. Flask only in `routes.py`.
Start reading in `ledger.py` for writing (each database has its own way: `sqlite_batch.py`,
`postgresql_batch.py`), in `page.py` for reading.

Decided:
- A call is stored before it is answered, so killing a worker loses none. Calls of one process that finish
  together share a commit; a lone call costs one. Limits are fixed windows of a minute and a day, counted in
  Redis where it is configured, else in the database, and exact in both. `/usage` reads them there without
  counting a call.
- The page never counts rows. `rollup.py` adds them up into tallies per workspace, day, tool, member, AI
  client, connector and outcome, with a histogram of their times. Calls that are not in the tallies yet (the
  last minute) are read from their rows, found by id, in the same snapshot: figures are right to the last
  call.
- The roll-up goes by id, not by time, so a row that arrives late is counted like any other. `rollup.py`
  explains how it waits for ids that become visible out of order.
- The roll-up and the retention are jobs of the web processes (`scheduler.py`).
- Days are in UTC, whatever the workspace's time zone, because the daily limit counts them so: "today" on the
  page and "today" in a refusal are the same day. The time zone is for what people write in their services.
- A period is compared with the one before it. The database adds the histograms up (`figures.py`), so that
  the page costs as much for ten tools as for a thousand calls of them.
- A plain member sees their own calls, and what is left of the limits that all members share. Owners and
  admins see everybody's calls, on the page and in the files alike.
- A call failed unless its outcome is `ok` or `APPROVAL_NEEDED`: waiting for an approval is the intended
  result.
- Rows are deleted after USAGE_RETENTION_DAYS, tallies after two years and a month, those of a deleted
  workspace at once.
"""
