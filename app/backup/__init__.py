"""Backups: written while Patchbay runs, checked without touching anything, and restored so that nothing that
had ended comes back.

May import everything but `demo`. Start reading in `commands.py`, then `image.py`.

Decided:
- A backup is what the database itself makes: a SQLite file (VACUUM INTO) or a dump by `pg_dump`. It holds
  secrets only as ciphertext; VAULT_KEYS and SECRET_KEY are not in it.
- A backup is first loaded into an image: a temporary SQLite database, migrated to this release. All
  checks run there. Restoring copies the image into the installation's database in one transaction, so a
  failure changes nothing, web processes see the old data or the new, and a backup of either
  database fits both.
- A restored database is one of the past. What was used up or ended since then would come back: sessions,
  codes, refresh tokens that rotated, requests that were carried out. `finish.py` ends all of these.
- A backup made on SQLite bears a mark. Patchbay does not start on a copy of it that was put in place by hand,
  until `restore --finish` has ended the same.
"""
