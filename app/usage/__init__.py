"""Every tool call counted; tiers and limits; what calls add up to, and the page that shows it.

May import: the floor, `web`, `accounts`, `workspaces`, `connectors`, `vault`. Flask only in `routes.py`.
Start reading in `ledger.py` for writing, in `page.py` for showing.

Decided:
- A call is written down before it is answered, so killing a worker loses none. Calls of one process that
  finish together share a commit; alone, a call costs one. Limits are fixed windows of a minute and a day,
  counted in Redis where there is one and in the database where not, exact in both. `/usage` reads them there,
  without counting.
- The page never counts rows: `rollup.py` adds them up into tallies of a workspace, day, tool, member, AI
  client, connector and outcome, with a histogram of their times. What is not in the tallies yet (the last
  minute) is read from its rows, found by id, in the same snapshot: figures are right to the last call.
- Rolling up goes by id, not by time, so a row that arrives late is counted like any other. How ids that
  become visible out of order are waited for is told in `rollup.py`.
- Nobody sets up a cron: about once a minute a call or a page view sets the upkeep off, in a thread of its
  own.
- Days are those of UTC, whatever the workspace's time zone, because the daily limit counts them so: "today"
  on the page and "today" in a refusal are the same day. The time zone is for what people write in their
  services.
- A plain member sees their own calls and what is left of the limits all share. Owners and admins see
  everybody's, in the page and in the files alike.
- A call failed unless its outcome is `ok` or `APPROVAL_NEEDED`: waiting for a yes is what was wanted.
- Rows go after USAGE_RETENTION_DAYS, tallies after two years and a month, those of a deleted workspace at
  once.
"""
