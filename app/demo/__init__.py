"""A company made up for showing the product: people, weeks of calls, a few notes, and connections in the
sandbox.

May import every other package; nobody imports it but the factory. Start reading in `commands.py`.

Decided:
- Never in production: the people are invented and their password can be worked out on this machine.
- Everything has a fixed id or is looked for first, so a second run adds nothing.
- The password is made from SECRET_KEY, so it is the same at each run, and another one on every installation.
- Nothing is done behind the verbs that pages use: connections go through the sandbox's own consent page.
"""
