"""A made-up company for demonstrations: people, weeks of calls, a few notes, and connections in the sandbox.

May import every other package; only the factory imports it. Start reading in `commands.py`.

Decided:
- Never in production: the people are invented, and their password can be computed on this machine.
- Every record has a fixed id or is looked up first, so a second run adds nothing.
- The password is derived from SECRET_KEY, so it is the same at each run, and different on every installation.
- It uses the same functions as the pages: connections go through the sandbox's own consent page.
"""
