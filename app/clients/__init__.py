"""The AI clients page: how to connect each client, what has access, and what went wrong in between.

May import everything up to `mcp_server`. Start reading in `guides.py`.

Decided:
- A guide is data: steps, snippets and links built from the one address. The tests run what a person pastes
  with the real client, where that can be installed.
- A snippet never contains a token: it reads one from the environment, so none ends up in a shell's history or
  a
  repository.
- "Connected" means that this person's client got a token or used one; it is read from grants, so it is true
  on every host.
- The doctor reads the authorization server's attempt log. Steps before the sign-in belong to nobody; they are
  displayed to whoever has the same address, since a person's client mostly runs on their machine.
- Owners and admins see and can revoke what all members gave; a member sees their own.
"""
