"""People: creating an account, signing in, codes by mail, sessions.

May import: the floor, `web`. Start reading in `signing_in.py`.

Decided: login sessions live in a table and the cookie holds only an opaque id, so that signing
out, a password change and a disabled account count from the next request everywhere. Budgets for
codes and attempts live in the database, so they survive restarts, several workers and no Redis.

Google sign-in begins in `google_pages.py`; `google_sign_in.py` says whom Google is believed about.

Flask-Login gives `current_user`, fed from that table; its own cookies are switched off. Creating an
account also makes a workspace, so `/register` and `/confirm` are in `workspaces`, which may know both.
"""
