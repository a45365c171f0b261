"""People: creating an account, signing in, codes by mail, sessions.

May import: the floor, `web`. Start reading in `signing_in.py`.

Decided: login sessions are rows in a table and the cookie holds only an opaque id. So signing out, a password
change and a disabled account take effect everywhere at the next request. Budgets for codes and attempts are
in the database, so they survive restarts, several workers and a missing Redis.

Google sign-in starts in `google_pages.py`; `google_sign_in.py` decides when to believe Google about an
address.

Flask-Login provides `current_user`, loaded from that table; its own cookies are disabled. Creating an account
also creates a workspace, so `/register` and `/confirm` are in `workspaces`, which may import both.
"""
