"""The AI clients page: how to point each client at us, what has access, and what went wrong on the way.

May import everything up to `mcp_server`. Start reading in `guides.py`.

Decided:
- A guide is data: steps, snippets and links made from the one address. What a person pastes is what the tests
  run with the real client, where that can be installed.
- A snippet never holds a token: it reads one from the environment, so none ends in a shell's history or a
  repository.
- "Connected" means that this person's client got a token or used one; it is read from grants, so it is true
  on every host.
- The doctor reads the steps the authorization server wrote down. Steps before the sign-in belong to nobody;
  they are shown to whoever sits at the address they came from, since the client of a person mostly runs on
  their machine.
- Owners and admins see and can revoke what all members gave; a member sees their own.
"""
