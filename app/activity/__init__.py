"""The audit trail: a chain of entries in which every change or removal shows, its verification, and its page.

May import: the floor, `accounts`, `workspaces`, `connectors`. `app.audit` writes the entries. Start reading
in `sealing.py`, then `verifying.py`; `sealer.py` is the thread, `trail.py` the queries, `sentences.py` the
words.

Decided:
- One chain per workspace, and one for the installation (entries of no workspace). A link is a SHA-256 over
  the entry's number, the previous link, the entry's signature and its content. The end of each chain (count
  and last link) is a row of its own, signed with a key derived from SECRET_KEY. Whoever can write the
  database without that key cannot change, insert or cut off an entry unnoticed: `audit verify` reports it.
- Entries are linked a moment after their transaction, not in it. Inside it, every action in a workspace would
  wait for the end of its chain until the commit is on disk, and sixteen callers of a write tool would run one
  after another; all sign-ins would share one lock; and code that locks other rows first would have a lock
  order to keep. So writing an entry locks nothing, and linking holds one lock at a time.
- The cost: for about a second, until it is linked, an entry can be removed without a trace. It cannot be
  changed, and none can be inserted or replayed: each is signed as it is written, with a nonce, and only
  entries with our signature are linked. Linking in the transaction would close that second only against
  somebody who writes the database, and who could as well stop our writes altogether.
- The links need no key, so anybody can check an export (docs/activity.md), and changing SECRET_KEY touches
  only the ends: `audit verify` re-signs them after a run without findings, then the old key can go.
- The installation's chain names every chain that began, so a whole chain cannot vanish or begin again.
- No chain can tell by itself that the whole database was restored to an older day. `audit verify` prints each
  end; noted down elsewhere, it is checked later with `--anchor`.
- Numbers follow the order of linking. With parallel commits it differs from the order of time by moments.
- The page shows acts, not entries (`acts.py`): what belongs together is one line with its state. That is
  decided while reading, by what entries have in common; the chain and the files know only entries.
- The headline of an approval comes from `approvals`, which stands above: the route passes its look-up in.
- A person's own actions outside any workspace (a changed password) are shown to that person only.
- Deleting a workspace or a person keeps their entries: they have no foreign key and hold no name.
"""
