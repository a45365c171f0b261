"""Jobs that must happen: periodic work inside the web processes, with no cron and nobody watching.

May import: the floor and `web`. The list of jobs is in `app/background.py`. Start reading in `runner.py`.

Decided:
- Every web process has one runner. A job runs in one process at a time, whichever claims its row
  (`job_turns`) first; hosts agree through the database and its clock.
- A claim is a lease that its holder renews while it works. When the holder is killed, the lease passes and
  another process runs the job again: every job is safe to repeat.
- Each job runs in a thread of its own, so a long one does not delay the others. One that fails is tried again
  after a growing pause, is logged once with its name, and stops no other.
- The row stores the last start, success, duration and error. The health page reads them and warns of a job
  that is overdue.
- A command for operators runs the same function and records it in the same row.
"""
