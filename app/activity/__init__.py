"""The audit trail: linked so that a changed or removed entry shows, verified, and shown to those it concerns.

May import: the floor, `accounts`, `workspaces`, `connectors`. Entries are written by `app.audit`. Start
reading in `sealing.py`, then `verifying.py`; `sealer.py` is the thread, `trail.py` the queries,
`sentences.py` the words.

Decided:
- One chain a workspace and one for the installation (what concerns no workspace). A link is a SHA-256 over
  the entry's number, the link before it, the entry's signature and its content. The end of each chain (count
  and last link) is a row of its own, signed with a key derived from SECRET_KEY: who can write the database
  but has not that key can neither change an entry, nor put one in, nor take one off the end, without `audit
  verify` saying so.
- Entries are linked a moment after their transaction, not in it. In it, every act of a workspace would queue
  for the end of its chain until the commit is on disk, and sixteen callers of a write tool would run one
  behind the other; sign-ins of everybody would share one lock; and code that locks other rows first would
  have an order of locks to keep. So writing an entry locks nothing, and linking holds one lock at a time.
- What that costs: an entry that nobody has linked yet, for about a second, can be removed without a trace. It
  can not be changed, and none can be put in or repeated: each is signed as it is written, with a number used
  once, and only entries that bear our signature are linked. Doing it in the transaction would close that
  second for somebody who writes the database, who could as well stop our writes altogether.
- The links need no key, so an export can be checked by anybody (docs/activity.md), and changing SECRET_KEY
  touches only the ends: `audit verify` signs them anew once nothing was found, then the old key can go.
- The installation's chain names every chain that was begun, so a whole chain cannot vanish, nor begin again.
- No chain can tell by itself that the whole database was put back to an older day. `audit verify` prints
  each end; noted down elsewhere it is asked for again with `--anchor`.
- Numbers follow the order of linking, which parallel commits make differ from the order of time by moments.
- A person's own acts outside any workspace (a changed password) are shown to that person only.
- Deleting a workspace or a person keeps their entries: there is no foreign key, and no name in them.
"""
